"""Pieces of the report's page: tables for people, captions, pictures inside the page."""

from __future__ import annotations

import base64
import csv
import html
import re
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
from markupsafe import Markup

from shopbench.card_page import card_id
from shopbench.files import BadInput
from shopbench.report_data import label

Row = dict[str, str]

# Characters from which a cell is running text and gets a column wide enough to read.
LONG = 24

# Columns whose values have words of their own for people; others (variants, datasets) show their names in the config.
LABELLED = {"set", "track", "source", "part", "cluster", "task_type"}

SIGNED = {"gain", "difference"}
# Differences of scores have three digits however small they are.
DIFFERENCES = {"gain", "gain_low", "gain_high", "difference", "low", "high"}

WORDS = {
    "set": "evaluation set",
    "this_run": "this run",
    "off_by_a_step": "share of weights off by a step",
    "off_by_a_step_allowed": "allowed",
    "kl": "KL divergence (nats)",
    "kl_p99": "99th percentile",
    "kl_allowed": "allowed",
    "llm": "language model",
    "gpus": "GPUs",
    "gpu_hours": "GPU-hours",
    "cpu_hours": "CPU-hours",
    "memory_mib": "memory (MiB)",
    "longest_minutes": "longest (minutes)",
}


@dataclass(frozen=True)
class Cell:
    """What a table shows in one place: text, a second line in small, and a card that it leads to.

    Numbers are set flush right, published ones shaded.
    """

    text: str
    small: str = ""
    number: bool = False
    published: bool = False
    link: str = ""

    @property
    def classes(self) -> Markup:
        """The HTML attribute for CSS, if any."""
        names = [name for name in ("number", "published") if getattr(self, name)] + ["words"] * (len(self.text) > LONG)
        names += ["lines"] * ("\n" in self.text)
        return Markup(' class="{}"').format(" ".join(names)) if names else Markup("")


@dataclass(frozen=True)
class Line:
    """A table's row; published ones are shaded from end to end."""

    cells: list[Cell]
    published: bool = False


@dataclass(frozen=True)
class Table:
    """Column titles and lines."""

    titles: list[Cell]
    lines: list[Line]


def read_tsv(path: str | Path) -> list[Row]:
    """Rows of a table by column name, all text."""
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def is_number(text: str) -> bool:
    """Whether a cell is set flush right: a number, perhaps with thousands marked or a k behind."""
    return bool(re.fullmatch(r"[-+−]?[\d,]*\.?\d+(e[-+]?\d+)?k?", text))


def page_table(path: Path, wide: dict[str, list[str]] | None, most: int | None = None) -> Table:
    """A TSV as people see it: turned if `wide` says so, else at most `most` of its lines."""
    rows = read_tsv(path)
    return wide_table(rows, wide["rows"], wide["columns"]) if wide else plain_table(spread(rows, most) if most else rows)


def linked(table: Table, cards: set[str]) -> Table:
    """The table with the names of datasets, blends and adapters leading to their cards, as far as the page has them."""
    kinds = {title.text: f"{title.text}s" for title in table.titles if title.text in ("dataset", "blend", "adapter")}
    lines = [
        Line(
            [
                replace(cell, link=target) if (target := card_id(kinds.get(title.text, ""), cell.text)) in cards else cell
                for title, cell in zip(table.titles, line.cells, strict=True)
            ],
            line.published,
        )
        for line in table.lines
    ]
    return Table(table.titles, lines)


def shown(text: str, column: str = "", *, published: bool = False) -> str:
    """A table's text as the page shows it: own fractions with three digits, published ones with their source's, thousands marked."""
    text = text.replace(" ⏎ ", "\n")
    if not published and (re.fullmatch(r"-?\d+\.\d{6}", text) or (column in DIFFERENCES and re.fullmatch(r"-?[\d.]+(e-\d+)?", text))):
        text = f"{float(text):+.3f}" if column in SIGNED else f"{float(text):.3f}"
    elif re.fullmatch(r"\d{4,}", text):
        text = f"{int(text):,}"
    if is_number(text):
        return text.replace("-", "−", 1) if text.startswith("-") else text
    return label(text) if column in LABELLED else text


