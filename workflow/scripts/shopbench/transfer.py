"""Fetch large files over HTTPS so that a broken line costs the missing bytes only, and check what arrived.

Standard library alone. Servers need to know ranges (RFC 9110, section 14) for a transfer to continue; without them it starts over.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path

from shopbench.files import BadInput, progress, sha256_of

PIECE_BYTES = 1 << 20
PROGRESS_SECONDS = 10.0
# A server that sends nothing for this long is given up, and asked again.
STALL_SECONDS = 60.0
# Answers that another attempt will not change.
FINAL_STATUS = (400, 401, 403, 404, 410)


class Interrupted(Exception):
    """The transfer ended before the last byte; another attempt can go on from there."""


def fetch(address: str, part: Path, attempts: int, wait_seconds: float) -> None:
    """Download `address` into `part`, going on from the bytes that are there already.

    Waits `wait_seconds`, then twice as long, and so on, between attempts. `part` stays after a failure, for the next run. Raises BadInput
    when the server refuses or all attempts are used up.
    """
    for attempt in range(1, attempts + 1):
        try:
            return _continue(address, part)
        except urllib.error.HTTPError as error:
            if error.code in FINAL_STATUS:
                raise BadInput(f"{address}: the server answers {error.code} {error.reason}; see config/sources.tsv") from None
            reason = f"{error.code} {error.reason}"
        except (OSError, http.client.HTTPException, Interrupted) as error:
            reason = str(error) or type(error).__name__
        progress(f"attempt {attempt} of {attempts} ended early ({reason}); {_size(part):,} bytes so far")
        if attempt < attempts:
            time.sleep(wait_seconds * 2 ** (attempt - 1))
    raise BadInput(f"{address}: {attempts} attempts ended early, the last with: {reason}. Run again: it goes on at byte {_size(part):,}")


def _continue(address: str, part: Path) -> None:
    """One attempt: ask for the bytes after those in `part` and append them."""
    have = _size(part)
    request = urllib.request.Request(address, headers={"User-Agent": "shopbench", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=STALL_SECONDS)
    except urllib.error.HTTPError as error:
        # "Range not satisfiable": all bytes are here, unless they are of another file; the check that follows tells.
        if error.code == 416 and error.headers.get("Content-Range") == f"bytes */{have}":
            return
        if error.code == 416:
            part.unlink()
            raise Interrupted("the server's file is shorter than ours: starting over") from None
        raise
    with response:
        continues = response.status == 206
        length = response.headers.get("Content-Length")
        total = None if length is None else int(length) + (have if continues else 0)
        _append(response, part, have if continues else 0, total)


def _append(response: http.client.HTTPResponse, part: Path, have: int, total: int | None) -> None:
    """Write the response after the first `have` bytes of `part`; raises Interrupted if fewer than `total` bytes come."""
    told = time.monotonic()
    with part.open("ab" if have else "wb") as stream:
        while piece := response.read(PIECE_BYTES):
            stream.write(piece)
            have += len(piece)
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                progress(f"{have:,} bytes" + (f" of {total:,}" if total else ""))
    if total is not None and have < total:
        raise Interrupted(f"{have:,} of {total:,} bytes came")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def check_file(path: Path, origin: str, size: int | None, sha256: str | None) -> None:
    """Raise BadInput, naming `origin`, unless the file has this size in bytes and this SHA-256; None means unknown."""
    found_size = path.stat().st_size
    if size is not None and found_size != size:
        raise BadInput(f"{origin}: {found_size:,} bytes, but config/sources.tsv says {size:,}; it is cut off or another version")
    if sha256 is not None and (found := sha256_of(path)) != sha256:
        raise BadInput(f"{origin}: its sha256 is {found}, but config/sources.tsv says {sha256}; it is damaged or another version")
