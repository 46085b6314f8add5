"""Big CSV files, one row at a time, with quoted fields that run over several lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from shopbench.files import BadInput

# An unclosed quote swallows the rows after it: no field of the sources comes near this many characters.
FIELD_CHARACTERS = 1_000_000


def csv_rows(path: str | Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str] | None]]:
    """Yield (row number, the named columns of the row), with None for a row of another length than the header's; row 1 is the header.

    A missing file or column, bytes that are not UTF-8, or a quote that never closes is a BadInput that names it.
    """
    csv.field_size_limit(FIELD_CHARACTERS)
    number = 1
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = next(reader, [])
            for column in columns:
                if column not in header:
                    raise BadInput(f"{path}: no column '{column}'; it has {', '.join(header)}")
            places = [(column, header.index(column)) for column in columns]
            for number, cells in enumerate(reader, start=2):
                yield number, {column: cells[place] for column, place in places} if len(cells) == len(header) else None
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}, after row {number}: not UTF-8 ({error.reason}); fetch it again") from None
    except csv.Error as error:
        raise BadInput(f"{path}, row {number + 1}: {error}; the file is broken or cut short, fetch it again") from None
