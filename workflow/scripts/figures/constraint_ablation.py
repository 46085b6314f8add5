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

from shopbench.figure_style import draw_nothing, footnote, save_figure, use_style
from shopbench.files import run_program
from shopbench.report_data import figure_arguments, read_scores, run_line, sets_of, track_score, write_table
from shopbench.variant_rows import draw_variants

COLUMNS = ["set", "weights", "constraints", "variant", "score", "low", "high", "trivial", "tasks", "questions"]
CONSTRAINTS = ["none", "boost", "strict"]


def weights_of(variant: dict[str, Any]) -> str:
    """What a variant is apart from its constraints, in words."""
    fine_tuning = variant.get("ensemble") or variant.get("adapter") or "base"
    alpha = f" × {variant['alpha']}" if "alpha" in variant else ""
    return f"{fine_tuning}{alpha}, {variant['precision']}"


def ablation_rows(scores: dict[tuple[str, str], dict[str, Any]], variants: dict[str, Any]) -> list[dict[str, Any]]:
    """A row per set and variant, for the weights that were scored under several kinds of constraints."""
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for name, variant in variants.items():
        groups.setdefault((variant["model"], weights_of(variant)), {})[variant["constraints"]] = name
    rows = []
    for set_name in sets_of(scores):
        for (_, weights), by_constraints in groups.items():
            if len(by_constraints) < 2:
                continue
            for constraints in sorted(by_constraints, key=CONSTRAINTS.index):
                name = by_constraints[constraints]
                row = {"set": set_name, "weights": weights, "constraints": constraints, "variant": name}
                rows.append({**row, **track_score(scores.get((set_name, name)), "track5")})
    return [row for row in rows if row["score"] is not None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", nargs="*", default=[], help="score files (JSON)")
    parser.add_argument("--variants", required=True, type=json.loads, help="the config's `variants`, as JSON")
    figure_arguments(parser)
    args = parser.parse_args()

    rows = ablation_rows(read_scores(args.scores), args.variants)
    use_style()
    if rows:
        figure = draw_variants(rows, group=("weights",), shade="constraints")
        footnote(
            figure, run_line(args.run, published=False), "Dots: mean over all tasks; lines: 95 % interval; grey ticks: the trivial answer."
        )
    else:
        figure = draw_nothing("No two variants of this run differ in constraints alone.")
    save_figure(figure, args.png, args.pdf)
    write_table(args.table, COLUMNS, rows)


if __name__ == "__main__":
    run_program(main)
