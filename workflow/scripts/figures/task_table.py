"""Scores per task: the base system and the final one on every task of every set, the trivial answer's score beside them.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/task_table.py --run '{"name": "demo", "simulated": true}' \\
      --scores results/demo/scores/*/*.json --systems '{"base": {"track1": "base-strict"}, "final": {"track1": "track1-awq"}}' \\
      --table task_table.tsv

A task is answered by the variant of its own track. Reads score files; leaves a table with columns set, track, task, task_type, metric, n,
trivial, base, final, final_low, final_high, final_variant.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from shopbench.files import run_program
from shopbench.report_data import figure_arguments, read_scores, sets_of, write_table

COLUMNS = ["set", "track", "task", "task_type", "metric", "n", "trivial", "base", "final", "final_low", "final_high", "final_variant"]


def table_rows(scores: dict[tuple[str, str], dict[str, Any]], systems: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """A row per set and task that any variant of the systems answered, in the order of the score files."""
    rows = []
    for set_name in sets_of(scores):
        known = {task: entry for (s, _), found in scores.items() if s == set_name for task, entry in found["tasks"].items()}
        for task, entry in sorted(known.items(), key=lambda item: item[1]["track"]):
            answered = {}
            for system in ("base", "final"):
                variant = systems[system].get(entry["track"], "")
                answered[system] = scores.get((set_name, variant), {"tasks": {}})["tasks"].get(task, {})
            rows.append(
                {
                    "set": set_name,
                    "task": task,
                    **{key: entry[key] for key in ("track", "task_type", "metric", "n", "trivial")},
                    "base": answered["base"].get("score"),
                    "final": answered["final"].get("score"),
                    "final_low": answered["final"].get("low"),
                    "final_high": answered["final"].get("high"),
                    "final_variant": systems["final"].get(entry["track"]),
                }
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", nargs="+", required=True, help="score files (JSON)")
    parser.add_argument(
        "--systems", required=True, type=json.loads, help="which variant answers each track, as JSON: {base: {track: variant}, final: ...}"
    )
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    write_table(args.table, COLUMNS, table_rows(read_scores(args.scores), args.systems))


if __name__ == "__main__":
    run_program(main)
