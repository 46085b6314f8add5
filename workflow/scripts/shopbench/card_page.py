"""Cards as HTML: the Markdown that shopbench.cards writes, which knows headings, tables, fenced blocks, lists and paragraphs."""

from __future__ import annotations

import html
import re
from itertools import groupby
from pathlib import Path
from typing import Any

from markupsafe import Markup

# A fenced block: its fence is longer than any run of backticks inside.
FENCED = re.compile(r"^(`{3,})\w*\n(.*?)^\1$", re.M | re.S)


def card_html(markdown: str) -> Markup:
    """A card's sections. The heading of the whole card is left out: the page has it already."""
    parts, place = [], 0
    for block in FENCED.finditer(markdown):
        parts += [*sections(markdown[place : block.start()]), f'<pre tabindex="0">{html.escape(block[2], quote=False)}</pre>']
        place = block.end()
    return Markup("\n".join([*parts, *sections(markdown[place:])]))


def sections(markdown: str) -> list[str]:
    """All that stands outside fenced blocks."""
    found = (html_of(kind, list(lines)) for kind, lines in groupby(markdown.splitlines(), key=kind_of))
    return [part for part in found if part]


def kind_of(line: str) -> str:
    """What a line belongs to."""
    for kind, start in {"table": "|", "list": "- ", "title": "# ", "heading": "## "}.items():
        if line.startswith(start):
            return kind
    return "text" if line.strip() else "nothing"


def html_of(kind: str, lines: list[str]) -> str:
    """Neighbouring lines of one kind."""
    match kind:
        case "table":
            heads, _, *rows = ([inline(cell.strip()) for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])] for line in lines)
            head = "".join(f'<th scope="col">{cell}</th>' for cell in heads)
            body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
            return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'
        case "list":
            return f"<ul>{''.join(f'<li>{inline(line[2:])}</li>' for line in lines)}</ul>"
        case "heading":
            return "\n".join(f"<h4>{inline(line[3:])}</h4>" for line in lines)
        case "text":
            return f"<p>{inline(' '.join(lines))}</p>"
    return ""


def inline(text: str) -> str:
    """Text with code in backticks; a cell writes a bar as \\|."""
    return re.sub(r"`(.+?)`", r"<code>\1</code>", html.escape(text, quote=False).replace("\\|", "|"))


def read_cards(paths: list[Path]) -> dict[str, list[dict[str, Any]]]:
    """Cards by kind (their folder) with name, id and html, datasets first."""
    kinds: dict[str, list[dict[str, Any]]] = {kind: [] for kind in ("datasets", "blends", "adapters")}
    for path in paths:
        kind = path.parent.name
        text = path.read_text(encoding="utf-8")
        kinds.setdefault(kind, []).append({"name": path.stem, "id": card_id(kind, path.stem), "html": card_html(text)})
    return {kind: cards for kind, cards in kinds.items() if cards}


def card_id(kind: str, name: str) -> str:
    """Where a card stands on the page."""
    return f"card-{kind}-{name}"
