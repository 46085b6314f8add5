"""One question and answer of each task type, out of the built datasets.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/example_prompts.py --run '{"name": "demo", "simulated": true}' \\
      --datasets results/demo/datasets/*.parquet --png e.png --pdf e.pdf --table e.tsv

The row shown is the one with the lowest hash among the shop's training rows that fit into a box: nobody picked it. Leaves the figure and
a table with columns task_type, dataset, prompt, completion; a line break inside a text is written as ⏎.
"""

from __future__ import annotations

import argparse
import textwrap
from typing import Any

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from shopbench.figure_style import COLOURS, INK, MUTED, WIDTH, draw_nothing, footnote, save_figure, use_style
from shopbench.files import run_program
from shopbench.hashing import hash64
from shopbench.report_data import figure_arguments, label, run_line, write_table
from shopbench.tables import read_table

COLUMNS = ["task_type", "dataset", "prompt", "completion"]
TASK_TYPES = ["multiple-choice", "retrieval", "ranking", "named_entity_recognition", "generation"]
# What fits into a box, in characters and lines.
LONGEST, MOST_LINES, LINE = 700, 12, 104
FONT = "DejaVu Sans Mono"


def drawable() -> set[str]:
    """Characters that the figure's font has."""
    return {chr(code) for code in get_font(findfont(FontProperties(family=FONT))).get_charmap()} | {"\n"}


def wrapped(text: str) -> list[str]:
    """Its lines, none wider than a box."""
    return [piece for line in text.splitlines() for piece in (textwrap.wrap(line, LINE, subsequent_indent="   ") or [""])]


def pick_examples(paths: list[str]) -> list[dict[str, Any]]:
    """The row with the lowest hash of each task type, among training rows of the shop's own sources that can be drawn whole."""
    known, lowest = drawable(), dict[str, tuple[int, dict[str, Any]]]()
    for path in paths:
        rows = read_table(path, ["id", "split", "group", *COLUMNS]).filter(
            pl.col("split") == "train",
            pl.col("prompt").str.len_chars() + pl.col("completion").str.len_chars() <= LONGEST,
            ~pl.col("group").str.split(":").list.first().is_in(["alpaca_cleaned", "alpaca", "mmlu"]),
        )
        for row in rows.iter_rows(named=True):
            order, best = hash64("example", row["id"]), lowest.get(row["task_type"])
            if best and best[0] <= order:
                continue
            if set(row["prompt"] + row["completion"]) <= known and len(wrapped(row["prompt"].strip())) <= MOST_LINES:
                lowest[row["task_type"]] = (order, {key: row[key].strip() for key in COLUMNS})
    return [lowest[task_type][1] for task_type in TASK_TYPES if task_type in lowest]


def draw(examples: list[dict[str, Any]], run: dict[str, Any]) -> Figure:
    """A box a task type: its name, the question, the answer on the type's colour."""
    texts = [(wrapped(e["prompt"]), wrapped(e["completion"])) for e in examples]
    heights = [len(question) + len(answer) + 2.6 for question, answer in texts]
    figure, panels = plt.subplots(len(examples), 1, figsize=(WIDTH, 0.118 * sum(heights) + 0.5), height_ratios=heights, squeeze=False)
    for (axes,), example, (question, answer), height in zip(panels, examples, texts, heights, strict=True):
        colour = COLOURS[example["task_type"]]
        axes.set(xlim=(0, 1), ylim=(height, 0), xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines[["bottom"]].set_visible(False)
        axes.spines["left"].set(color=colour, linewidth=3)
        tint = {"facecolor": colour, "alpha": 0.2, "linewidth": 0, "pad": 1.5}
        mono = {"family": FONT, "fontsize": 6.4, "va": "top", "parse_math": False}
        axes.text(0.012, 0, label(example["task_type"]), fontsize=8.5, fontweight="bold", color=colour, va="top")
        axes.text(1, 0, example["dataset"], fontsize=7.5, color=MUTED, va="top", ha="right")
        axes.text(0.012, 1.5, "\n".join(question), color=INK, linespacing=1.25, **mono)
        axes.text(0.012, 1.6 + len(question), "\n".join(answer), color=INK, fontweight="bold", linespacing=1.25, bbox=tint, **mono)
    footnote(figure, f"{run_line(run, published=False)} Bold on colour: the answer that a model learns.")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", required=True, help="the built datasets (Parquet)")
    figure_arguments(parser)
    args = parser.parse_args()

    examples = pick_examples(args.datasets)
    use_style()
    save_figure(draw(examples, args.run) if examples else draw_nothing("No row of this run is short enough to show."), args.png, args.pdf)
    write_table(args.table, COLUMNS, [{key: text.replace("\n", " ⏎ ") for key, text in example.items()} for example in examples])


if __name__ == "__main__":
    run_program(main)
