"""Four pairs of rings: what the training data is made of, as built and as published.

By source, by cluster, by task type, and by whether a language model helped to make the rows. The paper prints them as four pies; the
built datasets' own row counts are on the left, the published shares on the right, with the same colours.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/dataset_pies.py --run '{"name": "demo", "simulated": true}' \\
      --datasets results/demo/datasets/*.parquet --register config/datasets.tsv --paper config/paper.yaml --png pies.png \\
      --pdf pies.pdf --table pies.tsv

Reads each Parquet file's number of rows and how many of them a language model helped to make (in its metadata), and config/datasets.tsv;
leaves the figure and a table with columns division, part, rows, share, published_share (shares in percent).
"""

from __future__ import annotations

import argparse
from collections import Counter
from math import cos, radians, sin
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shopbench.dataset_table import read_dataset_table
from shopbench.figure_style import COLOURS, INK, MUTED, WIDTH, mark_published, save_figure, use_style
from shopbench.files import BadInput, run_program
from shopbench.report_data import figure_arguments, label, read_yaml, run_line, write_table
from shopbench.tables import facts_of

# Division, and its name in paper.yaml.
DIVISIONS = {"source": "by_source", "cluster": "by_cluster", "task type": "by_task_type", "language model": "by_llm"}
COLUMNS = ["division", "part", "rows", "share", "published_share"]


def count_rows(datasets: list[str], register: str) -> dict[str, Counter[str]]:
    """Rows per part of each division. A dataset that the register lacks is a BadInput."""
    entries = read_dataset_table(register)
    counts: dict[str, Counter[str]] = {division: Counter() for division in DIVISIONS}
    for path in datasets:
        name = Path(path).stem
        if name not in entries:
            raise BadInput(f"{path}: {register} has no dataset {name!r}; add its line")
        facts = facts_of(path)
        for division, counter in counts.items():
            if division == "language model":
                counter["enhanced"] += facts["llm"]["rows"]
                counter["not_enhanced"] += facts["rows"] - facts["llm"]["rows"]
            else:
                counter[entries[name][division.replace(" ", "_")]] += facts["rows"]
    return counts


def table_rows(counts: dict[str, Counter[str]], pies: dict[str, Any]) -> list[dict[str, Any]]:
    """A row per part, in the order in which the paper lists them (largest first)."""
    rows = []
    for division, key in DIVISIONS.items():
        published = pies[key]
        total = counts[division].total()
        for part in [*published, *sorted(set(counts[division]) - set(published))]:
            count = counts[division][part]
            share = f"{100 * count / total:.1f}" if total else None
            rows.append({"division": division, "part": part, "rows": count, "share": share, "published_share": published.get(part)})
    return rows


def ring(axes: Axes, parts: list[dict[str, Any]], share: str, middle: str) -> None:
    """One ring with a label at each wedge: name and share in percent."""
    shown = [p for p in parts if p[share] and float(p[share]) > 0]
    wedges, _ = axes.pie(
        [float(p[share]) for p in shown],
        colors=[COLOURS[p["part"]] for p in shown],
        startangle=90,
        counterclock=False,
        radius=1.0,
        wedgeprops={"width": 0.36, "edgecolor": "white", "linewidth": 1.2},
    )
    axes.text(0, 0, middle, ha="center", va="center", fontsize=7, color=INK)
    for wedge, part, y in zip(wedges, shown, spread_heights(wedges), strict=True):
        tip = middle_of(wedge)
        side = 1 if tip[0] >= 0 else -1
        axes.plot([tip[0], 1.08 * side, 1.14 * side], [tip[1], y, y], color=MUTED, linewidth=0.7, clip_on=False)
        axes.text(1.19 * side, y, f"{label(part['part'])} {part[share]}", ha="left" if side > 0 else "right", va="center", fontsize=8)
    # Units as long upwards as sideways in a cell of any shape: all rings are round, of one size, and labels have room on both sides.
    cell = axes.get_window_extent()
    across = 1.6 * cell.width / cell.height
    axes.set(aspect="auto", xlim=(-across, across), ylim=(-1.6, 1.6))


def middle_of(wedge: Any) -> tuple[float, float]:
    """Where a wedge's outer edge has its middle, in the ring's own units."""
    angle = radians((wedge.theta1 + wedge.theta2) / 2)
    return cos(angle), sin(angle)


def spread_heights(wedges: list[Any], gap: float = 0.3) -> list[float]:
    """A label's height for each wedge: that of the wedge, moved so that labels on one side keep `gap` apart and stay near the ring."""
    tips = [middle_of(w) for w in wedges]
    heights = [y * 1.08 for _, y in tips]
    for side in (True, False):
        order = sorted((i for i, (x, _) in enumerate(tips) if (x >= 0) == side), key=lambda i: -heights[i])
        for above, below in zip(order, order[1:], strict=False):
            heights[below] = min(heights[below], heights[above] - gap)
        if order and heights[order[-1]] < -1.2:
            heights[order[-1]] = -1.2
            for below, above in zip(order[::-1], order[-2::-1], strict=False):
                heights[above] = max(heights[above], heights[below] + gap)
    return heights


def draw(rows: list[dict[str, Any]], run: dict[str, Any], published_rows: int) -> Figure:
    figure, grid = plt.subplots(len(DIVISIONS), 2, figsize=(WIDTH, 6.9), layout="none")
    figure.subplots_adjust(left=0.01, right=0.99, top=0.965, bottom=0.04, hspace=0.22, wspace=0.03)
    for (left, right), division in zip(grid, DIVISIONS, strict=True):
        parts = [r for r in rows if r["division"] == division]
        ring(left, parts, "share", f"{sum(p['rows'] for p in parts):,}\nrows")
        ring(right, parts, "published_share", f"{published_rows:,}\nrows")
        right.set_frame_on(True)
        right.spines[:].set_visible(False)
        left.set_title(f"This run: by {division}, %")
        mark_published(right, f"by {division}, %")
    figure.text(0.01, 0.01, run_line(run), fontsize=7.5, color=MUTED)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", required=True, help="the built datasets (Parquet, named by dataset)")
    parser.add_argument("--register", required=True, help="config/datasets.tsv")
    parser.add_argument("--paper", required=True, help="config/paper.yaml")
    figure_arguments(parser)
    args = parser.parse_args()

    paper = read_yaml(args.paper)
    rows = table_rows(count_rows(args.datasets, args.register), paper["pies"])
    use_style()
    save_figure(draw(rows, args.run, paper["datasets"]["rows"]), args.png, args.pdf)
    write_table(args.table, COLUMNS, rows)


if __name__ == "__main__":
    run_program(main)
