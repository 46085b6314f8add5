"""One style for every figure: sizes, fonts, and the same colour for the same thing everywhere.

Colours are Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), told apart by readers with any common colour blindness. Published
scores are black, in panels with a ground of their own; trivial answers are grey ticks; this run's numbers have colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.patheffects import withStroke

from shopbench.files import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches. The page shows a figure at about this width, so 9 pt text is read as 9 pt.
WIDTH = 7.2
DOTS_PER_INCH = 200

INK = "#1f2933"
MUTED = "#697586"
GRID = "#e3e7ec"
PUBLISHED_PANEL = "#f4f1ea"
TRIVIAL = "#9aa5b1"

# A white rim that keeps a label readable over lines.
HALO = [withStroke(linewidth=2.2, foreground="white")]

ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK = "#e69f00", "#56b4e9", "#009e73", "#d9c600", "#0072b2", "#d55e00", "#cc79a7"

COLOURS = {
    # sources
    "esci": BLUE,
    "mmlu": ORANGE,
    "ecinstruct": GREEN,
    "alpaca_cleaned": YELLOW,
    "amazon_reviews_2023": RED,
    "amazon_m2": SKY,
    "kdd_cup_2023": PINK,
    # clusters
    "existing": BLUE,
    "new": GREEN,
    "general": ORANGE,
    # task types
    "multiple-choice": BLUE,
    "retrieval": SKY,
    "ranking": GREEN,
    "named_entity_recognition": PINK,
    "generation": ORANGE,
    # made with or without a language model
    "enhanced": RED,
    "not_enhanced": TRIVIAL,
    # adapters, and the sweeps over them
    "v7": ORANGE,
    "v8": BLUE,
    "v7v8": GREEN,
    "v7b": RED,
    "v9b": SKY,
    # systems
    "base": MUTED,
    "round1": SKY,
    "round2": GREEN,
    "final": BLUE,
    # precisions of weights
    "bf16": BLUE,
    "awq": ORANGE,
    "gptq": GREEN,
    # evaluation sets
    "development": BLUE,
    "validation": ORANGE,
    "shopping_mmlu": GREEN,
    # constraints on answers
    "none": MUTED,
    "boost": SKY,
    "strict": BLUE,
}

_OTHERS = [PINK, YELLOW, RED, SKY, GREEN, ORANGE, BLUE]


def colours_of(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name: its own if it has one, else the next of the palette in sorted order."""
    names = list(dict.fromkeys(names))
    unknown = sorted(name for name in names if name not in COLOURS)
    return {name: COLOURS[name] if name in COLOURS else _OTHERS[unknown.index(name) % len(_OTHERS)] for name in names}


def use_style() -> None:
    """Set matplotlib's defaults; every figure program calls it once before drawing."""
    sns.set_theme(context="paper", style="ticks")
    plt.rcParams.update(
        {
            "figure.dpi": 100,
            "figure.constrained_layout.use": True,
            # DejaVu comes with matplotlib, so a figure looks the same on every machine.
            "font.family": "DejaVu Sans",
            "font.size": 9,
            "axes.titlesize": 9.5,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": 9,
            "xtick.labelsize": 8.5,
            "ytick.labelsize": 8.5,
            "axes.edgecolor": MUTED,
            "axes.labelcolor": INK,
            "axes.titlecolor": INK,
            "text.color": INK,
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
            "axes.linewidth": 0.8,
            "xtick.major.width": 0.8,
            "ytick.major.width": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": GRID,
            "grid.linewidth": 0.8,
            "axes.axisbelow": True,
            "lines.linewidth": 1.8,
            # TrueType fonts inside the PDF: text stays text, and every viewer shows it.
            "pdf.fonttype": 42,
        }
    )


def mark_published(axes: Axes, title: str) -> None:
    """Give a panel the look of published numbers: its own ground colour, and a title that says so."""
    axes.set_facecolor(PUBLISHED_PANEL)
    axes.set_title(f"Published: {title}")


def footnote(figure: Figure, *lines: str) -> None:
    """Small lines below the panels: what the run is, what was left out."""
    figure.supxlabel("\n".join(line for line in lines if line), fontsize=7.5, color=MUTED, x=0.01, ha="left")


def dots_with_intervals(
    axes: Axes, places: Sequence[float], rows: Sequence[dict[str, Any]], colour: str, *, hollow: bool = False, size: float = 6.0
) -> None:
    """Scores as dots on the x axis with their intervals as lines, one at each y place.

    A row has score, low and high, each None if unknown; a row without a score is skipped.
    """
    for place, row in zip(places, rows, strict=True):
        if row["score"] is None:
            continue
        if row.get("low") is not None:
            axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=1.4, alpha=0.8, solid_capstyle="butt", zorder=2)
        axes.plot(
            row["score"],
            place,
            marker="o",
            markersize=size,
            color=colour,
            markerfacecolor="white" if hollow else colour,
            markeredgewidth=1.4,
            zorder=3,
        )


def trivial_ticks(axes: Axes, places: Sequence[float], rows: Sequence[dict[str, Any]], height: float = 0.32) -> None:
    """The trivial answer's score as a grey tick at each y place."""
    for place, row in zip(places, rows, strict=True):
        if row.get("trivial") is not None:
            axes.plot([row["trivial"]] * 2, [place - height, place + height], color=TRIVIAL, linewidth=2.2, zorder=1)


def value_label(axes: Axes, text: str, x: float, y: float) -> None:
    """A number right of what it belongs to; its rim keeps it readable over a tick or a grid line."""
    axes.annotate(text, (x, y), xytext=(5, 0), textcoords="offset points", va="center", fontsize=7.5, path_effects=HALO)


def past_tick(x: float, tick: float | None, reach: float = 0.14) -> float:
    """Where a label of a score begins: at x, or at the trivial answer's tick if the label would lie on it."""
    return tick if tick is not None and x - reach / 5 < tick < x + reach else x


def signed(value: float) -> str:
    """A difference with its sign and three digits, the minus as long as the plus."""
    return f"{value:+.3f}".replace("-", "−")


def draw_nothing(reason: str) -> Figure:
    """A figure that says why there is nothing to draw: a run without what it compares still has all its files."""
    figure, axes = plt.subplots(figsize=(WIDTH, 1.0))
    axes.axis("off")
    axes.text(0, 0.5, reason, va="center", color=MUTED)
    return figure


def save_figure(figure: Figure, png: str | Path, pdf: str | Path) -> None:
    """Write both files, each whole or absent. No date and no version of a tool goes into them: same numbers, same bytes."""
    with whole_file(png) as partial:
        figure.savefig(partial, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    with whole_file(pdf) as partial:
        figure.savefig(partial, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    plt.close(figure)
