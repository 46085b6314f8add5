"""Is one variant better than another? The paired bootstrap of the difference of their macro scores.

    python workflow/scripts/compare_variants.py --variant scores/validation/track35.json --baseline scores/validation/base-strict.json \
        --output comparisons/track35-over-base-strict.json

Reads two score files of score.py on the same questions, and compares them on the tasks of their `macro`. In every
resample both variants meet the same questions, so what makes a question hard for both cancels out.

Leaves {set, variant, baseline, difference, low, high, tasks: {task: {difference, low, high}}, types: {task type: the same, over all
its tasks}, draws}: variant minus baseline, with 95 % percentile intervals. `low` above zero says that the variant beats the baseline.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from shopbench.bootstrap import interval, mean_over_tasks
from shopbench.files import BadInput, progress, read_json, run_program, write_json
from shopbench.type_scores import entry, gains_by_type, paired


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", required=True, type=Path, help="score file of the variant that should be better")
    parser.add_argument("--baseline", required=True, type=Path, help="score file of the variant it is compared with")
    parser.add_argument("--output", required=True, type=Path, help="JSON file to write")
    parser.add_argument("--bootstrap", type=int, default=2000, help="resamples of the bootstrap (number)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the bootstrap")
    args = parser.parse_args()

    variant, baseline = read_json(args.variant), read_json(args.baseline)
    tasks = macro_tasks(variant, args.variant)
    if tasks != macro_tasks(baseline, args.baseline):
        raise BadInput(f"{args.variant} and {args.baseline}: their macros name different tasks; score both anew with one config")
    compared = {}
    for task in tasks:
        ours, theirs = question_values(variant, task), question_values(baseline, task)
        if list(ours) != list(theirs):
            raise BadInput(f"{args.variant} and {args.baseline}: different questions in task {task}; score both on one evaluation set")
        compared[task] = paired(
            np.array(list(ours.values()), float), np.array(list(theirs.values()), float), task, args.bootstrap, args.seed
        )

    resamples = mean_over_tasks([draws for _, draws in compared.values()])
    low, high = interval(resamples)
    result = {
        "set": variant["set"],
        "variant": variant["variant"],
        "baseline": baseline["variant"],
        "difference": float(np.mean([difference for difference, _ in compared.values()])),
        "low": low,
        "high": high,
        "tasks": {task: entry(*both) for task, both in compared.items()},
        "types": gains_by_type(variant, baseline, args.bootstrap, args.seed),
        "draws": args.bootstrap,
    }
    write_json(args.output, result)
    progress(f"{result['variant']} - {result['baseline']}: {result['difference']:+.3f} [{low:+.3f}, {high:+.3f}]")


def macro_tasks(scores: dict[str, Any], path: Path) -> list[str]:
    """The tasks of a score file's macro. Raises BadInput when it has none, or when one of them was refused."""
    macro = scores.get("macro")
    if not macro or macro["score"] is None:
        raise BadInput(
            f"{path}: it has no macro score; run score.py with --macro on a set with these tasks, and with models for their metrics"
        )
    return macro["tasks"]


def question_values(scores: dict[str, Any], task: str) -> dict[str, Any]:
    """Score, or counts under micro F1, of each of a task's questions by id."""
    return {question["id"]: question.get("counts", question["score"]) for question in scores["questions"] if question["task"] == task}


if __name__ == "__main__":
    run_program(main)
