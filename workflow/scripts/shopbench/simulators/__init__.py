"""One module per source: each writes that source's files, in its exact upstream schema, from the simulated shop of `shopbench.world`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from shopbench.files import progress

Row = TypeVar("Row")
PROGRESS_SECONDS = 10.0


def counted(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, with a line on how many there were every ten seconds."""
    told = time.monotonic()
    for number, row in enumerate(rows, start=1):
        yield row
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            progress(f"{number:,} rows")
