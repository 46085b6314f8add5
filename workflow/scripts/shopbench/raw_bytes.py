"""Raw files opened for reading, whether they lie there plain or gzipped (told by their first bytes, as names may lie)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from shopbench.files import BadInput

GZIP_MAGIC = b"\x1f\x8b"


@contextmanager
def open_raw(path: str | Path) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked. A missing file, or a gzip file that is cut short or damaged, is a BadInput that names it."""
    try:
        with Path(path).open("rb") as stream:
            packed = stream.read(2) == GZIP_MAGIC
            stream.seek(0)
            yield cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if packed else stream
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(f"{path}: the gzip file is cut short or damaged ({error}); fetch it again") from None
