"""The fixed pool of a source: the rows with the lowest hashes, and a tally of all rows that were read.

A bottom-k of a hash is the same whatever the order or the pieces in which the rows come. Rows that may be in it wait on disk; memory holds
their hashes alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from shopbench.files import BadInput, progress
from shopbench.hash_columns import Words, hash_values
from shopbench.table_pieces import Mask, Spill, regrouped

PROGRESS_ROWS = 1_000_000
PIECE_ROWS = 2_000
PLACE = "place in the pool"
HIGHEST = np.uint64(2**64 - 1)


class Pool:
    """Whole groups of rows with the lowest hashes of their keys, until there are at least `size` rows (all rows, if there are fewer)."""

    def __init__(self, source: str, size: int, schema: pa.Schema, folder: str | Path) -> None:
        """`folder`: where rows may wait. Rows have the schema's columns."""
        self.source = source
        self.size = size
        self._schema = schema
        self._spill = Spill(folder, schema.append(pa.field(PLACE, pa.uint64())))
        self._places: list[Words] = []
        self._count = 0
        self._highest = HIGHEST

    def places(self, keys: pa.Array) -> Words:
        """Hashes of keys (integers or texts, none missing)."""
        integers = pa.types.is_integer(keys.type)
        values = keys.cast(pa.int64()).to_numpy() if integers else keys.cast(pa.binary()).to_pylist()
        return hash_values([values], "pool", self.source)

    def may_hold(self, keys: pa.Array) -> Mask:
        """Whether a row with this key can still enter the pool, for each key: spares the making of rows that `offer` would drop."""
        return self.places(keys) <= self._highest

    def offer(self, rows: pa.RecordBatch, key: str, needed: Mask | None = None) -> None:
        """Consider rows; those that agree in the column `key` are one group. Rows that are `needed` are kept beside the pool."""
        places = self.places(rows.column(key))
        wanted = places <= self._highest
        if needed is None:
            self._places.append(places[wanted])
        else:
            self._places.append(places[wanted & ~needed])
            places[needed] = 0
            wanted |= needed
        self._count += len(self._places[-1])
        if wanted.any():
            kept = rows.filter(pa.array(wanted))
            self._spill.add([*kept.select(self._schema.names).columns, pa.array(places[wanted])])
        if self._count > 1.2 * self.size + 100:
            self._prune()

    def pieces(self) -> Iterator[pa.Table]:
        """The pool, in the order of its coming, a piece at a time."""
        self._prune()
        batches = self._spill.batches()
        chosen = (rows.filter(pa.array(rows.column(PLACE).to_numpy() <= self._highest)).drop_columns([PLACE]) for rows in batches)
        yield from regrouped((pa.Table.from_batches([rows]) for rows in chosen), PIECE_ROWS)

    def table(self) -> pa.Table:
        """All of the pool."""
        return pa.concat_tables([self._schema.empty_table(), *self.pieces()])

    def _prune(self) -> None:
        places = np.concatenate([np.empty(0, np.uint64), *self._places])
        groups, rows = np.unique(places, return_counts=True)
        full = int(np.searchsorted(np.cumsum(rows), self.size))
        if full < len(groups):
            self._highest = groups[full]
        self._places = [places[places <= self._highest]]
        self._count = len(self._places[0])


class Tally:
    """Rows of one raw file: how many were read, and how many were broken for which reason."""

    def __init__(self, file: str | Path, broken_share: float) -> None:
        self.file = Path(file)
        self.broken_share = broken_share
        self.read = 0
        self.broken: Counter[str] = Counter()
        self._first: tuple[int, str] | None = None

    def count(self, rows: int) -> None:
        """Count rows that were read, sound and broken ones."""
        if (self.read + rows) // PROGRESS_ROWS > self.read // PROGRESS_ROWS:
            progress(f"{self.file}: {self.read + rows:,} rows, {self.broken.total():,} broken")
        self.read += rows

    def bad(self, reason: str, row: int, rows: int = 1) -> None:
        """Count rows (already counted by `count`) as broken; `row` is the number of the first, for the error message."""
        self.broken[reason] += rows
        self._first = min(self._first or (row, reason), (row, reason))

    def sound(self, numbers: np.ndarray, reasons: Mapping[str, Mask]) -> Mask:
        """Mask of the rows (already counted; `numbers`: their numbers in the file, rising) for which no reason holds. The others are
        counted by the first reason that does."""
        sound = np.ones(len(numbers), dtype=np.bool_)
        for reason, found in reasons.items():
            if (new := sound & found).any():
                self.bad(reason, int(numbers[new.argmax()]), int(new.sum()))
                sound &= ~found
        return sound

    def close(self) -> None:
        """Raise BadInput if the file has no rows or more broken ones than the share that config allows."""
        if not self.read:
            raise BadInput(f"{self.file}: no rows; fetch the file again")
        if self._first and self.broken.total() > self.broken_share * self.read:
            row, reason = self._first
            raise BadInput(
                f"{self.file}: {self.broken.total():,} of {self.read:,} rows are broken, the first is row {row} ({reason});"
                f" fetch the file again, or raise sources.broken_share ({self.broken_share})"
            )
        progress(f"{self.file}: {self.read:,} rows, {self.broken.total():,} broken")

    @property
    def sound_rows(self) -> int:
        return self.read - self.broken.total()


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
