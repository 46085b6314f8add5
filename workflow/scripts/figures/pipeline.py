"""The pipeline as Snakemake sees it: every rule of this run, and what feeds what.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/pipeline.py --run '{"name": "demo", "simulated": true}' \\
      --rules Snakefile workflow/rules/*.smk --configfiles config/demo.yaml --png p.png --pdf p.pdf --table p.tsv

Asks the `snakemake` on PATH for the rule graph of the run that the config files describe; nothing is run. Rules of one verb that feed the
same rules share a box, and an arrow that a longer path says already is left out. A box's colour is its stage: the file of its rule. Leaves
the figure and a table with columns rule, stage, feeds.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as Path2D

from shopbench.figure_style import BLUE, GREEN, INK, ORANGE, PINK, RED, SKY, WIDTH, YELLOW, footnote, save_figure, use_style
from shopbench.files import BadInput, run_program
from shopbench.graph_picture import ports
from shopbench.layers import lay_out, layers_of, without_shortcuts
from shopbench.report_data import figure_arguments, run_line, write_table
from shopbench.rule_graph import between_boxes, box_of_rules, read_graph

COLUMNS = ["rule", "stage", "feeds"]
# Stages of one colour, in the order of the pipeline.
STAGES = {
    "data": (BLUE, ["environments", "sources", "tables", "synthetic", "datasets", "evaluation"]),
    "blends and cards": (SKY, ["blends", "cards"]),
    "base and training": (ORANGE, ["base", "adapters"]),
    "ensembles": (YELLOW, ["ensembles"]),
    "quantization": (PINK, ["quantization"]),
    "inference and scores": (GREEN, ["inference", "scoring"]),
    "report": (RED, ["Snakefile", "report", "report_data", "report_training", "report_models", "report_scores", "report_run"]),
}
# A rule, or one that is another's with something else.
RULE = re.compile(r"^(?:rule|use rule \w+ as) (\w+)", re.M)
# Inches: from row to row, a box's height and width, the room of a line that passes a row, and of the gap beside it.
ROW, BOX, BOX_WIDTH, LANE, GAP = 0.42, 0.2, 1.25, 0.04, 0.12


def stage_of_rules(files: list[Path]) -> dict[str, str]:
    """Each rule's stage, by the file that defines it."""
    by_file = {file: stage for stage, (_, members) in STAGES.items() for file in members}
    if unknown := [path for path in files if path.stem not in by_file and RULE.search(path.read_text(encoding="utf-8"))]:
        raise BadInput(f"{unknown[0]}: its rules belong to no stage; name the file in STAGES of figures/pipeline.py")
    return {rule: by_file[path.stem] for path in files for rule in RULE.findall(path.read_text(encoding="utf-8"))}


def draw_box(axes: Axes, text: str, x: float, y: float, colour: str) -> None:
    """A rule's name in a rounded box around (x, y)."""
    corner = (x - BOX_WIDTH / 2, y - BOX / 2)
    shape = "round,pad=0,rounding_size=0.06"
    axes.add_patch(FancyBboxPatch(corner, BOX_WIDTH, BOX, boxstyle=shape, facecolor="white", edgecolor=colour, zorder=2))
    axes.text(x, y, text, ha="center", va="center", fontsize=6.3, color=INK, zorder=3)


def draw_arrow(axes: Axes, points: list[tuple[float, float]]) -> None:
    """A line that runs straight down past boxes and bends between rows."""
    path = [points[0]]
    for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False):
        path += [(x1, (y1 + y2) / 2), (x2, (y1 + y2) / 2), (x2, y2)]
    line = Path2D(path, [Path2D.MOVETO, *[Path2D.CURVE4] * (len(path) - 1)])
    axes.add_patch(FancyArrowPatch(path=line, arrowstyle="-|>", mutation_scale=5, color="#aab4bf", linewidth=0.7, zorder=1))


def draw(boxes: dict[str, str], edges: list[tuple[str, str]], run: dict[str, Any]) -> Figure:
    """Boxes (with their stages) in layers from top to bottom; every arrow points down."""
    layer = layers_of(list(boxes), edges)
    layout = lay_out(layer, edges, BOX_WIDTH, LANE, GAP)
    leaves, enters = ports(layout.x, layout.bends, 0, 0.7 * BOX_WIDTH)
    rows = 1 + max(layer.values())
    figure, axes = plt.subplots(figsize=(WIDTH, ROW * rows + 0.7))
    for a, b in edges:
        points = [(leaves[a, b], -ROW * layer[a] - BOX / 2)]
        for row, bend in enumerate(layout.bends[a, b], start=layer[a] + 1):
            points += [(bend, -ROW * row + BOX / 2), (bend, -ROW * row - BOX / 2)]
        draw_arrow(axes, [*points, (enters[a, b], -ROW * layer[b] + BOX / 2)])
    colours = {stage: colour for stage, (colour, _) in STAGES.items()}
    for box, stage in boxes.items():
        draw_box(axes, box, layout.x[box], -ROW * layer[box], colours[stage])
    every = [*layout.x.values(), *(bend for bends in layout.bends.values() for bend in bends)]
    # As wide as the boxes and lines need; the row of stages above them needs the figure's width.
    middle, half = (min(every) + max(every)) / 2, max(WIDTH, max(every) - min(every) + BOX_WIDTH + GAP) / 2
    x = middle - half
    for stage, colour in colours.items():
        axes.text(x, ROW * 0.75, "■", fontsize=7.5, color=colour)
        axes.text(x + 0.13, ROW * 0.75, stage, fontsize=7)
        x += 0.36 + 0.062 * len(stage)
    axes.set(xlim=(middle - half, middle + half), ylim=(-ROW * (rows - 0.5), ROW))
    axes.axis("off")
    footnote(figure, run_line(run, published=False))
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", nargs="+", required=True, type=Path, help="the Snakefile and the rule files")
    parser.add_argument("--configfiles", nargs="*", default=[], help="the config files that the run was given besides config/config.yaml")
    figure_arguments(parser)
    args = parser.parse_args()

    # Not this interpreter's module: the report's environment has no Snakemake.
    rules, edges = read_graph(args.configfiles, ["snakemake"])
    stages = stage_of_rules(args.rules)
    box_of = box_of_rules(rules, edges, stages)
    boxes = {box_of[rule]: stages[rule] for rule in rules}
    use_style()
    save_figure(draw(boxes, without_shortcuts(list(boxes), between_boxes(edges, box_of)), args.run), args.png, args.pdf)
    feeds = {rule: ", ".join(b for a, b in edges if a == rule) for rule in rules}
    write_table(args.table, COLUMNS, [{"rule": rule, "stage": stages[rule], "feeds": feeds[rule]} for rule in rules])


if __name__ == "__main__":
    run_program(main)
