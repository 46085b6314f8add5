"""JSON files of any size, one row at a time: JSON lines, and one big array."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shopbench.files import BadInput

PIECE_CHARACTERS = 1 << 20
# No item of the sources comes near this length: beyond it, a broken item is not waited for any longer.
ITEM_CHARACTERS = 1 << 24
_SPACE = " \t\r\n"


def json_lines(path: str | Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Yield (line number from 1, object), with None for a line that is no JSON object or no UTF-8; empty lines are passed over.

    A broken last line without a newline is a file cut short: BadInput.
    """
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 (closed by the with below; here only its absence is caught)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    with stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except ValueError:
                if not line.endswith(b"\n"):
                    raise BadInput(f"{path}, line {number}: the file is cut short; fetch it again") from None
                value = None
            yield number, value if isinstance(value, dict) else None


def json_array(path: str | Path) -> Iterator[tuple[int, Any]]:
    """Yield (item number from 1, item) of a JSON array, holding a piece of the file at a time.

    A file that is no array, is cut short or is no JSON inside is a BadInput that names the item.
    """
    items = _ArrayReader(path)
    try:
        with Path(path).open(encoding="utf-8") as stream:
            yield from items.read(stream)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}, after item {items.number}: not UTF-8 ({error.reason}); fetch it again") from None


class _ArrayReader:
    """Text read so far and not yet decoded, and the number of the last item."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self.number = 0
        self._decoder = json.JSONDecoder()

    def read(self, stream: Any) -> Iterator[tuple[int, Any]]:
        text = stream.read(PIECE_CHARACTERS).lstrip(_SPACE + "\ufeff")
        if not text.startswith("["):
            raise BadInput(f"{self.path}: not a JSON array")
        text, closed = text[1:], False
        while not closed:
            start = 0
            while (found := self._next_item(text, start)) is not None:
                item, start, closed = found
                if closed:
                    return
                self.number += 1
                yield self.number, item
            piece = stream.read(PIECE_CHARACTERS)
            if not piece or len(text) - start > ITEM_CHARACTERS:
                raise BadInput(f"{self.path}, item {self.number + 1}: broken or cut short; fetch the file again")
            text = text[start:] + piece

    def _next_item(self, text: str, start: int) -> tuple[Any, int, bool] | None:
        """(item, where it ends, False), or (None, end, True) at the closing bracket, or None if the text ends before that is clear."""
        while start < len(text) and text[start] in _SPACE + ",":
            start += 1
        if text[start : start + 1] == "]":
            return None, start + 1, True
        try:
            item, end = self._decoder.raw_decode(text, start)
        except ValueError:
            return None
        return item, end, False
