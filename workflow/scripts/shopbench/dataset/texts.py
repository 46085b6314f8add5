"""Small helpers on texts that are already plain (the tables' are)."""

from __future__ import annotations

import re

from shopbench.hashing import hash64

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


def shorten(text: str, characters: int) -> str:
    """At most so many characters, cut after a word where there is one in the last third."""
    if len(text) <= characters:
        return text
    cut = text[: characters + 1]
    space = max(cut.rfind(" "), cut.rfind("\n"))
    return cut[: space if space > 2 * characters // 3 else characters].rstrip()


def sentences(text: str) -> list[str]:
    """Sentences with their closing marks."""
    return [sentence.strip() for sentence in _SENTENCE_END.split(text) if sentence.strip()]


def words(text: str) -> list[str]:
    """Words and numbers in lower case, in order."""
    return re.findall(r"\w+", text.casefold())


def text_key(text: str) -> str:
    """Short stable name of a text, whatever its case and spaces: the key of what has no id of its own."""
    return f"{hash64('text', ' '.join(text.casefold().split())):016x}"
