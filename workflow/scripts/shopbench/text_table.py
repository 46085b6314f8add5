"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

WIDEST = 48


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned to the left, two spaces between them, a line under the names. Long cells are cut, but for the last column's."""
    rows = [[*(cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 3]}..." for cell in row[:-1]), row[-1]] for row in rows]
    widths = [max(len(line[i]) for line in [columns, *rows]) for i in range(len(columns))]
    lines = [columns, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
