"""Big CSV files in pieces, with quoted fields that run over several lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from shopbench.files import BadInput
from shopbench.pool import Tally
from shopbench.raw_bytes import open_raw

# Small, as Arrow holds several pieces at a time.
PIECE_BYTES = 1 << 18
HEADER_ROW = 1


def csv_pieces(path: str | Path, columns: Sequence[str], tally: Tally) -> Iterator[tuple[pa.RecordBatch, np.ndarray]]:
    """Yield the named columns (str, "" where empty) and the rows' numbers in the file (int64, the header's is 1), piece by piece.

    All rows are counted in the tally, those of another length than the header's as broken. A missing file or column, bytes that are not
    UTF-8, or a quote that never closes is a BadInput that names it.
    """
    broken: list[int] = []

    def wrong_length(row: pc.InvalidRow) -> str:
        broken.append(row.number)
        return "skip"

    last = HEADER_ROW
    with open_raw(path) as stream:
        quotes = _QuoteCounter(stream)
        try:
            reader = pc.open_csv(
                quotes,
                # One thread, as row numbers are unknown with more.
                read_options=pc.ReadOptions(block_size=PIECE_BYTES, use_threads=False),
                parse_options=pc.ParseOptions(newlines_in_values=True, invalid_row_handler=wrong_length),
                convert_options=pc.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()), include_columns=list(columns), strings_can_be_null=False
                ),
            )
            for batch in reader:
                # The broken rows that have been met by now may lie behind this piece: the parser reads ahead.
                numbers = np.arange(last + 1, last + 1 + batch.num_rows + len(broken))
                numbers = numbers[~np.isin(numbers, broken)][: batch.num_rows]
                last = int(numbers[-1]) if batch.num_rows else last
                tally.count(batch.num_rows)
                yield batch, numbers
        except KeyError as error:
            raise BadInput(f"{path}: no such column ({error.args[0]}); fetch the file again") from None
        except pa.ArrowInvalid as error:
            raise BadInput(f"{path}, after row {last}: {error}; the file is broken or cut short, fetch it again") from None
        if quotes.count % 2:
            raise BadInput(f"{path}, row {last}: a quote never closes; the file is broken or cut short, fetch it again")
    tally.count(len(broken))
    for number in broken:
        tally.bad("wrong number of cells", number)


class _QuoteCounter:
    """A stream that counts the quotes it hands out: an odd number in a whole file is a field without an end, which Arrow lets pass."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        piece = self.stream.read(size)
        self.count += piece.count(b'"')
        return piece
