"""Big Parquet files in pieces, a page of each column in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shopbench.files import BadInput
from shopbench.pool import Tally

# Rows of a few short columns, and of long texts.
SHORT_ROWS, LONG_ROWS = 20_000, 2_000
PAGE_BYTES = 1 << 16


def parquet_pieces(path: str | Path, schema: pa.Schema, tally: Tally, rows: int) -> Iterator[tuple[pa.RecordBatch, np.ndarray]]:
    """Yield the schema's columns, cast to its types, and the rows' numbers in the file (int64, from 1), piece by piece.

    `rows` is the number of rows in a piece. All of them are counted in the tally. A missing or truncated file, or a missing column, is a
    BadInput that names it.
    """
    try:
        with pq.ParquetFile(path, buffer_size=PAGE_BYTES, pre_buffer=False) as file:
            present = file.schema_arrow.names
            for column in schema.names:
                if column not in present:
                    raise BadInput(f"{path}: no column '{column}'; it has {', '.join(present)}")
            row = 0
            for batch in file.iter_batches(rows, columns=schema.names, use_threads=False):
                tally.count(batch.num_rows)
                yield batch.select(schema.names).cast(schema), np.arange(row + 1, row + 1 + batch.num_rows)
                row += batch.num_rows
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"{path}: not a whole Parquet file ({error}); delete it and fetch it again") from None
