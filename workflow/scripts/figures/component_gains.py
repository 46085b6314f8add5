"""What each component brings: the paired difference of two variants that differ in it alone, from the base model to the final system.

A dot is the gain in the mean score over all tasks of a set. Its line is the 95 % interval of the paired bootstrap: both variants answered
the same questions, so what makes a question hard for both cancels out. The published gains are differences of printed Track 5 scores.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/component_gains.py --run '{"name": "demo", "simulated": true}' \\
      --scores results/demo/scores/*/*.json --steps '[{"step": "round 2", "before": "v8-weighted", "after": "track35"}]' \\
      --paper config/paper.yaml --png g.png --pdf g.pdf --table g.tsv

Reads score files and config/paper.yaml; leaves the figure and a table with columns origin, set, step, before, after, gain, gain_low,
gain_high, tasks, questions.
"""

from __future__ import annotations

import argparse
import json
from decimal import Decimal
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shopbench.figure_style import (
    COLOURS,
    INK,
    MUTED,
    WIDTH,
    dots_with_intervals,
    draw_nothing,
    footnote,
    mark_published,
    save_figure,
    signed,
    use_style,
    value_label,
)
from shopbench.files import run_program
from shopbench.paired import track_gain
from shopbench.report_data import figure_arguments, label, read_scores, read_yaml, run_line, sets_of, track_score, write_table

COLUMNS = ["origin", "set", "step", "before", "after", "gain", "gain_low", "gain_high", "tasks", "questions"]


def our_rows(scores: dict[tuple[str, str], dict[str, Any]], steps: list[dict[str, str]], draws: int, seed: int) -> list[dict[str, Any]]:
    """A row per set and step whose two variants the run has."""
    rows = []
    for set_name in sets_of(scores):
        for step in steps:
            before, after = (scores.get((set_name, step[end])) for end in ("before", "after"))
            if before is None or after is None:
                continue
            old, new = track_score(before, "track5"), track_score(after, "track5")
            low, high = track_gain(after, before, "track5", draws, seed)
            gain = {"gain": new["score"] - old["score"], "gain_low": low, "gain_high": high}
            rows.append({"origin": "this run", "set": set_name, **step, **gain, "tasks": new["tasks"], "questions": new["questions"]})
    return rows


def published_rows(paper: dict[str, Any]) -> list[dict[str, Any]]:
    """Track 5 step by step, as differences of the printed scores; the digits are those of the coarser one."""
    model = "Qwen2-72B"
    rounds = [paper["rounds"][name]["track5"] for name in ("round1", "round2")]
    named = [f"{entry['blend']} × {entry['weight']}" for entry in rounds]
    chain = {
        "base": paper["zero_shot"]["scores"][model]["track5"],
        f"{rounds[0]['blend']} × 1": paper["fine_tuned"]["scores"]["track5"],
        **{name: entry["score"] for name, entry in zip(named, rounds, strict=True)},
    }
    steps = ["fine-tuning, round 1", "weight 0.56 (wise-ft)", "round 2"]
    nothing = {"gain_low": None, "gain_high": None, "tasks": None, "questions": None}
    return [
        {
            "origin": "published",
            "set": "hidden test",
            "step": step,
            "before": before,
            "after": after,
            "gain": f"{Decimal(chain[after]) - Decimal(chain[before]):+}",
            **nothing,
        }
        for step, before, after in zip(steps, chain, list(chain)[1:], strict=False)
    ]


def draw_gains(axes: Axes, rows: list[dict[str, Any]], places: dict[str, float], colour: str) -> None:
    """A dot a step against a line at zero."""
    axes.axvline(0, color=MUTED, linewidth=1.0, zorder=1)
    for row in rows:
        dot = {"score": float(row["gain"]), "low": row["gain_low"], "high": row["gain_high"]}
        dots_with_intervals(axes, [places[row["step"]]], [dot], colour)
        value_label(axes, signed(dot["score"]), max(dot["score"], dot["high"] or dot["score"]), places[row["step"]])
    axes.margins(x=0.4)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def draw(ours: list[dict[str, Any]], published: list[dict[str, Any]], run: dict[str, Any], note: str) -> Figure:
    places = {step: -float(place) for place, step in enumerate(dict.fromkeys(row["step"] for row in [*ours, *published]))}
    sets = list(dict.fromkeys(row["set"] for row in ours))
    figure, (panels,) = plt.subplots(1, len(sets) + 1, figsize=(WIDTH, 1.5 + 0.3 * len(places)), sharey=True, squeeze=False)
    for axes, set_name in zip(panels, sets, strict=False):
        rows = [row for row in ours if row["set"] == set_name]
        draw_gains(axes, rows, places, COLOURS["final"])
        axes.set_title(label(set_name))
        axes.set_xlabel(f"gain, mean over {rows[0]['tasks']} tasks\n(n = {rows[0]['questions']:,})")
    draw_gains(panels[-1], published, places, INK)
    mark_published(panels[-1], "Track 5")
    panels[-1].set_xlabel("gain, hidden test\n(n about 20,600)")
    panels[0].set_yticks(list(places.values()), list(places))
    panels[0].set_ylim(-len(places) + 0.4, 0.6)
    footnote(figure, run_line(run), "Lines: 95 % interval of the paired bootstrap over questions; none is published.", note)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", nargs="*", default=[], help="score files (JSON)")
    parser.add_argument("--steps", required=True, type=json.loads, help="the config's report.steps, as JSON: [{step, before, after}, ...]")
    parser.add_argument("--bootstrap", type=int, default=2000, help="resamples of the paired bootstrap (number)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the bootstrap")
    parser.add_argument("--paper", required=True, help="config/paper.yaml")
    figure_arguments(parser)
    args = parser.parse_args()

    ours = our_rows(read_scores(args.scores), args.steps, args.bootstrap, args.seed)
    published = published_rows(read_yaml(args.paper))
    absent = [step["step"] for step in args.steps if step["step"] not in {row["step"] for row in ours}]
    use_style()
    note = f"Left out, its variants are not in this run: {', '.join(absent)}." if absent else ""
    figure = draw(ours, published, args.run, note) if ours else draw_nothing("This run has both variants of no step in report.steps.")
    save_figure(figure, args.png, args.pdf)
    write_table(args.table, COLUMNS, [*ours, *published])


if __name__ == "__main__":
    run_program(main)
