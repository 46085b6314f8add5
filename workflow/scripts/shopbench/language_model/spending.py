"""What requests to an endpoint have cost, and may: a ledger beside the cache that all jobs and runs share.

Before a request is sent, the most that it can cost is reserved; the reply settles it. A reservation that a kill left open stays counted,
since nobody knows whether it was charged: the cap holds even then. A line is appended in one write and then everything is added up, so two
jobs that reserve at once both see both. A line that a full disk cut off is passed over: its request was not sent, or stays counted.
"""

from __future__ import annotations

import errno
import json
import os
import uuid
from pathlib import Path
from threading import Lock

# Tokens that a chat layout adds to a request's text, at most.
LAYOUT_TOKENS = 100
PER = 1_000_000


class CapReached(Exception):
    """The next request could cost more than is left."""


class Ledger:
    """`path` is the ledger's file; `cap` in dollars over all its lines; prices in dollars per million tokens, by prompt and completion."""

    def __init__(self, path: Path, cap: float, prices: dict[str, float]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._cap, self._prices = path, cap, prices
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        size = path.stat().st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")
        # The caller of an engine looks at the total while the engine's thread reserves.
        self._lock = Lock()
        self._read_to = 0
        self._dollars: dict[str, float] = {}
        self._total = 0.0

    @property
    def spent(self) -> float:
        """Dollars settled and reserved by all who share the ledger."""
        with self._lock:
            self._read_on()
            return self._total

    def price(self, prompt_tokens: int, completion_tokens: int) -> float:
        return (prompt_tokens * self._prices["prompt"] + completion_tokens * self._prices["completion"]) / PER

    def most(self, messages: list[dict[str, str]], max_tokens: int) -> float:
        """The most that a request can cost: no tokenizer makes more tokens of a text than it has bytes."""
        size = sum(len(message["content"].encode()) for message in messages)
        return self.price(size + LAYOUT_TOKENS, max_tokens)

    def reserve(self, dollars: float) -> str:
        """Reserve; the name settles it. Raises CapReached, with nothing reserved, where the cap would not hold."""
        name = uuid.uuid4().hex
        self._append(name, dollars)
        if self.spent > self._cap:
            self._append(name, 0.0)
            raise CapReached
        return name

    def settle(self, name: str, dollars: float) -> None:
        self._append(name, dollars)

    def _append(self, name: str, dollars: float) -> None:
        line = json.dumps({"request": name, "dollars": dollars}).encode() + b"\n"
        if os.write(self._file, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _read_on(self) -> None:
        """Read what was appended since the last look; a line that another process is still writing is left for the next."""
        with self._path.open("rb") as stream:
            stream.seek(self._read_to)
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                self._read_to += len(line)
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                self._total += entry["dollars"] - self._dollars.get(entry["request"], 0.0)
                self._dollars[entry["request"]] = entry["dollars"]
