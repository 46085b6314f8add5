"""Wise-ft curves: score against alpha, the weight of the fine-tuning, one panel per evaluation set.

A point is the unweighted mean over all tasks of the set (the challenge's Track 5), a band its 95 % interval, a ring the alpha of
a sweep that one set chose, in that set's panel and in the others'. Sweeps that repeat another with other seeds are one curve with it: the
mean, and an interval over the seeds. A dashed line is what the trivial answers score. The published points are chart readings of the
hidden test, so they have a panel of their own, where the ring is the best point. The last panel lays them over this run's: not scores, but
what each weight changes against weight 1.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/wise_ft_curve.py --run '{"name": "demo", "simulated": true}' \\
      --sweeps results/demo/sweeps/*.parquet --repeats '{"v8-seed2": "v8"}' --scores results/demo/scores/*/base-strict.json \\
      --choosing-set validation --calibration development --paper config/paper.yaml --png curve.png --pdf curve.pdf --table curve.tsv

Reads sweeps (columns sweep, alpha, set, track, task, score, low, high, n; a row per task), score files of any one variant (for the trivial
answers) and config/paper.yaml. Leaves the figure and a table with columns origin (this run | published), set, sweep, track, alpha, score,
low, high, tasks, questions, seeds: Track 5 as drawn, then the single tracks. Method: Wortsman et al., Robust fine-tuning of zero-shot
models (arXiv 2109.01903), on LoRA weights as in arXiv 2408.04658.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shopbench.figure_style import INK, MUTED, TRIVIAL, WIDTH, colours_of, footnote, mark_published, save_figure, use_style
from shopbench.files import read_json, run_program
from shopbench.report_data import figure_arguments, label, read_yaml, run_line, write_table
from shopbench.sweeps import chosen_alphas, curve_points, one_curve, read_sweeps

COLUMNS = ["origin", "set", "sweep", "track", "alpha", "score", "low", "high", "tasks", "questions", "seeds"]


def published_points(wise_ft: dict[str, Any]) -> list[dict[str, Any]]:
    """The paper's chart readings in the same form, with the reading error as interval; scores stay text with the source's digits."""
    rows = []
    for sweep, curve in wise_ft["curves"].items():
        for alpha, score in curve:
            low, high = float(score) - wise_ft["reading_error"], float(score) + wise_ft["reading_error"]
            point = {"origin": "published", "set": "hidden test", "sweep": sweep, "track": wise_ft["track"], "alpha": alpha, "score": score}
            rows.append({**point, "low": low, "high": high, "tasks": None, "questions": None, "seeds": None})
    return rows


def trivial_scores(paths: list[Path]) -> dict[str, float]:
    """What the trivial answers score on each set, the unweighted mean over its scored tasks; any variant's score files say."""
    files = [read_json(path) for path in paths]
    return {file["set"]: fmean(task["trivial"] for task in file["tasks"].values() if task["score"] is not None) for file in files}


