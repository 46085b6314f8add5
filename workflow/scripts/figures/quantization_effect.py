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

from shopbench.figure_style import save_figure, use_style
from shopbench.files import run_program
from shopbench.report_data import figure_arguments, read_scores, write_table
from shopbench.variant_rows import compared_rows, figure_of

COLUMNS = ["set", "ensemble", "precision", "constraints", "variant", "score", "low", "high", "trivial", "tasks", "questions"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", nargs="*", default=[], help="score files (JSON)")
    parser.add_argument("--variants", required=True, type=json.loads, help="the config's `variants`, as JSON")
    figure_arguments(parser)
    args = parser.parse_args()

    ensembles = {name: variant for name, variant in args.variants.items() if "ensemble" in variant}
    group = ("ensemble", "constraints")
    rows = compared_rows(
        read_scores(args.scores), ensembles, lambda variant: {key: variant[key] for key in group}, "precision", ["bf16", "awq", "gptq"]
    )
    use_style()
    nothing = "No ensemble of this run was scored at two precisions under the same constraints."
    save_figure(figure_of(rows, group, "precision", args.run, nothing), args.png, args.pdf)
    write_table(args.table, COLUMNS, rows)


if __name__ == "__main__":
    run_program(main)
