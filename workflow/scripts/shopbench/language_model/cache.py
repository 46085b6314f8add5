"""Answers of language models, kept outside results: one JSON line each, appended as they come, found by the request's key.

    cache/llm/<model>-<digest of model, revision, sampling>/<set>.jsonl

One job writes to a file at a time, so no locks are needed; a line torn by a kill is cut off. In memory stand keys and places alone.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from shopbench.files import BadInput
from shopbench.language_model.prompts import Asker, Request

TOO_LONG, REFUSED = "prompt longer than max_model_len allows", "refused by the model"
# 400 and 422: the server finds fault with the request itself, its content filter among the reasons.
FINAL_REASONS = (TOO_LONG, REFUSED, "HTTP 400", "HTTP 422")


@dataclass(frozen=True)
class Reply:
    """What came back: `text`, or None and the `reason` why there is none. Tokens are 0 where an engine does not count them."""

    text: str | None
    reason: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def final(self) -> bool:
        """Whether asking again would bring the same: an answer, or a refusal for what the request is."""
        return self.text is not None or self.reason in FINAL_REASONS


class AnswerCache:
    """The replies of one set by one asker."""

    def __init__(self, root: Path, asker: Asker, name: str) -> None:
        folder = root / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', asker.model)}-{asker.digest}"
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}.jsonl"
        self.path.touch()
        self._places: dict[str, int] = {}
        self._read_places()
        self._stream = self.path.open("r+b")
        # An endpoint's thread makes requests of what is here while its caller adds replies.
        self._lock = Lock()

    def _read_places(self) -> None:
        place = 0
        with self.path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    self._places[json.loads(line)["key"]] = place
                except (ValueError, KeyError, TypeError):
                    raise BadInput(f"{self.path}, line {number}: no line of this cache; delete it and run again") from None
                place += len(line)
        os.truncate(self.path, place)

    def __contains__(self, request: Request) -> bool:
        return request.key in self._places

    def get(self, request: Request) -> Reply | None:
        """The reply to a request, if it is here."""
        if request not in self:
            return None
        with self._lock:
            self._stream.seek(self._places[request.key])
            text = self._stream.readline()
        line: dict[str, Any] = json.loads(text)
        return Reply(**line["reply"])

    def add(self, request: Request, reply: Reply) -> None:
        """Append, and hand the line to the system at once: a kill of this process loses nothing that was added."""
        line = {"key": request.key, "prompt": request.prompt_hash, "reply": asdict(reply)}
        with self._lock:
            place = self._stream.seek(0, os.SEEK_END)
            self._stream.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            self._stream.flush()
        self._places[request.key] = place

    def close(self) -> None:
        self._stream.close()
