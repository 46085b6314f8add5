"""Two finished runs side by side on one page of the report's look: scores, paired differences, configs, curves over each other.

    python workflow/scripts/compare_runs.py --a results/demo --b results/other --output results/compare.html

Reads run_config.yaml, scores/ and sweeps/ of both folders, the page's template and the report's style. Leaves one HTML file that needs
nothing but itself. Variants and sweeps are met by their names; where both runs answered the same questions, differences have paired
intervals. Method: P. Koehn, Statistical significance tests for machine translation evaluation (EMNLP 2004).
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import matplotlib.pyplot as plt
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shopbench.figure_style import BLUE, MUTED, ORANGE, WIDTH, dots_with_intervals, footnote, save_figure, signed, use_style
from shopbench.files import BadInput, progress, run_program, whole_text
from shopbench.report_data import label
from shopbench.report_page import Cell, Line, Table, embedded_picture
from shopbench.run_comparison import FinishedRun, Row, config_difference, only_in, read_finished_run, score_rows, task_rows
from shopbench.sweeps import curve_points, read_sweeps

REPORT = Path(__file__).resolve().parents[1] / "report"
COLOURS = {"a": ORANGE, "b": BLUE}
LETTERS = {"a": "A", "b": "B"}
# What an item of the page may have.
NO_PARTS: dict[str, Any] = {"picture": None, "caption": "", "table": None, "fold": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--a", type=Path, required=True, help="folder of the run to compare with")
    parser.add_argument("--b", type=Path, required=True, help="folder of the other run")
    parser.add_argument("--output", type=Path, required=True, help="page to write (HTML)")
    parser.add_argument("--bootstrap", type=int, default=1000, help="resamples of the differences (number)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the bootstrap")
    arguments = parser.parse_args()

    a, b = read_finished_run(arguments.a), read_finished_run(arguments.b)
    progress(f"scores: {len(a.scores)} in {a.folder}, {len(b.scores)} in {b.folder}")
    rows = score_rows(a, b, arguments.bootstrap, arguments.seed)
    final = final_variants(a, b)
    tasks = task_rows(a, b, arguments.bootstrap, arguments.seed, final)
    use_style()
    sections = [
        {"id": "scores", "title": "Scores", "caption": scores_caption(a, b), "items": score_items(rows)},
        {"id": "tasks", "title": "Tasks", "caption": tasks_caption(final), "items": task_items(tasks)},
        {"id": "curves", "title": "Wise-ft curves", "caption": CURVES_CAPTION, "items": curve_items(a, b)},
        {"id": "config", "title": "Config", "caption": CONFIG_CAPTION, "items": config_items(a, b)},
    ]
    sections = [section for section in sections if section["items"]]
    with whole_text(arguments.output) as stream:
        stream.write(page(a, b, rows, sections))
    progress(f"{arguments.output}: {len(rows)} scores compared")


# the page's parts


def scores_caption(a: FinishedRun, b: FinishedRun) -> str:
    alone = [f"Only in {letter}: {', '.join(names)}." for letter, names in (("A", only_in(a, b)), ("B", only_in(b, a))) if names]
    return " ".join(["Each variant that both runs scored, on each evaluation set. Track 5 is the mean over all tasks.", *alone])


def tasks_caption(final: Sequence[str]) -> str:
    return f"Single tasks of what the runs end with ({', '.join(final)}), the largest differences first."


CURVES_CAPTION = "Score against alpha, the weight of the fine-tuning: the mean over all tasks of a set, with its 95 % interval."
CONFIG_CAPTION = "What the merged configs differ in, but for the runs’ names and folders."


def final_variants(a: FinishedRun, b: FinishedRun) -> list[str]:
    """The variants of the runs' final systems."""
    systems = [run.config.get("systems", {}).get("final", {}) for run in (a, b)]
    return list(dict.fromkeys(variant for system in systems for variant in system.values()))