def interval_of(row: Row, column: str) -> str:
    """`[low, high]` of a column that has one in this row, else nothing. Of x and x_score, the score has it."""
    stem = re.sub(r"_?(score|difference)$", "", column)
    low, high = (row.get(f"{stem}_{end}" if stem else end) for end in ("low", "high"))
    return (
        f"[{shown(low, 'low')}, {shown(high, 'high')}]"
        if low and high and f"{column}_score" not in row and row.get("origin") != "published"
        else ""
    )


def plain_table(rows: list[Row]) -> Table:
    """A table as it is, except that low and high become a line below their score."""
    if not rows:
        return Table([Cell("nothing of the kind in this run")], [])
    columns = [c for c in rows[0] if not re.search(r"(^|_)(low|high)$", c) and any(row[c] for row in rows)]
    numbers = {column: all(is_number(row[column]) for row in rows if row[column]) for column in columns}
    lines = []
    for row in rows:
        published = row.get("origin") == "published"
        cells = [Cell(shown(row[c], c, published=published), interval_of(row, c), numbers[c]) for c in columns]
        lines.append(Line(cells, published))
    return Table([Cell(title_of(column), "", numbers[column]) for column in columns], lines)


def spread(rows: list[Row], most: int) -> list[Row]:
    """At most `most` of the rows, evenly spaced, first and last among them."""
    if len(rows) <= most:
        return rows
    return [rows[round(place * (len(rows) - 1) / (most - 1))] for place in range(most)]


def wide_table(rows: list[Row], row_keys: list[str], column_keys: list[str]) -> Table:
    """A line per value of `row_keys`, a column per value of `column_keys`; where they meet the score, its interval, the trivial score."""
    heads = list(dict.fromkeys(tuple(row[k] for k in row_keys) for row in rows))
    columns = list(dict.fromkeys(tuple(row[k] for k in column_keys) for row in rows))
    places = {(tuple(row[k] for k in row_keys), tuple(row[k] for k in column_keys)): row for row in rows}
    lines = []
    for head in heads:
        found = [places.get((head, column)) for column in columns]
        published = all(row is None or row.get("origin") == "published" for row in found)
        heading = [Cell(shown(text, key)) for text, key in zip(head, row_keys, strict=True)]
        lines.append(Line([*heading, *(_score_cell(row) for row in found)], published))
    named = [" · ".join(shown(text, key) for text, key in zip(column, column_keys, strict=True)) for column in columns]
    return Table([*(Cell(title_of(key)) for key in row_keys), *(Cell(name, "", True) for name in named)], lines)


def _score_cell(row: Row | None) -> Cell:
    column = "gain" if row and "gain" in row else "score"
    if row is None or not row[column]:
        return Cell("", "", True)
    published = row.get("origin") == "published"
    trivial = row.get("trivial")
    small = [interval_of(row, column), f"trivial {shown(trivial)}" if trivial else ""]
    return Cell(shown(row[column], column, published=published), " · ".join(part for part in small if part), True, published)


def title_of(column: str) -> str:
    """A column's title in words."""
    return WORDS.get(column, column.replace("_", " "))


def caption_html(path: Path, config: dict[str, Any]) -> Markup:
    """A caption's paragraphs. It is the same template that Snakemake's report renders, so the config is `snakemake.config`."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)
    try:
        text = environment.from_string(path.read_text(encoding="utf-8")).render(snakemake=SimpleNamespace(config=config))
    except jinja2.TemplateError as error:
        raise BadInput(f"{path}: {error}; the caption and the run's config do not fit") from None
    paragraphs = [html.escape(" ".join(p.split()), quote=False) for p in re.split(r"\n\s*\n", text) if p.strip()]
    return Markup(re.sub(r"``(.+?)``", r"<code>\1</code>", "".join(f"<p>{p}</p>\n" for p in paragraphs)))


def embedded_picture(path: Path, alt: str) -> dict[str, Any]:
    """A PNG as a data address, with its size in CSS pixels (half its own: pictures are drawn for twice the density)."""
    data = path.read_bytes()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise BadInput(f"{path}: not a PNG file; delete it and draw it again")
    width, height = struct.unpack(">II", data[16:24])
    return {"address": f"data:image/png;base64,{base64.b64encode(data).decode()}", "width": width // 2, "height": height // 2, "alt": alt}
