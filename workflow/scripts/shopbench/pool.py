"""The fixed pool of a source: the rows with the lowest hashes, and a tally of all rows that were read.

A bottom-k of a hash is the same whatever the order or the pieces in which the rows come, and needs memory for the pool alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from shopbench.files import BadInput, progress
from shopbench.hash_columns import hash_columns

PROGRESS_ROWS = 1_000_000
PLACE = "place in the pool"


class Pool:
    """Whole groups of rows with the lowest hashes of their keys, until there are at least `size` rows (all rows, if there are fewer)."""

    def __init__(self, source: str, size: int) -> None:
        self.source = source
        self.size = size
        self._kept: list[pl.DataFrame] = []
        self._count = 0
        self._highest = np.uint64(2**64 - 1)

    def offer(self, rows: pl.DataFrame, key: str) -> None:
        """Consider rows; those that agree in the column `key` (text or integer) are one group."""
        places = hash_columns([rows[key]], "pool", self.source)
        wanted = pl.Series(places <= self._highest)
        self._kept.append(compact(rows.with_columns(pl.Series(PLACE, places)).filter(wanted)))
        self._count += self._kept[-1].height
        if self._count > 1.5 * self.size + 10_000:
            self._prune()

    def rows(self) -> pl.DataFrame:
        """The pool, in the order of its coming; an empty frame without columns if nothing was offered."""
        self._prune()
        return self._kept[0].drop(PLACE) if self._kept else pl.DataFrame()

    def _prune(self) -> None:
        if not self._kept:
            return
        rows = pl.concat(self._kept)
        groups = rows.group_by(PLACE).len().sort(PLACE)
        beyond = groups.filter(groups["len"].cum_sum() >= self.size)
        if not beyond.is_empty():
            self._highest = np.uint64(beyond[PLACE][0])
            rows = compact(rows.filter(pl.col(PLACE) <= beyond[PLACE][0]))
        self._kept, self._count = [rows], rows.height


def compact(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows in memory of their own: rows chosen from a polars frame keep the texts of all its rows alive."""
    return pl.DataFrame(pl.from_arrow(rows.to_arrow(compat_level=pl.CompatLevel.oldest())))


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

    def sound(self, rows: pl.DataFrame, reasons: Mapping[str, pl.Expr]) -> pl.DataFrame:
        """The rows for which no reason holds, without their column "row" (the row's number in the file). The others are counted by the
        first reason that does."""
        judged = rows.with_columns(pl.coalesce(*(pl.when(holds).then(pl.lit(reason)) for reason, holds in reasons.items())).alias("why"))
        for why, count, first in judged.filter(pl.col("why").is_not_null()).group_by("why").agg(pl.len(), pl.col("row").min()).iter_rows():
            self.bad(why, first, count)
        return judged.filter(pl.col("why").is_null()).drop("why", "row")

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
