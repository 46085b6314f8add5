"""Arrow tables in pieces, for files that are larger than what should be in memory: cut anew, spilled to disk, and written as Parquet."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shopbench.files import FACTS_KEY, whole_file

# Rows to a row group: few where the texts of a group are in memory at a time, many where all of the table is.
FEW_ROWS, MANY_ROWS = 2_000, 20_000
# Rows to make a piece of when they come one at a time.
LIST_ROWS = 500
BUFFER_BYTES = 1 << 18
Mask = np.ndarray[Any, np.dtype[np.bool_]]

# It gives memory back sooner than Arrow's other allocators.
if "jemalloc" in pa.supported_memory_backends():
    pa.set_memory_pool(pa.jemalloc_memory_pool())


def holds(mask: pa.Array) -> Mask:
    """An Arrow array of booleans as a numpy mask; what is missing does not hold."""
    return (mask.fill_null(False) if mask.null_count else mask).to_numpy(zero_copy_only=False)


def regrouped(pieces: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of `rows` rows each (the last may be shorter), each column in one chunk of memory."""
    waiting: list[pa.Table] = []
    count = 0
    for piece in pieces:
        waiting.append(piece)
        count += piece.num_rows
        while count >= rows:
            together = pa.concat_tables(waiting)
            yield together.slice(0, rows).combine_chunks()
            waiting, count = [together.slice(rows)], count - rows
    if count:
        yield pa.concat_tables(waiting).combine_chunks()


def rows_to_tables(rows: Iterable[tuple[Any, ...]], schema: pa.Schema) -> Iterator[pa.Table]:
    """Tables of rows whose values stand in the schema's order."""
    rows = iter(rows)
    while some := list(islice(rows, LIST_ROWS)):
        columns = zip(*some, strict=True)
        yield pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema)


def joined_texts(*columns: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The texts of each row as one, with spaces between: the key of a row. None where any is missing."""
    return pc.binary_join_element_wise(*columns, " ").to_pylist()


def first_of_each(keys: Iterable[Any], seen: set[Any]) -> pa.Array:
    """Mask of the rows whose key is not in `seen`, nor has another row before; `seen` takes the keys up."""
    mask = []
    for key in keys:
        mask.append(key not in seen)
        seen.add(key)
    return pa.array(mask, pa.bool_())


def write_pieces(
    path: str | Path,
    schema: pa.Schema,
    pieces: Iterable[pa.Table],
    facts: Callable[[int], dict[str, Any]],
    *,
    few: Collection[str],
    group_rows: int = FEW_ROWS,
) -> None:
    """Write a Parquet table whole or not at all.

    `facts` makes of the number of rows what lies in the metadata (JSON-able) under FACTS_KEY, once all pieces have come. `few` names the
    columns that have few different values. Equal rows give equal bytes, whatever the pieces.
    """
    count = 0
    # LZ4, as a table is read many times for once that it is written. Statistics are of use where rows are chosen by a column.
    form = {"compression": "lz4", "use_dictionary": list(few), "write_statistics": list(few), "store_schema": False}
    with whole_file(path) as partial, pq.ParquetWriter(partial, schema, **form) as writer:
        for group in regrouped((piece.select(schema.names) for piece in pieces), group_rows):
            writer.write_table(group)
            count += group.num_rows
        writer.add_key_value_metadata({FACTS_KEY: json.dumps(facts(count), ensure_ascii=False, sort_keys=True)})


class Spill:
    """Batches of rows that lie on disk, in a file without a name beside the output: it is gone with the process."""

    def __init__(self, folder: str | Path, schema: pa.Schema) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        self._schema = schema
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (it is open as long as the spill lives)
        self._stream = pa.output_stream(self._file, buffer_size=BUFFER_BYTES)
        self._writer = pa.ipc.new_stream(self._stream, schema)

    def add(self, columns: list[pa.Array]) -> None:
        """Add rows: the schema's columns in its order."""
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All that was added, in its order. Nothing can be added any more."""
        self._writer.close()
        self._stream.flush()
        self._file.seek(0)
        with pa.ipc.open_stream(self._file) as reader:
            yield from reader