def score_items(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Per evaluation set a figure of all variants on Track 5, then a table of all tracks."""
    items = []
    for set_name in dict.fromkeys(row["set"] for row in rows):
        of_set = [row for row in rows if row["set"] == set_name]
        whole = [row for row in of_set if row["track"] == "track5"]
        words = "; ".join(f"{row['variant']}: A {row['score_a']:.3f}, B {row['score_b']:.3f}" for row in whole)
        alt = f"Dots with intervals, A above B, for each variant on the {label(set_name)}. {words}."
        unpaired = [] if all(row["paired"] for row in of_set) else ["Where brackets are missing, the runs answered other questions."]
        items.append(
            {
                "id": f"scores-{set_name}",
                "title": label(set_name),
                "picture": picture(draw_scores(whole, set_name), alt),
                "caption": " ".join(["All tracks:", *unpaired]),
                "table": comparison_table(of_set, ["variant", "track"]),
            }
        )
    return items


def task_items(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"tasks-{set_name}",
            "title": f"{label(set_name)}: tasks",
            "table": comparison_table([row for row in rows if row["set"] == set_name], ["task", "variant", "questions"]),
            "fold": True,
        }
        for set_name in dict.fromkeys(row["set"] for row in rows)
    ]


def curve_items(a: FinishedRun, b: FinishedRun) -> list[dict[str, Any]]:
    """A figure for each sweep that both runs made, a panel per evaluation set."""
    found = {key: {path.stem: path for path in sorted((run.folder / "sweeps").glob("*.parquet"))} for key, run in (("a", a), ("b", b))}
    items = []
    for name in sorted(found["a"].keys() & found["b"].keys()):
        points = {key: [p for p in curve_points(read_sweeps([files[name]])) if p["track"] == "track5"] for key, files in found.items()}
        ends = [f"{LETTERS[key]} {p['set']} alpha {p['alpha']:g}: {p['score']:.3f}" for key in points for p in points[key]]
        items.append(
            {"id": f"curve-{name}", "title": name, "picture": picture(draw_curves(points), f"Curves of A and B. {'; '.join(ends)}.")}
        )
    return items


def config_items(a: FinishedRun, b: FinishedRun) -> list[dict[str, Any]]:
    lines = [Line([Cell(text) for text in row]) for row in config_difference(a.config, b.config)]
    same = "" if lines else "The configs agree."
    table = Table([Cell("key"), Cell("A"), Cell("B")], lines) if lines else None
    return [{"id": "config-difference", "title": f"Keys that differ: {len(lines)}", "caption": same, "table": table}]


def comparison_table(rows: Sequence[Row], heads: Sequence[str]) -> Table:
    """Heads, then A, B and B minus A, each with its interval below."""
    lines = []
    for row in rows:
        words = [label(row[key]) if key == "track" else str(row[key]) for key in heads]
        first = [Cell(text, number=key == "questions") for key, text in zip(heads, words, strict=True)]
        scores = [Cell(f"{row[f'score_{run}']:.3f}", between(row[f"low_{run}"], row[f"high_{run}"]), True) for run in ("a", "b")]
        lines.append(
            Line([*first, *scores, Cell(difference_text(row["difference"]), between(row["low"], row["high"], difference_text), True)])
        )
    titles = [Cell(key, number=key == "questions") for key in heads]
    return Table([*titles, Cell("A", "", True), Cell("B", "", True), Cell("B − A", "", True)], lines)


def between(low: float | None, high: float | None, text: Any = "{:.3f}".format) -> str:
    return "" if low is None or high is None else f"[{text(low)}, {text(high)}]"


def difference_text(value: float) -> str:
    """With its sign; none for zero."""
    return "0.000" if round(value, 3) == 0 else signed(value)


def verdict(rows: Sequence[Row]) -> str:
    """How many of the Track 5 scores differ beyond their interval."""
    whole = [row for row in rows if row["track"] == "track5"]
    paired = [row for row in whole if row["paired"]]
    if not whole:
        return "The runs scored no variant on the same evaluation set."
    higher, lower = sum(row["low"] > 0 for row in paired), sum(row["high"] < 0 for row in paired)
    rest = f" {len(whole) - len(paired)} were answered on other questions." if len(paired) < len(whole) else ""
    return (
        f"Of {len(whole)} scores over all tasks (variants and sets), B is higher in {higher}, lower in {lower}, "
        f"and not shown to differ in {len(paired) - higher - lower} (95 % paired intervals, no correction for their number).{rest}"
    )


# figures


def picture(figure: Figure, alt: str) -> dict[str, Any]:
    """A figure as the page takes it."""
    with tempfile.TemporaryDirectory() as scratch:
        png = Path(scratch) / "figure.png"
        save_figure(figure, png, png.with_suffix(".pdf"))
        return embedded_picture(png, alt)


def draw_scores(rows: Sequence[Row], set_name: str) -> Figure:
    """A variant a line: A above, B below, and the difference beside them."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH, 1.3 + 0.36 * len(rows)), sharey=True, width_ratios=[2, 1], gridspec_kw={"wspace": 0.1}
    )
    heights = [-float(place) for place in range(len(rows))]
    for run, above in (("a", 0.15), ("b", -0.15)):
        faces = [{key: row[f"{key}_{run}"] for key in ("score", "low", "high")} for row in rows]
        dots_with_intervals(left, [height + above for height in heights], faces, COLOURS[run], hollow=run == "a", size=5)
    name_runs(left, rows[0])
    left.set_yticks(heights, [row["variant"] for row in rows])
    left.set_ylim(-len(rows) + 0.4, 0.75)
    left.set_xlabel(f"score over all tasks (n = {rows[0]['questions_a']:,})")
    left.set_title(label(set_name))
    dots_with_intervals(
        right, heights, [{"score": row["difference"], "low": row["low"], "high": row["high"]} for row in rows], MUTED, size=5
    )
    right.axvline(0, color=MUTED, linewidth=0.8, zorder=0)
    right.set_xlabel("B − A, paired")
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.margins(x=0.1)
    footnote(figure, "Lines: 95 % interval.")
    return figure


