"""Rows that blends left out so that no model trains on what it is asked later: questions of the evaluation sets, and duplicates.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/overlap_removed.py --run '{"name": "demo", "simulated": true}' \\
      --blends results/demo/blends/*.parquet --png o.png --pdf o.pdf --table o.tsv

Left: each blend's share of available rows by the reason for which they were removed. Right: the datasets that lost most to overlap, in the
blend that lost most. Reads the counts in the Parquet files' metadata; leaves the figure and a table with columns blend, dataset,
available, taken, over_cap, duplicates, overlap (of all sets) and one overlap_<set> for each set.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shopbench.figure_style import BLUE, MUTED, WIDTH, colours_of, draw_nothing, footnote, save_figure, use_style, value_label
from shopbench.files import run_program
from shopbench.report_data import figure_arguments, label, run_line, write_table
from shopbench.tables import facts_of

ALL = "all"
MOST_DATASETS = 12


def table_rows(path: str) -> list[dict[str, Any]]:
    """A row for the whole blend (dataset "all"), then one for each of its datasets."""
    facts = facts_of(path)
    rows = []
    for dataset, counts in {ALL: facts["totals"], **facts["datasets"]}.items():
        row = {"blend": Path(path).stem, "dataset": dataset, "overlap": sum(counts["overlap"].values())}
        row |= {key: counts[key] for key in ("available", "taken", "over_cap", "duplicates")}
        rows.append(row | {f"overlap_{name}": count for name, count in counts["overlap"].items()})
    return rows


def draw_reasons(axes: Axes, totals: list[dict[str, Any]], sets: list[str]) -> None:
    """Bars of a blend's removed rows in percent of the available ones, a bar a reason."""
    reasons = {"duplicates": ("duplicates", MUTED)}
    reasons |= {f"overlap_{name}": (label(name), colour) for name, colour in colours_of(sets).items()}
    thick = 0.8 / len(reasons)
    for place, row in enumerate(totals):
        for number, (key, (_, colour)) in enumerate(reasons.items()):
            height = -place + 0.4 - thick * (number + 0.5)
            percent = 100 * row.get(key, 0) / row["available"] if row["available"] else 0
            axes.barh(height, percent, height=0.9 * thick, color=colour)
            value_label(axes, f"{row.get(key, 0):,}", percent, height)
    axes.set_yticks([-float(place) for place in range(len(totals))], [f"{r['blend']}\n(of {r['available']:,})" for r in totals])
    axes.set_xlabel("removed, % of available rows")
    axes.set_title("By blend\n")
    for number, (words, colour) in enumerate(reasons.values()):
        axes.text(number / len(reasons), 1.01, words, transform=axes.transAxes, fontsize=8, fontweight="bold", color=colour)
    axes.margins(x=0.2)


def draw_datasets(axes: Axes, rows: list[dict[str, Any]]) -> None:
    """The datasets of one blend that lost most rows to overlap."""
    most = sorted((r for r in rows if r["overlap"]), key=lambda r: (-r["overlap"], r["dataset"]))[:MOST_DATASETS]
    for place, row in enumerate(most):
        axes.barh(-place, row["overlap"], height=0.7, color=BLUE)
        value_label(axes, f"{row['overlap']:,}", row["overlap"], -place)
    axes.set_yticks([-float(place) for place in range(len(most))], [r["dataset"] for r in most], fontsize=7.5)
    axes.set_xlabel("rows removed for overlap")
    axes.set_title(f"Datasets of {rows[0]['blend']} that lost most\n")
    axes.margins(x=0.2)


def draw(rows: list[dict[str, Any]], sets: list[str], run: dict[str, Any]) -> Figure:
    totals = [row for row in rows if row["dataset"] == ALL]
    fullest = max(totals, key=lambda row: row["overlap"])["blend"]
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.6))
    draw_reasons(panels[0], totals, sets)
    draw_datasets(panels[1], [row for row in rows if row["blend"] == fullest and row["dataset"] != ALL])
    for axes in panels:
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
    footnote(figure, run_line(run, published=False), "Numbers at the bars are rows. Overlap: an evaluation set asks the same question.")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blends", nargs="*", default=[], help="blends (Parquet)")
    figure_arguments(parser)
    args = parser.parse_args()

    rows = [row for path in args.blends for row in table_rows(path)]
    sets = sorted({key.removeprefix("overlap_") for row in rows for key in row if key.startswith("overlap_")})
    columns = ["blend", "dataset", "available", "taken", "over_cap", "duplicates", "overlap", *(f"overlap_{name}" for name in sets)]
    use_style()
    save_figure(draw(rows, sets, args.run) if rows else draw_nothing("This run made no blend."), args.png, args.pdf)
    write_table(args.table, columns, [dict.fromkeys(columns, 0) | row for row in rows])


if __name__ == "__main__":
    run_program(main)