def draw_curves(axes: Axes, points: list[dict[str, Any]], colours: dict[str, str], chosen: Mapping[str, Any]) -> None:
    """One line per sweep with its band, the point of its chosen alpha ringed, its name at the right end."""
    ends = []
    for sweep in dict.fromkeys(p["sweep"] for p in points):
        curve = [p for p in points if p["sweep"] == sweep]
        alphas, scores = [float(p["alpha"]) for p in curve], [float(p["score"]) for p in curve]
        if all(p["low"] is not None for p in curve):
            axes.fill_between(alphas, [p["low"] for p in curve], [p["high"] for p in curve], color=colours[sweep], alpha=0.13, linewidth=0)
        axes.plot(alphas, scores, color=colours[sweep], marker="o", markersize=3.2)
        ringed = [i for i, alpha in enumerate(alphas) if alpha == chosen.get(sweep)]
        axes.plot(
            [alphas[i] for i in ringed],
            [scores[i] for i in ringed],
            linestyle="none",
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


def best_points(points: list[dict[str, Any]]) -> dict[str, float]:
    """The alpha of each sweep's highest score."""
    highest = {p["sweep"]: max((q for q in points if q["sweep"] == p["sweep"]), key=lambda q: float(q["score"])) for p in points}
    return {sweep: float(point["alpha"]) for sweep, point in highest.items()}


def changes(points: list[dict[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """(alpha, score minus the score at alpha 1) of each sweep that has alpha 1."""
    found: dict[str, list[tuple[float, float]]] = {}
    for sweep in dict.fromkeys(p["sweep"] for p in points):
        curve = sorted((float(p["alpha"]), float(p["score"])) for p in points if p["sweep"] == sweep)
        plain = [score for alpha, score in curve if abs(alpha - 1) < 1e-9]
        if plain:
            found[sweep] = [(alpha, score - plain[0]) for alpha, score in curve]
    return found


def draw_changes(axes: Axes, ours: list[dict[str, Any]], published: list[dict[str, Any]], colours: dict[str, str]) -> None:
    """This run's changes as lines with dots, the published ones as dashes with black-rimmed diamonds, in the colours of their sweeps."""
    axes.axhline(0, color=MUTED, linewidth=1.0, zorder=1)
    for sweep, curve in changes(ours).items():
        axes.plot(*zip(*curve, strict=True), color=colours[sweep], marker="o", markersize=3)
    for sweep, curve in changes(published).items():
        line = axes.plot(*zip(*curve, strict=True), color=colours[sweep], marker="D", markersize=4.5, markeredgecolor=INK, linewidth=1.2)
        line[0].set_linestyle((0, (3, 2)))
    axes.set_title("Change against alpha 1\n", fontsize=9.5)
    where = f"● {label(ours[0]['set']).lower()}   " if ours else ""
    axes.text(0, 1.02, f"{where}◆ published, hidden test", transform=axes.transAxes, fontsize=8, color=INK)
    axes.set_xlabel("alpha")
    axes.set_ylabel("change of the score")


def draw(
    points: list[dict[str, Any]],
    published: list[dict[str, Any]],
    chosen: dict[str, float],
    roles: dict[str, str],
    choosing_set: str,
    run: dict[str, Any],
    trivial: Mapping[str, float],
) -> Figure:
    """This run's panels in a row; below, the published one, and the changes of both against alpha 1."""
    drawn = [p for p in points if p["track"] == "track5"]
    sets = list(dict.fromkeys(p["set"] for p in drawn))
    colours = colours_of([p["sweep"] for p in [*drawn, *published]])
    figure = plt.figure(figsize=(WIDTH, 5.4))
    (upper,), (lower,) = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.15, 1])
    if not sets:
        upper.text(0.01, 0.5, "This run swept no alpha.", color=MUTED)
    for axes, set_name in zip(upper.subplots(1, len(sets), squeeze=False)[0] if sets else [], sets, strict=True):
        part = [p for p in drawn if p["set"] == set_name]
        draw_curves(axes, part, colours, chosen)
        if set_name in trivial:
            axes.axhline(trivial[set_name], color=TRIVIAL, linewidth=1.4, linestyle=(0, (4, 3)), zorder=1)
            # At the right end, on the side where no curve ends.
            bottom, top = axes.get_ylim()
            last = max(p["alpha"] for p in part)
            crowded = any(0 <= p["score"] - trivial[set_name] < (top - bottom) / 10 for p in part if p["alpha"] == last)
            axes.annotate(
                "trivial", (1, trivial[set_name]), xycoords=("axes fraction", "data"), xytext=(-2, -2 if crowded else 2),
                textcoords="offset points", color=MUTED, fontsize=8, ha="right", va="top" if crowded else "bottom",
            )  # fmt: skip
        role = f" ({roles[set_name]})" if set_name in roles else ""
        axes.set_title(f"{label(set_name)}{role}\n", fontsize=9.5)
        seeds = max(p["seeds"] for p in part)
        counts = f"{part[0]['tasks']} tasks, {part[0]['questions']} questions{f', up to {seeds} seeds' if seeds > 1 else ''}"
        axes.text(0, 1.02, counts, transform=axes.transAxes, fontsize=8, color=INK)
        axes.set_xlabel("alpha (0 is the base model)")
        axes.set_ylabel("mean score over tasks" if set_name == sets[0] else "")
    left, right = lower.subplots(1, 2)
    draw_curves(left, published, colours, best_points(published))
    mark_published(left, "Track 5\n")
    left.text(0, 1.02, "hidden test, read off a chart (± 0.0005)", transform=left.transAxes, fontsize=8, color=INK)
    left.set_xlabel("alpha")
    left.set_ylabel("score")
    draw_changes(right, [p for p in drawn if p["set"] == choosing_set], published, colours)
    footnote(lower, run_line(run))
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", nargs="*", default=[], help="sweep files (Parquet)")
    parser.add_argument("--repeats", type=json.loads, default={}, help="JSON: which sweep a sweep repeats with another seed")
    parser.add_argument("--scores", nargs="*", default=[], type=Path, help="score files of a variant, one an evaluation set (JSON)")
    parser.add_argument("--choosing-set", required=True, help="evaluation set that chooses the ringed alphas")
    parser.add_argument("--calibration", required=True, help="evaluation set that calibrates quantization")
    parser.add_argument("--paper", required=True, help="config/paper.yaml")
    figure_arguments(parser)
    args = parser.parse_args()

    sweeps = read_sweeps(args.sweeps)
    points = curve_points(sweeps, args.repeats)
    chosen_of = chosen_alphas(one_curve(sweeps, args.repeats), args.choosing_set)
    chosen = {sweep: alpha for (sweep, track), alpha in chosen_of.items() if track == "track5"}
    roles = {args.calibration: "calibrates quantization", args.choosing_set: "chooses alpha"}
    published = published_points(read_yaml(args.paper)["wise_ft"])
    use_style()
    save_figure(draw(points, published, chosen, roles, args.choosing_set, args.run, trivial_scores(args.scores)), args.png, args.pdf)
    write_table(args.table, COLUMNS, [*points, *published])


if __name__ == "__main__":
    run_program(main)
