"""One module per source: each writes that source's files, in its exact upstream schema, from the simulated shop of `shopbench.world`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import TypeVar

from shopbench.files import progress
from shopbench.hashing import hash64

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


def unseen(make: Callable[[int], Row], text_of: Callable[[Row], str], seen: set[int]) -> Row:
    """The first of make(0), make(1), ... whose text is not in `seen` yet, and then is; hashes alone are kept, so 100,000 texts take few MB.

    `make` must never run out of new texts.
    """
    for attempt in count():
        row = make(attempt)
        name = hash64(text_of(row))
        if name not in seen:
            seen.add(name)
            return row
    raise AssertionError("counting never ends")
