"""Text as the sources have it (HTML, entities, odd spaces, control characters) made plain."""

from __future__ import annotations

import html
import re
import unicodedata

_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_LINE_BREAK = re.compile(r"<\s*(?:br|/p|/li|/div)\s*/?\s*>", re.IGNORECASE)


def plain_text(text: object) -> str:
    """One line without tags, entities (doubly escaped ones too) read, control characters and runs of spaces to one space; "" for no str."""
    if isinstance(text, str) and _is_plain(text):
        return text.strip() if "  " not in text else " ".join(text.split())
    return " ".join(plain_lines(text))


def plain_lines(text: object) -> list[str]:
    """`plain_text` line by line, without empty lines; <br> and the ends of paragraphs and list items also end a line."""
    if not isinstance(text, str):
        return []
    if _is_plain(text):
        line = text if "  " not in text else " ".join(text.split())
        return [line.strip()] if line.strip() else []
    text = _LINE_BREAK.sub("\n", html.unescape(html.unescape(text)))
    text = _TAG.sub(" ", text)
    return [line for line in map(_visible, text.splitlines()) if line]


def _is_plain(text: str) -> bool:
    """Whether nothing but spaces may change in a text; quick to tell of most."""
    return text.isascii() and text.isprintable() and "<" not in text and "&" not in text


def _visible(line: str) -> str:
    """Composed Unicode (NFC); control and format characters (zero-width spaces, direction marks, ...) and runs of spaces as one space."""
    line = " ".join(unicodedata.normalize("NFC", line).split())
    if line.isprintable():
        return line
    return " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs") else c for c in line).split())
