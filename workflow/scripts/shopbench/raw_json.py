"""JSON files of any size in pieces: JSON lines, and one big array. Only the named fields are decoded, into msgspec structs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import compress
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pyarrow as pa

from shopbench.files import BadInput
from shopbench.pool import Tally
from shopbench.raw_bytes import open_raw

Record = TypeVar("Record", bound=msgspec.Struct)
PIECE_BYTES = 1 << 20
# Lines to decode in one call, which is faster; one by one if any of them is broken.
TOGETHER = 32
# No item of the sources comes near this length: beyond it, a broken item is not waited for any longer.
ITEM_BYTES = 1 << 25
# Places to try a cut at, from the end of a piece: the last one is nearly always right.
CUTS = 20
NOT_JSON = "not a JSON object"
_SPACE = b" \t\r\n"
# Where an array of objects may be cut. A quote inside a text has a backslash before it, so this cannot be there but by `},{` at its end.
_BETWEEN_ITEMS = re.compile(rb'\}\s*,\s*(?=\{\s*")')


def line_pieces(
    path: str | Path,
    record: type[Record],
    schema: pa.Schema,
    tally: Tally,
    wanted: Callable[[list[Record]], Iterable[bool]],
) -> Iterator[pa.RecordBatch]:
    """Yield the wanted rows of a JSON lines file, piece by piece: the fields of `record`, named and typed as in `schema`, in its order.

    All lines but empty ones are counted in the tally, those that do not fit the record as broken; `wanted` says of the others which to
    make columns of, which costs more than decoding them. A broken last line without a newline is a file cut short: BadInput.
    """
    decoder = msgspec.json.Decoder(record)
    with open_raw(path) as stream:
        number = 0
        while lines := stream.readlines(PIECE_BYTES):
            rows: list[Record] = []
            broken = 0
            for start in range(0, len(lines), TOGETHER):
                some = lines[start : start + TOGETHER]
                try:
                    together = decoder.decode_lines(b"".join(some))
                except (msgspec.DecodeError, UnicodeDecodeError):
                    together = []
                if len(together) == len(some):
                    rows += together
                    continue
                for place, line in enumerate(some, start=number + start + 1):
                    try:
                        rows.append(decoder.decode(line))
                    except (msgspec.DecodeError, UnicodeDecodeError) as error:
                        if not line.strip():
                            continue
                        if not line.endswith(b"\n"):
                            raise BadInput(f"{path}, line {place}: the file is cut short; fetch it again") from None
                        broken += 1
                        tally.bad(reason_of(error), place)
            number += len(lines)
            tally.count(len(rows) + broken)
            yield _batch(list(compress(rows, wanted(rows))), record, schema)


def _batch(rows: list[Any], record: type[msgspec.Struct], schema: pa.Schema) -> pa.RecordBatch:
    fields = zip(record.__struct_fields__, schema, strict=True)
    return pa.record_batch([pa.array(list(map(attrgetter(name), rows)), field.type) for name, field in fields], schema=schema)


def reason_of(error: Exception) -> str:
    """Why a record does not fit: what its decoder says of a field, else NOT_JSON."""
    return str(error) if isinstance(error, msgspec.ValidationError) and " - at `$." in str(error) else NOT_JSON


def array_items(path: str | Path, record: type[Record], tally: Tally) -> Iterator[tuple[int, Record]]:
    """Yield (item number from 1, item) of a JSON array of objects, holding a piece of the file at a time.

    All items are counted in the tally, those that do not fit the record as broken. A file that is no array, is cut short or is no JSON
    inside is a BadInput that names the item.
    """
    decode = msgspec.json.Decoder(record).decode
    for items in _array_pieces(path, msgspec.json.Decoder(list[msgspec.Raw])):
        before = tally.read
        tally.count(len(items))
        for number, item in enumerate(items, start=before + 1):
            try:
                yield number, decode(item)
            except msgspec.DecodeError as error:
                tally.bad(reason_of(error), number)


def _array_pieces(path: str | Path, decoder: msgspec.json.Decoder[list[msgspec.Raw]]) -> Iterator[list[msgspec.Raw]]:
    number = 0
    with open_raw(path) as stream:
        text = stream.read(PIECE_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip(_SPACE)
        if not text.startswith(b"["):
            raise BadInput(f"{path}: not a JSON array")
        text = text[1:]
        while True:
            piece = stream.read(PIECE_BYTES)
            if not piece:
                break
            text += piece
            for cut in reversed(list(_BETWEEN_ITEMS.finditer(text))[-CUTS:]):
                try:
                    items = decoder.decode(b"[" + text[: cut.start() + 1] + b"]")
                except msgspec.DecodeError:
                    continue
                number += len(items)
                yield items
                text = text[cut.end() :]
                break
            if len(text) > ITEM_BYTES:
                raise BadInput(f"{path}, item {number + 1}: broken or cut short; fetch the file again")
        try:
            yield decoder.decode(b"[" + text)
        except msgspec.DecodeError:
            raise BadInput(f"{path}, item {number + _whole_items(text) + 1}: broken or cut short; fetch the file again") from None


def _whole_items(text: bytes) -> int:
    """Items at the beginning of an array that is broken later."""
    decoder, readable, start, count = json.JSONDecoder(), text.decode(errors="replace"), 0, 0
    while True:
        while start < len(readable) and readable[start] in " \t\r\n,":
            start += 1
        try:
            _, start = decoder.raw_decode(readable, start)
        except ValueError:
            return count
        count += 1
