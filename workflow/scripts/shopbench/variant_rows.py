"""The drawing that the comparisons of variants share: a dot with its interval per variant, a panel per evaluation set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from shopbench.figure_style import WIDTH, colours_of, dots_with_intervals, trivial_ticks, value_label
from shopbench.report_data import label


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
            value_label(axes, f"{row['score']:.3f}", right, place)
        axes.set_title(label(set_name))
        axes.set_xlabel(f"mean score over {max(r['tasks'] for r in part)} tasks\n(n = {max(r['questions'] for r in part)})")
        axes.margins(x=0.2, y=0.08)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
    panels[0][0].set_yticks(list(places.values()), list(names.values()))
    return figure
