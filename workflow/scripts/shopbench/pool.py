"""The fixed pool of a source: the rows with the lowest hashes, and a tally of all rows that were read.

A bottom-k of a hash is the same whatever the order or the pieces in which the rows come, and needs memory for the pool alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shopbench.files import BadInput, progress
from shopbench.hashing import hash64

PROGRESS_ROWS = 500_000


class Pool:
    """Whole groups of rows with the lowest hashes of their keys, until there are at least `size` rows (all rows, if there are fewer)."""

    def __init__(self, source: str, size: int) -> None:
        self.source = source
        self.size = size
        self._groups: dict[tuple[int, str], list[Any]] = {}
        self._rows = 0
        self._highest: tuple[int, str] | None = None

    def offer(self, key: str, row: Any) -> None:
        """Consider one row of the group `key`."""
        place = (hash64("pool", self.source, key), key)
        if self._highest is not None and place > self._highest:
            return
        self._groups.setdefault(place, []).append(row)
        self._rows += 1
        if self._rows > 1.5 * self.size + 1_000:
            self._prune()

    def rows(self) -> Iterator[Any]:
        """The pool's rows: groups by hash, rows of a group in the order of their coming."""
        self._prune()
        for place in sorted(self._groups):
            yield from self._groups[place]

    def _prune(self) -> None:
        kept: dict[tuple[int, str], list[Any]] = {}
        self._rows = 0
        for place in sorted(self._groups):
            if self._rows >= self.size:
                break
            kept[place] = self._groups[place]
            self._rows += len(kept[place])
            self._highest = place
        if self._rows < self.size:
            self._highest = None
        self._groups = kept


class Tally:
    """Rows of one raw file: how many were read, and how many were broken for which reason."""

    def __init__(self, file: str | Path, broken_share: float) -> None:
        self.file = Path(file)
        self.broken_share = broken_share
        self.read = 0
        self.broken: Counter[str] = Counter()
        self._first = ""

    def row(self) -> None:
        """Count a row that was read."""
        self.read += 1
        if self.read % PROGRESS_ROWS == 0:
            progress(f"{self.file}: {self.read:,} rows, {self.broken.total():,} broken")

    def bad(self, reason: str, row: int | str) -> None:
        """Count a row (already counted by `row`) as broken; `row` says which, for the error message."""
        self.broken[reason] += 1
        self._first = self._first or f"row {row} ({reason})"

    def close(self) -> None:
        """Raise BadInput if the file has no rows or more broken ones than the share that config allows."""
        if not self.read:
            raise BadInput(f"{self.file}: no rows; fetch the file again")
        if self.broken.total() > self.broken_share * self.read:
            raise BadInput(
                f"{self.file}: {self.broken.total():,} of {self.read:,} rows are broken, the first is {self._first};"
                f" fetch the file again, or raise sources.broken_share ({self.broken_share})"
            )
        progress(f"{self.file}: {self.read:,} rows, {self.broken.total():,} broken")


def table_facts(tallies: list[Tally], rows_kept: int, **skipped: int) -> dict[str, Any]:
    """What a table's metadata says of the raw files it was made from. `skipped` rows are sound, but not needed."""
    broken: Counter[str] = Counter()
    for tally in tallies:
        broken += tally.broken
    return {
        "rows_read": sum(tally.read for tally in tallies),
        "rows_kept": rows_kept,
        "broken": dict(sorted(broken.items())),
        "skipped": skipped,
        "files": [tally.file.name for tally in tallies],
    }
