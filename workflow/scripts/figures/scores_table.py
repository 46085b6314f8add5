"""All scores: every variant on every set and track, the trivial answer's score beside each.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/scores_table.py --run '{"name": "demo", "simulated": true}' \\
      --scores results/demo/scores/*/*.json --table scores_table.tsv

Reads score files. Leaves a table with columns set, variant, track, score, low, high, trivial, tasks, questions, refused: a row per track,
then the mean over tracks and, where the config names one, the macro score. `refused` lists metrics that could not be computed here; their
tasks are in no mean.
"""

from __future__ import annotations

import argparse
from typing import Any

from shopbench.files import run_program
from shopbench.report_data import TRACKS, figure_arguments, read_scores, track_score, write_table

COLUMNS = ["set", "variant", "track", "score", "low", "high", "trivial", "tasks", "questions", "refused"]


def table_rows(scores: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of one score file."""
    found = [(track, track_score(scores, track)) for track in TRACKS]
    for name, mean in (("mean over tracks", scores["overall"].get("mean_over_tracks")), ("macro", scores.get("macro"))):
        if isinstance(mean, dict):
            found.append((name, {**{key: mean.get(key) for key in ("score", "low", "high", "trivial")}, "tasks": None, "questions": None}))
    named = {"set": scores["set"], "variant": scores["variant"], "refused": ", ".join(scores.get("refused", {}))}
    return [{**named, "track": track, **row} for track, row in found if row["score"] is not None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", nargs="+", required=True, help="score files (JSON)")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    write_table(args.table, COLUMNS, [row for scores in read_scores(args.scores).values() for row in table_rows(scores)])


if __name__ == "__main__":
    run_program(main)
