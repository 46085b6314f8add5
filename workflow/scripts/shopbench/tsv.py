"""The tables of config/ as rows: tab-separated, with a header that has to be the expected one. Standard library alone."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from shopbench.files import BadInput


def read_rows(path: str | Path, columns: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield ("<file>, row <number>", cells by column) for every line below the header, which is row 1.

    Raises BadInput for a missing file, another header, and a row with another number of cells.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as stream:
            lines = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    if not lines or lines[0] != columns:
        raise BadInput(f"{path}, row 1: the columns must be {', '.join(columns)}, tabs between them")
    for number, cells in enumerate(lines[1:], start=2):
        where = f"{path}, row {number}"
        if len(cells) != len(columns):
            raise BadInput(f"{where}: {len(cells)} cells, expected {len(columns)}")
        yield where, dict(zip(columns, cells, strict=True))
