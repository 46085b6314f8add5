"""Text as the sources have it (HTML, entities, odd spaces, control characters) made plain."""

from __future__ import annotations

import html
import re
import unicodedata

_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_LINE_BREAK = re.compile(r"<\s*(?:br|/p|/li|/div)\s*/?\s*>", re.IGNORECASE)


def plain_text(text: object) -> str:
    """One line without tags, entities (doubly escaped ones too) read, control characters and runs of spaces to one space; "" for no str."""
    return " ".join(plain_lines(text))


def plain_lines(text: object) -> list[str]:
    """`plain_text` line by line, without empty lines; <br> and the ends of paragraphs and list items also end a line."""
    if not isinstance(text, str):
        return []
    text = _LINE_BREAK.sub("\n", html.unescape(html.unescape(text)))
    text = _TAG.sub(" ", text)
    lines = (" ".join(_visible(line).split()) for line in text.splitlines())
    return [line for line in lines if line]


def _visible(line: str) -> str:
    """Composed Unicode (NFC), with control and format characters (zero-width spaces, direction marks, ...) as spaces."""
    line = unicodedata.normalize("NFC", line)
    if line.isascii() and line.isprintable():
        return line
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs") else c for c in line)
