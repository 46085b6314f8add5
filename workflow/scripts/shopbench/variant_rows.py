"""Variants that differ in one thing alone: their rows, and a dot with its interval per variant, a panel per evaluation set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from shopbench.figure_style import WIDTH, colours_of, dots_with_intervals, draw_nothing, footnote, past_tick, trivial_ticks, value_label
from shopbench.report_data import label, run_line, sets_of, track_score

Scores = dict[tuple[str, str], dict[str, Any]]


def compared_rows(
    scores: Scores, variants: dict[str, Any], naming: Callable[[dict[str, Any]], dict[str, str]], shade: str, order: Sequence[str]
) -> list[dict[str, Any]]:
    """A row per set and variant, scored over all tasks, for the groups that have several values of `shade`.

    A group is what one model's variants are called alike by `naming`, whose columns its rows carry; within it rows follow `order`.
    """
    groups: dict[tuple[str, ...], dict[str, str]] = {}
    for name, variant in variants.items():
        groups.setdefault((variant["model"], *naming(variant).values()), {})[variant[shade]] = name
    rows = []
    for set_name in sets_of(scores):
        for members in groups.values():
            for value in sorted(members, key=order.index) if len(members) > 1 else []:
                variant = variants[members[value]]
                row = {"set": set_name, **naming(variant), shade: value, "variant": members[value]}
                rows.append({**row, **track_score(scores.get((set_name, members[value])), "track5")})
    return [row for row in rows if row["score"] is not None]


def figure_of(rows: list[dict[str, Any]], group: Sequence[str], shade: str, run: dict[str, Any], nothing: str) -> Figure:
    """The rows drawn, with what their marks mean; or the words of `nothing`."""
    if not rows:
        return draw_nothing(nothing)
    figure = draw_variants(rows, group, shade)
    footnote(figure, run_line(run, published=False), "Dots: mean over all tasks; lines: 95 % interval; grey ticks: the trivial answer.")
    return figure


def draw_variants(rows: list[dict[str, Any]], group: Sequence[str], shade: str) -> Figure:
    """Rows (set, score, low, high, trivial, tasks, questions) as dots.

    Those equal in the columns `group` stand together; the column `shade` names and colours a dot.

    Every panel shows the same variants in the same places; a variant that a set lacks leaves its place empty.
    """
    places: dict[tuple[str, ...], float] = {}
    names: dict[tuple[str, ...], str] = {}
    height, last = 0.0, None
    for row in rows:
        group_key = tuple(row[column] for column in group)
        key = (*group_key, row[shade])
        if key not in places:
            height -= 1.0 if group_key == last else 1.7
            places[key], last = height, group_key
            names[key] = f"{' · '.join(group_key)}   {row[shade]}"
    sets = list(dict.fromkeys(row["set"] for row in rows))
    colours = colours_of(row[shade] for row in rows)
    figure, panels = plt.subplots(1, len(sets), figsize=(WIDTH, 1.3 + 0.24 * -height), sharey=True, sharex=True, squeeze=False)
    for axes, set_name in zip(panels[0], sets, strict=True):
        part = [row for row in rows if row["set"] == set_name]
        for row in part:
            place = places[*(row[column] for column in group), row[shade]]
            trivial_ticks(axes, [place], [row])
            dots_with_intervals(axes, [place], [row], colours[row[shade]])
            right = row["high"] if row["high"] is not None else row["score"]
            value_label(axes, f"{row['score']:.3f}", past_tick(right, row["trivial"]), place)
        axes.set_title(label(set_name))
        axes.set_xlabel(f"mean score over {max(r['tasks'] for r in part)} tasks\n(n = {max(r['questions'] for r in part)})")
        axes.margins(x=0.2, y=0.08)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
    panels[0][0].set_yticks(list(places.values()), list(names.values()))
    return figure
