"""What quantization costs: the same ensemble at different precisions, per evaluation set.

A dot is the mean score over all tasks of a set with its 95 % interval; variants of one ensemble stand together, and only those under the
same constraints on answers compare (the label says which). Grey tick: the trivial answer.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/quantization_effect.py \\
      --run '{"name": "demo", "simulated": true}' --scores results/demo/scores/*/*.json \\
      --variants '{"track35-awq": {"ensemble": "track35", "precision": "awq", "constraints": "boost"}}' --png q.png \\
      --pdf q.pdf --table q.tsv

Reads score files; leaves the figure and a table with columns set, ensemble, precision, constraints, variant, score, low, high, trivial,
tasks, questions. The paper says in words that GPTQ was about as good as AWQ and prints no score.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from shopbench.figure_style import draw_nothing, footnote, save_figure, use_style
from shopbench.files import run_program
from shopbench.report_data import figure_arguments, read_scores, run_line, sets_of, track_score, write_table
from shopbench.variant_rows import draw_variants

COLUMNS = ["set", "ensemble", "precision", "constraints", "variant", "score", "low", "high", "trivial", "tasks", "questions"]
PRECISIONS = ["bf16", "awq", "gptq"]


def effect_rows(scores: dict[tuple[str, str], dict[str, Any]], variants: dict[str, Any]) -> list[dict[str, Any]]:
    """A row per set and variant, for the ensembles (under one kind of constraints) that were scored at several precisions."""
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for name, variant in variants.items():
        if "ensemble" in variant:
            groups.setdefault((variant["ensemble"], variant["constraints"]), {})[variant["precision"]] = name
    rows = []
    for set_name in sets_of(scores):
        for (ensemble, constraints), by_precision in groups.items():
            if len(by_precision) < 2:
                continue
            for precision in sorted(by_precision, key=PRECISIONS.index):
                name = by_precision[precision]
                row = {"set": set_name, "ensemble": ensemble, "precision": precision, "constraints": constraints, "variant": name}
                rows.append({**row, **track_score(scores.get((set_name, name)), "track5")})
    return [row for row in rows if row["score"] is not None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", nargs="*", default=[], help="score files (JSON)")
    parser.add_argument("--variants", required=True, type=json.loads, help="the config's `variants`, as JSON")
    figure_arguments(parser)
    args = parser.parse_args()

    rows = effect_rows(read_scores(args.scores), args.variants)
    use_style()
    if rows:
        figure = draw_variants(rows, group=("ensemble", "constraints"), shade="precision")
        footnote(
            figure, run_line(args.run, published=False), "Dots: mean over all tasks; lines: 95 % interval; grey ticks: the trivial answer."
        )
    else:
        figure = draw_nothing("No ensemble of this run was scored at two precisions under the same constraints.")
    save_figure(figure, args.png, args.pdf)
    write_table(args.table, COLUMNS, rows)


if __name__ == "__main__":
    run_program(main)
