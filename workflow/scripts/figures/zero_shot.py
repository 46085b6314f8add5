"""The zero-shot table: models without fine-tuning on each track, this run's beside the paper's four.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/zero_shot.py --run '{"name": "demo", "simulated": true}' \\
      --scores results/demo/scores/*/base*.json --paper config/paper.yaml --table zero_shot.tsv

Reads the score files of the variants that have neither an adapter nor an ensemble, and config/paper.yaml. Leaves a table with columns
origin, set, model, track, score, low, high, trivial, questions.
"""

from __future__ import annotations

import argparse
from typing import Any

from shopbench.files import run_program
from shopbench.report_data import TRACKS, figure_arguments, read_scores, read_yaml, track_score, write_table

COLUMNS = ["origin", "set", "model", "track", "score", "low", "high", "trivial", "questions"]


def our_rows(scores: dict[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    """A row per set, variant and track."""
    rows = [
        {"origin": "this run", "set": set_name, "model": variant, "track": track, **track_score(found, track)}
        for (set_name, variant), found in scores.items()
        for track in TRACKS
    ]
    return [row for row in rows if row["score"] is not None]


def published_rows(zero_shot: dict[str, Any]) -> list[dict[str, Any]]:
    """The paper's models, scores as text with the source's digits; a score that it does not print is left out."""
    return [
        {**dict.fromkeys(COLUMNS), "origin": "published", "set": "hidden test", "model": model, "track": track, "score": score}
        for model, scores in zero_shot["scores"].items()
        for track, score in scores.items()
        if score is not None
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", nargs="+", required=True, help="score files (JSON) of models as they come")
    parser.add_argument("--paper", required=True, help="config/paper.yaml")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    published = published_rows(read_yaml(args.paper)["zero_shot"])
    write_table(args.table, COLUMNS, [*our_rows(read_scores(args.scores)), *published])


if __name__ == "__main__":
    run_program(main)
