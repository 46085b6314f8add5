"""How long the questions and answers of each dataset are, in tokens of the base model.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/length_distributions.py --run '{"name": "demo", "simulated": true}' \\
      --cards results/demo/cards/datasets/*.json --max-length 2048 --png l.png --pdf l.pdf --table l.tsv

A dot is the median, a thick line holds the middle half of the rows, a thin one 5 to 95 %, a tick marks the longest. Reads the datasets'
cards; leaves the figure and a table with columns dataset, task_type, rows, part (prompt: all that precedes the answer; completion: the
answer with its end token), then the percentiles p5 to p99 and max.
"""

from __future__ import annotations

import argparse
from itertools import groupby
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from shopbench.figure_style import COLOURS, INK, WIDTH, footnote, save_figure, use_style
from shopbench.files import read_json, run_program
from shopbench.report_data import figure_arguments, label, run_line, write_table

PERCENTS = ["5", "25", "50", "75", "95", "99"]
COLUMNS = ["dataset", "task_type", "rows", "part", *(f"p{percent}" for percent in PERCENTS), "max"]
PARTS = {"prompt": "questions", "completion": "answers"}


def table_rows(cards: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two rows per dataset, prompt and completion; datasets by task type, then by the median of their prompts."""
    order = sorted(cards, key=lambda c: (list(COLOURS).index(c["register"]["task_type"]), c["tokens"]["prompt"]["50"], c["dataset"]))
    rows = []
    for card in order:
        for part in PARTS:
            lengths = card["tokens"][part]
            told = {"dataset": card["dataset"], "task_type": card["register"]["task_type"], "rows": card["rows"]["rows"], "part": part}
            rows.append(told | {f"p{percent}": lengths[percent] for percent in PERCENTS} | {"max": lengths["max"]})
    return rows


def draw_part(axes: Axes, rows: list[dict[str, Any]], places: dict[str, float]) -> None:
    """One line of a dataset's lengths: 5 to 95 % thin, 25 to 75 % thick, median, longest."""
    for row in rows:
        place, colour = places[row["dataset"]], COLOURS[row["task_type"]]
        axes.plot([row["p5"], row["p95"]], [place] * 2, color=colour, linewidth=1.0)
        axes.plot([row["p25"], row["p75"]], [place] * 2, color=colour, linewidth=3.2, solid_capstyle="butt")
        axes.plot(row["p50"], place, marker="o", markersize=4, color=colour, markerfacecolor="white", markeredgewidth=1.1)
        axes.plot(row["max"], place, marker="|", markersize=6, color=colour, markeredgewidth=1.2)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def draw(rows: list[dict[str, Any]], max_length: int, run: dict[str, Any]) -> Figure:
    places: dict[str, float] = {}
    headings, height = {}, 0.0
    for task_type, members in groupby(rows, key=lambda row: row["task_type"]):
        height -= 1.2
        headings[task_type] = height
        for dataset in dict.fromkeys(row["dataset"] for row in members):
            height -= 1
            places[dataset] = height
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 1.2 - 0.155 * height), sharey=True, width_ratios=[1.5, 1])
    for axes, (part, words) in zip(panels, PARTS.items(), strict=True):
        draw_part(axes, [row for row in rows if row["part"] == part], places)
        axes.set_title(f"Length of {words}")
        axes.set_xlabel("tokens (log scale)")
    panels[0].set_ylim(height - 0.8, 0)
    panels[0].axvline(max_length, color=INK, linewidth=1.1, linestyle=(0, (4, 2)))
    panels[0].annotate(f"training.max_length {max_length:,}", (max_length, -0.2), xytext=(-3, 0), textcoords="offset points",
                       ha="right", va="top", fontsize=7)  # fmt: skip
    panels[0].set_yticks([*places.values(), *headings.values()], [*places, *(label(name) for name in headings)], fontsize=7)
    for text, task_type in zip(panels[0].get_yticklabels()[len(places) :], headings, strict=True):
        text.set(color=COLOURS[task_type], fontweight="bold", fontsize=7.5)
    footnote(figure, run_line(run, published=False), "Ring: median. Thick: middle half of the rows. Thin: 5 to 95 %. Tick: the longest.")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", nargs="+", required=True, help="cards of datasets (JSON)")
    parser.add_argument("--max-length", type=int, required=True, help="the longest row that training takes (tokens)")
    figure_arguments(parser)
    args = parser.parse_args()

    rows = table_rows([read_json(path) for path in args.cards])
    use_style()
    save_figure(draw(rows, args.max_length, args.run), args.png, args.pdf)
    write_table(args.table, COLUMNS, rows)


if __name__ == "__main__":
    run_program(main)