def name_runs(axes: Axes, row: Row) -> None:
    """The letters, once, beside the first line's dots."""
    for run, above, side in (("a", 0.15, 4), ("b", -0.15, -12)):
        axes.annotate(
            LETTERS[run],
            (row[f"score_{run}"], above),
            xytext=(0, side),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            fontweight="bold",
            color=COLOURS[run],
        )


def draw_curves(points: dict[str, list[Row]]) -> Figure:
    sets = list(dict.fromkeys(point["set"] for key in points for point in points[key]))
    figure, panels = plt.subplots(1, len(sets), figsize=(WIDTH, 2.8), squeeze=False)
    for axes, set_name in zip(panels[0], sets, strict=True):
        for run, found in points.items():
            curve = [point for point in found if point["set"] == set_name]
            if not curve:
                continue
            alphas, scores = [point["alpha"] for point in curve], [point["score"] for point in curve]
            if all(point["low"] is not None for point in curve):
                lows, highs = [point["low"] for point in curve], [point["high"] for point in curve]
                axes.fill_between(alphas, lows, highs, color=COLOURS[run], alpha=0.13, linewidth=0)
            # A is dashed and on top: where the two agree, both are seen.
            look = {"linestyle": "--", "zorder": 3} if run == "a" else {"linestyle": "-"}
            axes.plot(alphas, scores, color=COLOURS[run], marker="o", markersize=3.5, **look)
            end = {"xytext": (6, 5 if run == "a" else -5), "textcoords": "offset points", "va": "center", "fontweight": "bold"}
            axes.annotate(LETTERS[run], (alphas[-1], scores[-1]), color=COLOURS[run], **end)
        axes.set_title(label(set_name))
        axes.set_xlabel("alpha")
        axes.margins(x=0.1)
    panels[0][0].set_ylabel("score over all tasks")
    footnote(figure, "Bands: 95 % interval.")
    return figure


# the page


def page(a: FinishedRun, b: FinishedRun, rows: Sequence[Row], sections: list[dict[str, Any]]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(REPORT), undefined=jinja2.StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    names = [run.config["run"] for run in (a, b)]
    if names[0] == names[1]:
        names = [run.folder.name for run in (a, b)]
    simulated = " and ".join(LETTERS[key] for key, run in (("a", a), ("b", b)) if run.simulated)
    return environment.get_template("compare.html.j2").render(
        a={"name": names[0], "folder": a.folder},
        b={"name": names[1], "folder": b.folder},
        simulated=simulated,
        verdict=verdict(rows),
        sections=[section | {"items": [NO_PARTS | item for item in section["items"]]} for section in sections],
        style=report_style(),
    )


def report_style() -> Markup:
    """The style sheet of the report's page, so that both pages look alike."""
    file = REPORT / "page.html.j2"
    found = re.search(r"<style>(.*?)</style>", file.read_text(encoding="utf-8"), re.S)
    if not found:
        raise BadInput(f"{file}: no <style> in it; take the file from the repository again")
    return Markup(found[1])


if __name__ == "__main__":
    run_program(main)
