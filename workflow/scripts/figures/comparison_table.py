"""The paired comparisons that the config asks for: is one variant better than another on the macro score of the validation set?

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/comparison_table.py \\
      --run '{"name": "demo", "simulated": true}' --comparisons results/demo/comparisons/*.json --table comparison_table.tsv

Reads comparisons (compare_variants.py). Leaves a table with columns set, variant, baseline, over (macro, one of its tasks, or all
tasks of a type), difference, low, high: variant minus baseline, with the 95 % interval of the paired bootstrap.
"""

from __future__ import annotations

import argparse
from typing import Any

from shopbench.files import read_json, run_program
from shopbench.report_data import figure_arguments, write_table

COLUMNS = ["set", "variant", "baseline", "over", "difference", "low", "high"]


def table_rows(comparison: dict[str, Any]) -> list[dict[str, Any]]:
    """The macro's row, then a row per task of it and per task type."""
    named = {key: comparison[key] for key in ("set", "variant", "baseline")}
    types = {f"all of {task_type}": part for task_type, part in comparison["types"].items()}
    parts = {"macro": comparison, **comparison["tasks"], **types}
    return [{**named, "over": over, **{key: part[key] for key in ("difference", "low", "high")}} for over, part in parts.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", nargs="*", default=[], help="comparisons (JSON)")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    write_table(args.table, COLUMNS, [row for path in args.comparisons for row in table_rows(read_json(path))])


if __name__ == "__main__":
    run_program(main)
