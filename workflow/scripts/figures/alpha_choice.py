"""The alpha that one set chooses for each sweep and track, and its scores on the other sets.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/alpha_choice.py --run '{"name": "demo", "simulated": true}' \\
      --sweeps results/demo/sweeps/*.parquet --choosing-set validation --calibration development --table alpha_choice.tsv

Reads sweeps. Leaves a table with a row per sweep, track and set, columns sweep, track, chosen_on, alpha, set, calibrates (yes where the
set also served to calibrate the quantized models), score, low, high, plain_score (at alpha 1, if it was swept), tasks, questions. The set
that chose has no row: a score that was chosen for being high says little.
"""

from __future__ import annotations

import argparse
from typing import Any

import polars as pl

from shopbench.files import run_program
from shopbench.report_data import figure_arguments, write_table
from shopbench.sweeps import chosen_alphas, curve_points, read_sweeps

COLUMNS = [
    "sweep",
    "track",
    "chosen_on",
    "alpha",
    "set",
    "calibrates",
    "score",
    "low",
    "high",
    "plain_score",
    "tasks",
    "questions",
]


def choice_rows(sweeps: pl.DataFrame, choosing_set: str, calibration: str) -> list[dict[str, Any]]:
    """A row per sweep, track and set that did not choose."""
    points = {(point["sweep"], point["track"], point["set"], point["alpha"]): point for point in curve_points(sweeps)}
    sets = [name for name in dict.fromkeys(sweeps["set"]) if name != choosing_set]
    rows = []
    for (sweep, track), alpha in chosen_alphas(sweeps, choosing_set).items():
        for set_name in sets:
            point = points.get((sweep, track, set_name, alpha))
            if point is not None:
                plain = points.get((sweep, track, set_name, 1.0), {}).get("score")
                facts = {"chosen_on": choosing_set, "calibrates": set_name == calibration, "plain_score": plain}
                rows.append(point | facts)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", nargs="*", default=[], help="sweep files (Parquet)")
    parser.add_argument("--choosing-set", required=True, help="evaluation set that chooses")
    parser.add_argument("--calibration", required=True, help="evaluation set that calibrates quantization")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()
    write_table(args.table, COLUMNS, choice_rows(read_sweeps(args.sweeps), args.choosing_set, args.calibration))


if __name__ == "__main__":
    run_program(main)
