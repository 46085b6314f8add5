"""Base against fine-tuned for each base model, this run's beside the paper's two.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/two_models.py --run '{"name": "demo", "simulated": true}' \\
      --scores results/demo/scores/*/*.json --variants '{"v8": {"model": "demo-base", "adapter": "v8", "constraints": "strict"}}' \\
      --paper config/paper.yaml --table two_models.tsv

A fine-tuned variant counts here if it has an adapter at weight 1, unquantized, under the constraints of a variant of its model alone.
Reads score files and config/paper.yaml; leaves a table with columns origin, set, model, fine_tuning, track, score, low, high, trivial,
questions.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from shopbench.files import run_program
from shopbench.report_data import TRACKS, figure_arguments, read_scores, read_yaml, sets_of, track_score, write_table

COLUMNS = ["origin", "set", "model", "fine_tuning", "track", "score", "low", "high", "trivial", "questions"]


def compared(variants: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(model, what was done to it, variant): each model as it comes, then its fine-tuned variants of the kind that the paper compares."""
    plain = [(v["model"], "none", name) for name, v in variants.items() if not {"adapter", "ensemble"} & set(v)]
    conditions = {(v["model"], v["constraints"]) for v in (variants[name] for _, _, name in plain)}
    tuned = [
        (v["model"], v["adapter"], name)
        for name, v in variants.items()
        if "adapter" in v and v.get("alpha", 1) == 1 and v["precision"] == "bf16" and (v["model"], v["constraints"]) in conditions
    ]
    used = {(variants[name]["model"], variants[name]["constraints"]) for _, _, name in tuned}
    paired = [entry for entry in plain if (entry[0], variants[entry[2]]["constraints"]) in used]
    return sorted([*paired, *tuned], key=lambda entry: entry[0])


def our_rows(scores: dict[tuple[str, str], dict[str, Any]], variants: dict[str, Any]) -> list[dict[str, Any]]:
    """A row per set, variant and track."""
    rows = [
        {"origin": "this run", "set": set_name, "model": model, "fine_tuning": done, "track": track}
        | track_score(scores.get((set_name, name)), track)
        for set_name in sets_of(scores)
        for model, done, name in compared(variants)
        for track in TRACKS
    ]
    return [row for row in rows if row["score"] is not None]


def published_rows(paper: dict[str, Any]) -> list[dict[str, Any]]:
    """Qwen2-72B and Smaug-72B before and after fine-tuning, scores as text with the source's digits."""
    groups = {
        ("Qwen2-72B", "none"): paper["zero_shot"]["scores"]["Qwen2-72B"],
        ("Qwen2-72B", "fine-tuned"): paper["fine_tuned"]["scores"],
        ("Smaug-72B", "none"): paper["zero_shot"]["scores"]["Smaug-72B"],
        ("Smaug-72B", "fine-tuned"): paper["fine_tuned_smaug"]["scores"],
    }
    told = {**dict.fromkeys(COLUMNS), "origin": "published", "set": "hidden test"}
    return [
        told | {"model": model, "fine_tuning": done, "track": track, "score": score}
        for (model, done), group in groups.items()
        for track, score in group.items()
        if score is not None
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", nargs="+", required=True, help="score files (JSON)")
    parser.add_argument("--variants", required=True, type=json.loads, help="the config's `variants`, as JSON")
    parser.add_argument("--paper", required=True, help="config/paper.yaml")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    write_table(args.table, COLUMNS, [*our_rows(read_scores(args.scores), args.variants), *published_rows(read_yaml(args.paper))])


if __name__ == "__main__":
    run_program(main)
