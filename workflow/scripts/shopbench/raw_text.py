"""Text as the sources have it (HTML, entities, odd spaces, control characters) made plain."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Mapping

import polars as pl

_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_LINE_BREAK = re.compile(r"<\s*(?:br|/p|/li|/div)\s*/?\s*>", re.IGNORECASE)


def plain_text(text: object) -> str:
    """One line without tags, entities (doubly escaped ones too) read, control characters and runs of spaces to one space; "" for no str."""
    return " ".join(plain_lines(text))


def plain_lines(text: object) -> list[str]:
    """`plain_text` line by line, without empty lines; <br> and the ends of paragraphs and list items also end a line."""
    if not isinstance(text, str):
        return []
    if text.isascii() and text.isprintable() and "<" not in text and "&" not in text:
        line = text if "  " not in text else " ".join(text.split())
        return [line.strip()] if line.strip() else []
    text = _LINE_BREAK.sub("\n", html.unescape(html.unescape(text)))
    text = _TAG.sub(" ", text)
    return [line for line in map(_visible, text.splitlines()) if line]


# What `plain_text` may change in a text, and `plain_lines`, which leaves line breaks: markup, marks that may compose, invisible characters,
# spaces of other kinds, double or at an end.
_NOT_PLAIN = r"[&<\p{M}\p{C}]|[^\S ]|  |^ | $"
_NOT_PLAIN_LINES = r"[&<\p{M}]|[\p{C}--\n]|[^\S \n]|  | \n|\n |\n\n|^\s|\s$"
# All below U+0300 is composed as it is.
_MAY_COMPOSE = r"[^\x{0}-\x{2ff}]"


def plain_column(texts: pl.Series, longest: int, lines: bool = False) -> pl.Series:
    """`plain_text` of every value (with `lines`, `plain_lines` joined by line breaks), cut to `longest` characters; "" for a missing one.

    The same as one call a value, and faster: most texts are plain as they are.
    """
    texts = texts.fill_null("")
    dirty = texts.str.contains(_NOT_PLAIN_LINES if lines else _NOT_PLAIN)
    composable = texts.filter(foreign := texts.str.contains(_MAY_COMPOSE))
    dirty = dirty.scatter(foreign.arg_true(), dirty.filter(foreign) | (composable.str.normalize("NFC") != composable))
    places = dirty.arg_true()
    cleaned = ["\n".join(plain_lines(text)) if lines else plain_text(text) for text in texts.gather(places)]
    texts = texts.scatter(places, pl.Series(cleaned, dtype=pl.String))
    return texts.str.slice(0, longest).str.strip_chars()


def plain_texts(rows: pl.DataFrame, texts: Mapping[str, tuple[str, int]], lines: Collection[str] = ()) -> dict[str, pl.Series]:
    """`plain_column` of many columns: new names to (old name, longest), those in `lines` line by line. Takes the columns out of `rows`, one
    at a time, so that big texts are not in memory twice."""
    return {
        name: plain_column(rows.drop_in_place(column), longest, lines=name in lines).alias(name)
        for name, (column, longest) in texts.items()
    }


def _visible(line: str) -> str:
    """Composed Unicode (NFC); control and format characters (zero-width spaces, direction marks, ...) and runs of spaces as one space."""
    line = " ".join(unicodedata.normalize("NFC", line).split())
    if line.isprintable():
        return line
    return " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs") else c for c in line).split())
