"""What constraints on answers are worth: the same weights with no constraints, with boosted tokens, and with strict ones.

A dot is the mean score over all tasks of a set with its 95 % interval; grey tick: the trivial answer.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/constraint_ablation.py \\
      --run '{"name": "demo", "simulated": true}' --scores results/demo/scores/*/*.json \\
      --variants '{"track35-awq": {"ensemble": "track35", "precision": "awq", "constraints": "boost"}}' --png c.png \\
      --pdf c.pdf --table c.tsv

Reads score files; leaves the figure and a table with columns set, weights, constraints, variant, score, low, high, trivial, tasks,
questions.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from shopbench.figure_style import save_figure, use_style
from shopbench.files import run_program
from shopbench.report_data import figure_arguments, read_scores, write_table
from shopbench.variant_rows import compared_rows, figure_of

COLUMNS = ["set", "weights", "constraints", "variant", "score", "low", "high", "trivial", "tasks", "questions"]


def weights_of(variant: dict[str, Any]) -> str:
    """What a variant is apart from its constraints, in words."""
    fine_tuning = variant.get("ensemble") or variant.get("adapter") or "base"
    alpha = f" × {variant['alpha']}" if "alpha" in variant else ""
    return f"{fine_tuning}{alpha}, {variant['precision']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", nargs="*", default=[], help="score files (JSON)")
    parser.add_argument("--variants", required=True, type=json.loads, help="the config's `variants`, as JSON")
    figure_arguments(parser)
    args = parser.parse_args()

    rows = compared_rows(
        read_scores(args.scores),
        args.variants,
        lambda variant: {"weights": weights_of(variant)},
        "constraints",
        ["none", "boost", "strict"],
    )
    use_style()
    nothing = "No two variants of this run differ in constraints alone."
    save_figure(figure_of(rows, ("weights",), "constraints", args.run, nothing), args.png, args.pdf)
    write_table(args.table, COLUMNS, rows)


if __name__ == "__main__":
    run_program(main)
