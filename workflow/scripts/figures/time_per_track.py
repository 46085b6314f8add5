"""Time taken to answer each track against the challenge's limits.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/time_per_track.py --run '{"name": "demo", "simulated": true}' \\
      --timings results/demo/timings/*.json --challenge results/demo/challenge/*.json \\
      --system '{"track1": "track1-awq", "track5": "track35-awq"}' --paper config/paper.yaml --png t.png --pdf t.pdf --table t.tsv

Twice, where the run has both: questions in this project's order, many in flight, and in the challenge's way, a few at a time. The limits
were for the hidden test (about 20,600 questions in all; questions per track are not published). A set of another size says nothing
against them by its total, so the figure shows seconds per question against the rule of 10 s a question, and, for Track 5 alone, the table
projects the hidden test's 20,600 questions against its 140 minutes. Starting the engine is counted apart, once per variant.

Reads timings ({"engine_start_seconds", "sets": {set: {track: {"questions", "seconds"}}}}, named by variant), what run_submissions.py left
(named alike) and config/paper.yaml; leaves the figure and a table with columns set, track, variant, way, questions, minutes,
seconds_per_question, slowest_seconds_per_question, engine_start_seconds, published_limit_minutes, projected_hidden_test_minutes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from shopbench.figure_style import INK, WIDTH, colours_of, footnote, mark_published, save_figure, use_style
from shopbench.files import BadInput, read_json, run_program
from shopbench.report_data import TRACKS, figure_arguments, label, read_yaml, run_line, write_table

COLUMNS = [
    "set",
    "track",
    "variant",
    "way",
    "questions",
    "minutes",
    "seconds_per_question",
    "slowest_seconds_per_question",
    "engine_start_seconds",
    "published_limit_minutes",
    "projected_hidden_test_minutes",
]


OWN_ORDER = "own order"


def time_rows(timings: dict[str, dict[str, Any]], system: dict[str, str], inference: dict[str, Any]) -> list[dict[str, Any]]:
    """A row per set and track that its variant answered in this project's order, in the order of the sets."""
    rows = []
    sets = dict.fromkeys(name for timing in timings.values() for name in timing["sets"])
    for set_name in sets:
        for track in TRACKS:
            timing = timings.get(system.get(track, ""), {"sets": {}})
            taken = timing["sets"].get(set_name, {}).get(track)
            if not taken or not taken["questions"]:
                continue
            start, slowest = timing["engine_start_seconds"], taken.get("slowest_seconds")
            place = {"set": set_name, "track": track, "variant": system[track], "way": OWN_ORDER}
            rows.append(time_row(place, taken["questions"], taken["seconds"], slowest, start, inference))
    return rows


def challenge_rows(challenge: dict[str, dict[str, Any]], system: dict[str, str], inference: dict[str, Any]) -> list[dict[str, Any]]:
    """A row per track that its variant answered in the challenge's way. Its minutes there are with the engine's start."""
    rows = []
    for track in TRACKS:
        found = challenge.get(system.get(track, ""), {"tracks": {}})
        if taken := found["tracks"].get(track):
            start = found["engine_start_seconds"]
            place = {"set": found["set"], "track": track, "variant": system[track], "way": f"batches of {found['batch']}"}
            seconds = 60 * taken["minutes"] - start
            rows.append(time_row(place, taken["questions"], seconds, taken["slowest_seconds_per_question"], start, inference))
    return rows


