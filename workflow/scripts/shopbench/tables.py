"""Parquet tables of this project: read with errors in one line, written the same byte for byte, with facts in their metadata."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from shopbench.files import FACTS_KEY, BadInput, whole_file


def table_name(path: str | Path) -> str:
    """The table that a file holds, or a part of: "reviews" for tables/reviews.Gift_Cards.parquet."""
    return Path(path).name.split(".")[0]


def read_table(path: str | Path, columns: Sequence[str]) -> pl.DataFrame:
    """The named columns of a Parquet file. A missing or truncated file or a missing column is a BadInput that names it."""
    return scan_table(path, columns).collect()


def scan_table(path: str | Path, columns: Sequence[str]) -> pl.LazyFrame:
    """`read_table`, lazily. Decoding errors deeper in the file surface on collection, as polars errors."""
    try:
        present = pl.read_parquet_schema(path)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except pl.exceptions.PolarsError as error:
        raise BadInput(f"{path}: not a whole Parquet file ({error}); delete it and fetch it again") from None
    for column in columns:
        if column not in present:
            raise BadInput(f"{path}: no column '{column}'; it has {', '.join(present)}")
    return pl.scan_parquet(path).select(columns)


def write_table(path: str | Path, frame: pl.DataFrame, facts: dict[str, Any]) -> None:
    """Write a frame whole or not at all; `facts` (JSON-able) lie in its metadata under the key "shopbench".

    Row groups are fixed in size and the frame is one chunk, so equal frames give equal bytes whatever threads made them.
    """
    with whole_file(path) as partial:
        frame.rechunk().write_parquet(
            partial,
            compression="zstd",
            compression_level=3,
            row_group_size=20_000,
            metadata={FACTS_KEY: json.dumps(facts, ensure_ascii=False, sort_keys=True)},
        )


def facts_of(path: str | Path) -> dict[str, Any]:
    """What `write_table` was told about the file."""
    return json.loads(pl.read_parquet_metadata(path)[FACTS_KEY])
