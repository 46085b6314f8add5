"""Final scores per track: this run's final system on each evaluation set, and the leaderboard's first three as published.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/final_scores.py --run '{"name": "demo", "simulated": true}' \\
      --scores results/demo/scores/*/*.json --systems '{"final": {"track1": "track1-awq"}}' --paper config/paper.yaml \\
      --png f.png --pdf f.pdf --table f.tsv

The leaderboard is the hidden test; this run's sets are others, so the numbers stand in panels of their own and only their pattern
compares. Reads score files and config/paper.yaml; leaves the figure and a table with columns origin, set, track, system, variant, score,
low, high, trivial, tasks, questions.
"""

from __future__ import annotations

import argparse
import json
from itertools import groupby
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shopbench.figure_style import (
    COLOURS,
    HALO,
    INK,
    WIDTH,
    dots_with_intervals,
    footnote,
    mark_published,
    save_figure,
    trivial_ticks,
    use_style,
)
from shopbench.files import run_program
from shopbench.report_data import (
    TRACKS,
    figure_arguments,
    label,
    missing_variants,
    read_scores,
    read_yaml,
    run_line,
    sets_of,
    system_score,
    write_table,
)

COLUMNS = ["origin", "set", "track", "system", "variant", "score", "low", "high", "trivial", "tasks", "questions"]
UNKNOWN = {"variant": None, "low": None, "high": None, "trivial": None, "tasks": None, "questions": None}


def our_rows(scores: dict[tuple[str, str], dict[str, Any]], system: dict[str, str]) -> list[dict[str, Any]]:
    """A row per set and track that the final system answered."""
    rows = [
        {"origin": "this run", "set": set_name, "track": track, "system": "final", **system_score(scores, set_name, system, track)}
        for set_name in sets_of(scores)
        for track in TRACKS
    ]
    return [row for row in rows if row["score"] is not None]


def published_rows(ranking: dict[str, Any]) -> list[dict[str, Any]]:
    """The leaderboard's rows, scores as text with the source's digits."""
    return [
        {"origin": "published", "set": "hidden test", "track": track, "system": team, "score": score, **UNKNOWN}
        for team, scores in ranking["scores"].items()
        for track, score in scores.items()
    ]


def draw(ours: list[dict[str, Any]], published: list[dict[str, Any]], run: dict[str, Any], note: str) -> Figure:
    sets = list(dict.fromkeys(r["set"] for r in ours))
    figure, ((*panels, leaderboard),) = plt.subplots(
        1, len(sets) + 1, figsize=(WIDTH, 3.5), sharey=True, width_ratios=[1] * len(sets) + [1.25], squeeze=False
    )
    places = {track: -float(place) for place, track in enumerate(TRACKS)}
    for axes, set_name in zip(panels, sets, strict=True):
        rows = [r for r in ours if r["set"] == set_name]
        heights = [places[r["track"]] for r in rows]
        trivial_ticks(axes, heights, rows)
        dots_with_intervals(axes, heights, rows, COLOURS["final"])
        for height, row in zip(heights, rows, strict=True):
            axes.annotate(
                f"{row['score']:.3f}",
                (row["score"], height),
                xytext=(0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=7.5,
                path_effects=HALO,
            )
        axes.set_title(label(set_name))
        axes.set_xlabel(f"score (n = {max(r['questions'] for r in rows)})")
        axes.margins(x=0.15)
    draw_leaderboard(leaderboard, published, places)
    first = figure.axes[0]
    first.set_yticks(list(places.values()), [label(t) for t in places])
    first.set_ylim(-len(TRACKS) + 0.3, 0.6)
    for axes in figure.axes:
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
    footnote(
        figure,
        run_line(run),
        "Lines: 95 % interval. Grey tick: the trivial answer. The leaderboard is another test: compare patterns, not values.",
        note,
    )
    return figure


def draw_leaderboard(axes: Axes, published: list[dict[str, Any]], places: dict[str, float]) -> None:
    """The three teams of each track, best on top: the reproduced one as a full diamond with its score, the others as small hollow ones."""
    for place, (team, rows) in enumerate(groupby(published, key=lambda r: r["system"])):
        for row in rows:
            score, height = float(row["score"]), places[row["track"]] - 0.24 * place
            axes.plot(
                score,
                height,
                marker="D",
                markersize=5.5 if place == 0 else 3.5,
                color=INK,
                markerfacecolor=INK if place == 0 else "white",
                zorder=3,
            )
            if place == 0:
                axes.annotate(row["score"], (score, height), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=7.5)
            elif row["track"] == "track1":
                axes.annotate(team, (score, height), xytext=(-6, 0), textcoords="offset points", ha="right", va="center", fontsize=7)
    mark_published(axes, "leaderboard")
    axes.set_xlabel("score, hidden test")
    axes.margins(x=0.15)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", nargs="+", required=True, help="score files (JSON)")
    parser.add_argument(
        "--systems", required=True, type=json.loads, help="which variant answers each track, as JSON: {final: {track: variant}}"
    )
    parser.add_argument("--paper", required=True, help="config/paper.yaml")
    figure_arguments(parser)
    args = parser.parse_args()

    scores = read_scores(args.scores)
    ours, published = our_rows(scores, args.systems["final"]), published_rows(read_yaml(args.paper)["ranking"])
    use_style()
    save_figure(draw(ours, published, args.run, missing_variants(scores, [args.systems["final"]])), args.png, args.pdf)
    write_table(args.table, COLUMNS, [*ours, *published])


if __name__ == "__main__":
    run_program(main)