def time_row(
    place: dict[str, str], questions: int, seconds: float, slowest: float | None, start: float, inference: dict[str, Any]
) -> dict[str, Any]:
    each = seconds / questions
    return place | {
        "questions": questions,
        "minutes": seconds / 60,
        "seconds_per_question": each,
        "slowest_seconds_per_question": slowest,
        "engine_start_seconds": start,
        "published_limit_minutes": inference["limit_minutes"][place["track"]],
        "projected_hidden_test_minutes": each * inference["hidden_test"]["questions"] / 60 if place["track"] == "track5" else None,
    }


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def draw_limits(axes: Axes, places: dict[str, float], limits: dict[str, int]) -> None:
    """The published limits as open bars, with their minutes."""
    axes.barh(list(places.values()), [limits[t] for t in places], height=0.6, color="white", edgecolor=INK, linewidth=1.0)
    for track, place in places.items():
        axes.annotate(f"{limits[track]} min", (limits[track], place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    mark_published(axes, "time limit")
    axes.set_xlabel("minutes for the hidden test")
    axes.margins(x=0.4)


def draw_seconds(axes: Axes, rows: list[dict[str, Any]], places: dict[str, float], limit: float) -> None:
    """Seconds per question on a log axis, a colour per set, against the limit of a single question."""
    sets = list(dict.fromkeys(r["set"] for r in rows))
    lines = list(dict.fromkeys((r["way"], r["set"]) for r in rows))
    colours = colours_of(sets)
    for number, (way, set_name) in enumerate(lines):
        for row in (r for r in rows if (r["way"], r["set"]) == (way, set_name)):
            height = places[row["track"]] + 0.24 * ((len(lines) - 1) / 2 - number)
            shape: dict[str, Any] = {"marker": "o"} if way == OWN_ORDER else {"marker": "s", "markerfacecolor": "white"}
            axes.plot(row["seconds_per_question"], height, markersize=5.5, color=colours[set_name], **shape)
            words = f"{row['questions']:,} in {duration(60 * row['minutes'])}"
            axes.annotate(words, (row["seconds_per_question"], height), xytext=(6, 0), textcoords="offset points", va="center", fontsize=7)
    axes.axvline(limit, color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.annotate(
        f"published limit\n{limit:g} s", (limit, 0.55), xytext=(-4, 0), textcoords="offset points", ha="right", va="top", fontsize=7.5
    )
    axes.set_xscale("log")
    low = min(r["seconds_per_question"] for r in rows)
    axes.set_xlim(low / 2, max(limit, *(r["seconds_per_question"] for r in rows)) * 1.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("seconds per question (log scale)")
    axes.set_title("This run\n")
    for number, set_name in enumerate(sets):
        axes.text(
            number / len(sets), 1.01, label(set_name), transform=axes.transAxes, color=colours[set_name], fontsize=8, fontweight="bold"
        )


def draw(rows: list[dict[str, Any]], inference: dict[str, Any], run: dict[str, Any], note: str) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.8), sharey=True, width_ratios=[1.9, 1])
    places = {track: -float(place) for place, track in enumerate(TRACKS)}
    draw_seconds(left, rows, places, inference["limit_seconds_per_question"])
    draw_limits(right, places, inference["limit_minutes"])
    left.set_yticks(list(places.values()), [label(t) for t in places])
    left.set_ylim(-len(TRACKS) + 0.4, 0.6)
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
    footnote(
        figure,
        run_line(run),
        "Dots: this project's order, many in flight; squares: the challenge's way, a few at a time. Labels: questions and the time for all",
        "of them, without the engine's start. The time that the authors took is not published.",
        note,
    )
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timings", nargs="+", required=True, help="timings (JSON, named by variant)")
    parser.add_argument("--challenge", nargs="*", default=[], help="what run_submissions.py left (JSON, named by variant)")
    parser.add_argument("--system", required=True, type=json.loads, help="which variant answers each track, as JSON: {track: variant}")
    parser.add_argument("--paper", required=True, help="config/paper.yaml")
    figure_arguments(parser)
    args = parser.parse_args()

    timings = {Path(path).stem: read_json(path) for path in args.timings}
    inference = read_yaml(args.paper)["inference"]
    challenge = {Path(path).stem: read_json(path) for path in args.challenge}
    rows = [*time_rows(timings, args.system, inference), *challenge_rows(challenge, args.system, inference)]
    if not rows:
        answering = ", ".join(sorted(set(args.system.values())))
        raise BadInput(f"--timings: none is of a variant that answers a track ({answering}); see `systems` in the config")
    absent = sorted(set(args.system.values()) - set(timings))
    use_style()
    save_figure(draw(rows, inference, args.run, f"Left out, not in this run: {', '.join(absent)}." if absent else ""), args.png, args.pdf)
    write_table(args.table, COLUMNS, rows)


if __name__ == "__main__":
    run_program(main)
