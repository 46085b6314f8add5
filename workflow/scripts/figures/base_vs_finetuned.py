"""Base against fine-tuned, per track: this run on each evaluation set, and the paper's two models on the hidden test.

Hollow dot: the base model. Full dot: the fine-tuned system. Lines: 95 % bootstrap intervals. Grey tick: what the trivial answer scores.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/base_vs_finetuned.py \\
      --run '{"name": "demo", "simulated": true}' --scores results/demo/scores/*/*.json \\
      --systems '{"base": {"track1": "base-strict"}, "final": {"track1": "track1-awq"}}' --paper config/paper.yaml --png f.png \\
      --pdf f.pdf --table f.tsv

Reads score files and config/paper.yaml; leaves the figure and a table with columns origin, set, track, model, stage, variant, score, low,
high, trivial, tasks, questions.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shopbench.figure_style import (
    COLOURS,
    INK,
    MUTED,
    TRIVIAL,
    WIDTH,
    dots_with_intervals,
    footnote,
    mark_published,
    past_tick,
    save_figure,
    signed,
    trivial_ticks,
    use_style,
    value_label,
)
from shopbench.files import run_program
from shopbench.report_data import (
    TRACKS,
    figure_arguments,
    label,
    missing_variants,
    number,
    read_scores,
    read_yaml,
    run_line,
    sets_of,
    system_score,
    write_table,
)

COLUMNS = ["origin", "set", "track", "model", "stage", "variant", "score", "low", "high", "trivial", "tasks", "questions"]
STAGES = {"base": "base", "final": "fine-tuned"}
UNKNOWN = {"low": None, "high": None, "trivial": None, "tasks": None, "questions": None}


def our_rows(scores: dict[tuple[str, str], dict[str, Any]], systems: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """A row per set, track and stage that the run has scores for."""
    rows = []
    for set_name in sets_of(scores):
        for track in TRACKS:
            for system, stage in STAGES.items():
                found = system_score(scores, set_name, systems[system], track)
                if found["score"] is not None:
                    rows.append({"origin": "this run", "set": set_name, "track": track, "model": "this run's", "stage": stage, **found})
    return rows


def published_rows(paper: dict[str, Any]) -> list[dict[str, Any]]:
    """The paper's two models, before and after fine-tuning (without wise-ft), scores as text with the source's digits."""
    groups = {
        ("Qwen2-72B", "base"): paper["zero_shot"]["scores"]["Qwen2-72B"],
        ("Qwen2-72B", "fine-tuned"): paper["fine_tuned"]["scores"],
        ("Smaug-72B", "base"): paper["zero_shot"]["scores"]["Smaug-72B"],
        ("Smaug-72B", "fine-tuned"): paper["fine_tuned_smaug"]["scores"],
    }
    return [
        {
            "origin": "published",
            "set": "hidden test",
            "track": track,
            "model": model,
            "stage": stage,
            "variant": None,
            "score": score,
            **UNKNOWN,
        }
        for (model, stage), group in groups.items()
        for track, score in group.items()
    ]


def draw_pairs(axes: Axes, rows: list[dict[str, Any]], colours: dict[str, str]) -> None:
    """A line of dots per track, Track 1 on top; a thin line joins base and fine-tuned."""
    places = {track: -place for place, track in enumerate(TRACKS)}
    for track in TRACKS:
        pair = {r["stage"]: {**r, "score": number(r["score"])} for r in rows if r["track"] == track}
        base, tuned = pair.get("base"), pair.get("fine-tuned")
        offsets = {"base": 0.13, "fine-tuned": -0.13}
        for stage, row in pair.items():
            dots_with_intervals(axes, [places[track] + offsets[stage]], [row], colours[stage], hollow=stage == "base")
        if base and tuned and None not in (base["score"], tuned["score"]):
            trivial_ticks(axes, [places[track]], [tuned])
            gain = signed(tuned["score"] - base["score"])
            right = max(r["high"] or r["score"] for r in (base, tuned))
            value_label(axes, gain, past_tick(right, tuned["trivial"]), places[track])
    axes.set_yticks(list(places.values()), [label(t) for t in places])
    axes.set_ylim(-len(TRACKS) + 0.4, 0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def draw(ours: list[dict[str, Any]], published: list[dict[str, Any]], run: dict[str, Any], note: str) -> Figure:
    sets = list(dict.fromkeys(r["set"] for r in ours))
    figure = plt.figure(figsize=(WIDTH, 5.6))
    (upper,), (lower,) = figure.subfigures(2, 1, squeeze=False)
    colours = {"base": COLOURS["base"], "fine-tuned": COLOURS["final"]}
    panels = upper.subplots(1, max(1, len(sets)), sharey=True, sharex=True, squeeze=False)[0]
    for axes, set_name in zip(panels, sets, strict=False):
        rows = [r for r in ours if r["set"] == set_name]
        draw_pairs(axes, rows, colours)
        axes.set_title(label(set_name))
        axes.set_xlabel(f"score (n = {max(r['questions'] for r in rows)})")
        axes.margins(x=0.28)
    draw_key(upper, colours)
    models = ["Qwen2-72B", "Smaug-72B"]
    for axes, model in zip(lower.subplots(1, len(models), sharey=True, sharex=True), models, strict=True):
        draw_pairs(axes, [r for r in published if r["model"] == model], {"base": INK, "fine-tuned": INK})
        mark_published(axes, f"{model}, hidden test")
        axes.set_xlabel("score")
        axes.margins(x=0.28)
    footnote(lower, run_line(run), "Published fine-tuned scores are those without wise-ft; a missing dot is not published.", note)
    return figure


def draw_key(figure: Any, colours: dict[str, str]) -> None:
    """What dot, ring and tick mean, in one line of text above the panels."""
    figure.suptitle(" ", fontsize=9)
    words = [
        ("○ base", colours["base"]),
        ("● fine-tuned", colours["fine-tuned"]),
        ("— 95 % interval", MUTED),
        ("❘ trivial answer", TRIVIAL),
    ]
    for place, (text, colour) in enumerate(words):
        figure.text(0.2 + 0.2 * place, 0.985, text, color=colour, fontsize=8.5, fontweight="bold", va="top")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", nargs="+", required=True, help="score files (JSON)")
    parser.add_argument(
        "--systems", required=True, type=json.loads, help="which variant answers each track, as JSON: {base: {track: variant}, final: ...}"
    )
    parser.add_argument("--paper", required=True, help="config/paper.yaml")
    figure_arguments(parser)
    args = parser.parse_args()

    scores = read_scores(args.scores)
    ours, published = our_rows(scores, args.systems), published_rows(read_yaml(args.paper))
    use_style()
    note = missing_variants(scores, [args.systems[s] for s in STAGES])
    save_figure(draw(ours, published, args.run, note), args.png, args.pdf)
    write_table(args.table, COLUMNS, [*ours, *published])


if __name__ == "__main__":
    run_program(main)
