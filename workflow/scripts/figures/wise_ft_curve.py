"""Wise-ft curves: score against alpha, the weight of the fine-tuning, one panel per evaluation set.

A point is the unweighted mean over all tasks of the set (the challenge's Track 5), a band its 95 % interval, a ring the best alpha of a
sweep. The published points are chart readings of the hidden test, so they have a panel of their own.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/wise_ft_curve.py --run '{"name": "demo", "simulated": true}' \\
      --sweeps results/demo/sweeps/*.parquet --paper config/paper.yaml --png curve.png --pdf curve.pdf --table curve.tsv

Reads sweeps (columns sweep, alpha, set, track, task, score, low, high, n; a row per task) and config/paper.yaml. Leaves the figure and a
table with columns origin (this run | published), set, sweep, track, alpha, score, low, high, tasks, questions: Track 5 as drawn, then the
single tracks. Method: Wortsman et al., Robust fine-tuning of zero-shot models (arXiv 2109.01903), on LoRA weights as in arXiv 2408.04658.
"""

from __future__ import annotations

import argparse
from typing import Any

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shopbench.figure_style import INK, MUTED, WIDTH, colours_of, footnote, mark_published, save_figure, use_style
from shopbench.files import run_program
from shopbench.report_data import TRACKS, figure_arguments, label, mean_with_interval, read_yaml, run_line, write_table
from shopbench.tables import read_table

SCHEMA = pl.Schema(
    {
        "sweep": pl.String,
        "alpha": pl.Float64,
        "set": pl.String,
        "track": pl.String,
        "task": pl.String,
        "score": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,
    }
)
COLUMNS = ["origin", "set", "sweep", "track", "alpha", "score", "low", "high", "tasks", "questions"]


def read_sweeps(paths: list[str]) -> pl.DataFrame:
    """All sweeps in one frame, a row per sweep, alpha, set and task; a task that was not scored has score null."""
    return pl.concat([pl.DataFrame(schema=SCHEMA), *(read_table(path, list(SCHEMA)).cast(SCHEMA) for path in paths)])


def curve_points(sweeps: pl.DataFrame) -> list[dict[str, Any]]:
    """The mean over tasks per sweep, set and alpha: of all tasks (track5), then of each other track."""
    points, tracks, sets = [], ["track5", *TRACKS[:4]], list(dict.fromkeys(sweeps["set"]))
    for track in tracks:
        part = sweeps if track == "track5" else sweeps.filter(pl.col("track") == track)
        for (sweep, set_name, alpha), tasks in part.group_by(["sweep", "set", "alpha"], maintain_order=True):
            rows = tasks.drop_nulls("score").to_dicts()
            if rows:
                point = {"origin": "this run", "set": set_name, "sweep": sweep, "track": track, "alpha": alpha}
                points.append({**point, **mean_with_interval(rows), "tasks": len(rows), "questions": sum(r["n"] for r in rows)})
    return sorted(points, key=lambda p: (tracks.index(p["track"]), sets.index(p["set"]), p["sweep"], p["alpha"]))


def published_points(wise_ft: dict[str, Any]) -> list[dict[str, Any]]:
    """The paper's chart readings in the same form, with the reading error as interval; scores stay text with the source's digits."""
    rows = []
    for sweep, curve in wise_ft["curves"].items():
        for alpha, score in curve:
            low, high = float(score) - wise_ft["reading_error"], float(score) + wise_ft["reading_error"]
            point = {"origin": "published", "set": "hidden test", "sweep": sweep, "track": wise_ft["track"], "alpha": alpha, "score": score}
            rows.append({**point, "low": low, "high": high, "tasks": None, "questions": None})
    return rows


def draw_curves(axes: Axes, points: list[dict[str, Any]], colours: dict[str, str]) -> None:
    """One line per sweep with its band, its best point ringed, its name at the right end."""
    ends = []
    for sweep in dict.fromkeys(p["sweep"] for p in points):
        curve = [p for p in points if p["sweep"] == sweep]
        alphas, scores = [float(p["alpha"]) for p in curve], [float(p["score"]) for p in curve]
        if all(p["low"] is not None for p in curve):
            axes.fill_between(alphas, [p["low"] for p in curve], [p["high"] for p in curve], color=colours[sweep], alpha=0.13, linewidth=0)
        axes.plot(alphas, scores, color=colours[sweep], marker="o", markersize=3.2)
        best = max(range(len(curve)), key=lambda i: scores[i])
        axes.plot(
            alphas[best],
            scores[best],
            marker="o",
            markersize=9,
            markerfacecolor="none",
            markeredgecolor=colours[sweep],
            markeredgewidth=1.4,
        )
        ends.append((scores[-1], alphas[-1], sweep))
    name_ends(axes, ends, colours)


def name_ends(axes: Axes, ends: list[tuple[float, float, str]], colours: dict[str, str]) -> None:
    """Names right of the lines' ends, at least a line of text apart."""
    axes.margins(x=0.02)
    low, high = axes.get_ylim()
    right = max(alpha for _, alpha, _ in ends)
    gap = (high - low) * 0.075
    height = float("-inf")
    for score, _, sweep in sorted(ends):
        height = max(score, height + gap)
        axes.annotate(
            sweep,
            (right, height),
            xytext=(7, 0),
            textcoords="offset points",
            color=colours[sweep],
            fontsize=8.5,
            fontweight="bold",
            va="center",
            annotation_clip=False,
        )


def draw(points: list[dict[str, Any]], published: list[dict[str, Any]], run: dict[str, Any]) -> Figure:
    """This run's panels in a row, the published one below in a row of its own: the eye does not run from one to the other."""
    drawn = [p for p in points if p["track"] == "track5"]
    sets = list(dict.fromkeys(p["set"] for p in drawn))
    colours = colours_of([p["sweep"] for p in [*drawn, *published]])
    figure = plt.figure(figsize=(WIDTH, 5.4))
    (upper,), (lower,) = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.15, 1])
    if not sets:
        upper.text(0.01, 0.5, "This run swept no alpha.", color=MUTED)
    for axes, set_name in zip(upper.subplots(1, len(sets), squeeze=False)[0] if sets else [], sets, strict=True):
        part = [p for p in drawn if p["set"] == set_name]
        draw_curves(axes, part, colours)
        axes.set_title(f"{label(set_name)}\n", fontsize=9.5)
        axes.text(0, 1.02, f"{part[0]['tasks']} tasks, {part[0]['questions']} questions", transform=axes.transAxes, fontsize=8, color=INK)
        axes.set_xlabel("alpha (0 is the base model)")
        axes.set_ylabel("mean score over tasks" if set_name == sets[0] else "")
    axes = lower.subplots()
    draw_curves(axes, published, colours)
    mark_published(axes, "Track 5, hidden test (read off a chart, ± 0.0005)")
    axes.set_xlabel("alpha")
    axes.set_ylabel("score")
    footnote(lower, run_line(run))
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", nargs="*", default=[], help="sweep files (Parquet)")
    parser.add_argument("--paper", required=True, help="config/paper.yaml")
    figure_arguments(parser)
    args = parser.parse_args()

    points = curve_points(read_sweeps(args.sweeps))
    published = published_points(read_yaml(args.paper)["wise_ft"])
    use_style()
    save_figure(draw(points, published, args.run), args.png, args.pdf)
    write_table(args.table, COLUMNS, [*points, *published])


if __name__ == "__main__":
    run_program(main)
