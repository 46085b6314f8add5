"""Big Parquet files in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from shopbench.files import BadInput
from shopbench.pool import Tally
from shopbench.tables import scan_table

PIECE_ROWS = 5_000


def parquet_frames(path: str | Path, columns: Sequence[str], tally: Tally) -> Iterator[pl.DataFrame]:
    """Yield the named columns and "row" (the row's number, from 1), piece by piece; all rows are counted in the tally.

    A missing or truncated file or a missing column is a BadInput that names it.
    """
    scan_table(path, columns)
    try:
        # Read ahead or mapped into memory, a big file would count as this job's memory.
        with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as parquet:
            for batch in parquet.iter_batches(PIECE_ROWS, columns=list(columns), use_threads=False):
                rows = pl.DataFrame(pl.from_arrow(batch)).select(columns).with_row_index("row", offset=tally.read + 1)
                tally.count(rows.height)
                yield rows
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{path}, after row {tally.read}: cannot be read ({error}); fetch it again") from None
