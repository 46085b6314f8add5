"""A page with a part that a program writes, between two marks."""

from __future__ import annotations

from pathlib import Path

from shopbench.files import BadInput, whole_text


def write_marked_part(page: Path, name: str, part: str) -> None:
    """Put `part` between the lines <!-- name: begin --> and <!-- name: end -->; BadInput unless the page has each of them once."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = page.read_text(encoding="utf-8")
    if any(text.count(mark) != 1 for mark in (begin, end)):
        raise BadInput(f"{page}: needs each of the lines {begin} and {end} once")
    before, rest = text.split(begin)
    with whole_text(page) as stream:
        stream.write(f"{before}{begin}\n{part}{end}{rest.split(end)[1]}")
