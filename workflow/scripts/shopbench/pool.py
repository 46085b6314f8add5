"""The fixed pool of a source: the rows with the lowest hashes, and a tally of all rows that were read.

A bottom-k of a hash is the same whatever the order or the pieces in which the rows come, and needs memory for the pool alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from shopbench.files import BadInput, progress
from shopbench.hash_columns import hash_columns

PROGRESS_ROWS = 1_000_000
PLACE = "place in the pool"
HIGHEST = 2**64 - 1


def pool_limit(groups: pl.DataFrame, size: int) -> int:
    """The highest place in the pool, given the groups' places (PLACE) and rows ("len"): that of the group which makes `size` rows full."""
    ordered = groups.sort(PLACE)
    beyond = ordered.filter(ordered["len"].cum_sum() >= size)
    return HIGHEST if beyond.is_empty() else beyond[PLACE][0]


def pooled_groups(groups: pl.DataFrame, key: str, source: str, size: int) -> pl.Series:
    """The pool's keys, for a file whose groups (columns `key` and "len", the rows of each) can be counted before its rows are read."""
    placed = groups.with_columns(pl.Series(PLACE, hash_columns([groups[key]], "pool", source)))
    return placed.filter(pl.col(PLACE) <= pool_limit(placed, size))[key]


class Pool:
    """Whole groups of rows with the lowest hashes of their keys, until there are at least `size` rows (all rows, if there are fewer)."""

    def __init__(self, source: str, size: int) -> None:
        self.source = source
        self.size = size
        self._kept: list[pl.DataFrame] = []
        self._count = 0
        self._highest = np.uint64(HIGHEST)

    def may_hold(self, keys: Sequence[str] | Sequence[int]) -> list[bool]:
        """Whether a row with this key can still enter the pool, for each key: spares the making of rows that `offer` would drop."""
        return (hash_columns([pl.Series(keys)], "pool", self.source) <= self._highest).tolist() if keys else []

    def offer(self, rows: pl.DataFrame, key: str) -> None:
        """Consider rows; those that agree in the column `key` (text or integer) are one group."""
        places = hash_columns([rows[key]], "pool", self.source)
        wanted = pl.Series(places <= self._highest)
        self._kept.append(compact(rows.with_columns(pl.Series(PLACE, places)).filter(wanted)))
        self._count += self._kept[-1].height
        if self._count > 1.5 * self.size + 100:
            self._prune()

    def rows(self) -> pl.DataFrame:
        """The pool, in the order of its coming; an empty frame without columns if nothing was offered."""
        self._prune()
        return self._kept[0].drop(PLACE) if self._kept else pl.DataFrame()

    def _prune(self) -> None:
        if not self._kept:
            return
        rows = pl.concat(self._kept)
        self._highest = np.uint64(pool_limit(rows.group_by(PLACE).len(), self.size))
        rows = compact(rows.filter(pl.col(PLACE) <= pl.lit(self._highest)))
        self._kept, self._count = [rows], rows.height


def first_reason(reasons: Mapping[str, pl.Expr]) -> pl.Expr:
    """The name of the first reason that holds for a row, null for a sound one."""
    return pl.coalesce(*(pl.when(holds).then(pl.lit(reason)) for reason, holds in reasons.items()))


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
        """The rows (already counted) for which no reason holds, without their column "row" (the row's number in the file). The others are
        counted by the first reason that does."""
        judged = rows.select("row", first_reason(reasons).alias("why"))
        sound = judged["why"].is_null()
        self._count_broken(judged.filter(~sound).lazy())
        return rows.drop("row").filter(sound)

    def judge(self, rows: pl.LazyFrame, reasons: Mapping[str, pl.Expr]) -> None:
        """Count all rows of a file that is looked at as a whole, the broken ones by their first reason."""
        numbered = rows.with_row_index("row", offset=1).select("row", first_reason(reasons).alias("why"))
        self.count(rows.select(pl.len()).collect().item())
        self._count_broken(numbered.filter(pl.col("why").is_not_null()))

    def _count_broken(self, judged: pl.LazyFrame) -> None:
        counts = judged.group_by("why").agg(pl.len(), pl.col("row").min())
        for reason, count, first in counts.collect(engine="streaming").iter_rows():
            self.bad(reason, first, count)

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
