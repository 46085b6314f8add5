"""Every task of every set under each system: its score, coloured by how far it lies above or below the trivial answer.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/task_heat_map.py --run '{"name": "demo", "simulated": true}' \\
      --scores results/demo/scores/*/*.json --systems '{"base": {"track1": "base-strict"}, "final": {"track1": "track1-awq"}}' \\
      --png h.png --pdf h.pdf --table h.tsv

A task is answered by the variant of its own track. Reads score files; leaves the figure and a table with columns set, track, task,
task_type, metric, n, system, variant, score, low, high, trivial. A task whose metric could not be computed has empty scores.
"""

from __future__ import annotations

import argparse
import json
from itertools import groupby
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from shopbench.figure_style import INK, MUTED, WIDTH, footnote, save_figure, use_style
from shopbench.files import run_program
from shopbench.report_data import figure_arguments, label, missing_variants, read_scores, run_line, sets_of, write_table

COLUMNS = ["set", "track", "task", "task_type", "metric", "n", "system", "variant", "score", "low", "high", "trivial"]
# Blue above the trivial answer, red below it, white at it: told apart with any colour blindness.
COLOUR_MAP = plt.get_cmap("RdBu")
SHADES = Normalize(-0.6, 0.6)
NO_SCORE = "#eceff3"
# As the pipeline builds them; others after these. Two lines, so that names fit their columns.
WORDS = {"base": "base", "finetuned": "fine-\ntuned", "round1": "round\n1", "round2": "round\n2", "final": "final"}


def table_rows(scores: dict[tuple[str, str], dict[str, Any]], systems: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """A row per set, task and system, tasks by track in the order of the score files."""
    rows = []
    for set_name in sets_of(scores):
        known = {task: entry for (s, _), found in scores.items() if s == set_name for task, entry in found["tasks"].items()}
        for task, entry in sorted(known.items(), key=lambda item: item[1]["track"]):
            told = {key: entry[key] for key in ("track", "task_type", "metric", "n", "trivial")}
            for system, variants in systems.items():
                variant = variants.get(entry["track"], "")
                found = scores.get((set_name, variant), {"tasks": {}})["tasks"].get(task, {})
                faces = {key: found.get(key) for key in ("score", "low", "high")}
                rows.append({"set": set_name, "task": task, **told, "system": system, "variant": variant, **faces})
    return rows


def draw_map(axes: Axes, rows: list[dict[str, Any]], systems: list[str]) -> None:
    """A line a task, a column a system; the number is the score, the colour its distance from the trivial answer."""
    height = 0
    for track, members in groupby(rows, key=lambda row: row["track"]):
        axes.text(-0.12, height - 0.1, label(track), ha="right", va="bottom", fontsize=7, fontweight="bold")
        height += 1
        for task, cells in groupby(members, key=lambda row: row["task"]):
            found = list(cells)
            axes.text(-0.12, height - 0.5, f"{task} ({found[0]['n']})", ha="right", va="center", fontsize=6.5)
            for column, cell in enumerate(found):
                draw_cell(axes, column, height - 1, cell)
            height += 1
    axes.set(xlim=(0, len(systems)), ylim=(height - 1, 0))
    axes.set_xticks([column + 0.5 for column in range(len(systems))], [WORDS.get(system, system) for system in systems])
    axes.set_yticks([])
    axes.tick_params(axis="x", length=0, top=True, labeltop=True, bottom=False, labelbottom=False, labelsize=7)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def draw_cell(axes: Axes, column: int, height: float, cell: dict[str, Any]) -> None:
    """One score on its colour; grey and a dash without one."""
    if cell["score"] is None:
        colour, words, ink = NO_SCORE, "–", MUTED
    else:
        distance = cell["score"] - cell["trivial"]
        colour, words = COLOUR_MAP(SHADES(distance)), f"{cell['score']:.2f}"
        ink = "white" if abs(distance) > 0.42 else INK
    axes.add_patch(plt.Rectangle((column + 0.02, height + 0.04), 0.96, 0.92, facecolor=colour, linewidth=0))
    axes.text(column + 0.5, height + 0.5, words, ha="center", va="center", fontsize=6.5, color=ink)


def draw(rows: list[dict[str, Any]], systems: list[str], run: dict[str, Any], note: str) -> Figure:
    sets = list(dict.fromkeys(row["set"] for row in rows))
    lines = {
        name: len({r["task"] for r in rows if r["set"] == name}) + len({r["track"] for r in rows if r["set"] == name}) for name in sets
    }
    longest = max(lines.values())
    figure, (panels,) = plt.subplots(1, len(sets), figsize=(WIDTH, 1.5 + 0.165 * longest), squeeze=False)
    for axes, set_name in zip(panels, sets, strict=True):
        draw_map(axes, [row for row in rows if row["set"] == set_name], systems)
        # All panels have lines of one height.
        axes.set_ylim(longest, 0)
        axes.set_title(label(set_name), pad=6)
    bar = figure.colorbar(ScalarMappable(SHADES, COLOUR_MAP), ax=list(panels), location="bottom", aspect=60, shrink=0.6, pad=0.01)
    bar.set_label("score minus the trivial answer's", fontsize=8)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7.5)
    footnote(
        figure, run_line(run, published=False), "In brackets: questions. Grey: no score (the metric was refused, or was not run).", note
    )
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", nargs="+", required=True, help="score files (JSON)")
    parser.add_argument(
        "--systems", required=True, type=json.loads, help="which variant answers each track, as JSON: {base: {track: variant}, final: ...}"
    )
    figure_arguments(parser)
    args = parser.parse_args()

    scores = read_scores(args.scores)
    systems = {name: args.systems[name] for name in sorted(args.systems, key=[*WORDS, *args.systems].index)}
    rows = table_rows(scores, systems)
    use_style()
    save_figure(draw(rows, list(systems), args.run, missing_variants(scores, systems.values())), args.png, args.pdf)
    write_table(args.table, COLUMNS, rows)


if __name__ == "__main__":
    run_program(main)
