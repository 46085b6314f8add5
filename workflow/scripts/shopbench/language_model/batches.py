"""The endpoint's Batch API: requests as a file, answers within a day, cheaper.

A journal beside the cache says which requests go into a batch before it is submitted, and the batch carries the journal's label as
metadata, which the server lists: so a batch that was submitted before a kill is found again, and nothing in it is asked twice.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from shopbench.files import BadInput, progress
from shopbench.language_model.cache import Reply
from shopbench.language_model.endpoint import body_of, cap_reached, reply_of, require_key
from shopbench.language_model.prompts import Request
from shopbench.language_model.spending import CapReached, Ledger

# The API's limit is 50,000 requests and 200 MB a batch; smaller ones come back sooner and stay small in memory.
BATCH_REQUESTS = 5_000
WINDOW: Literal["24h"] = "24h"
ENDED = {"completed", "failed", "expired", "cancelled"}
LABEL = "shopbench"


class BatchEndpoint:
    """`settings` is the config's language_model.endpoint, `sampling` that of language_model."""

    def __init__(self, settings: dict[str, Any], sampling: dict[str, Any], ledger: Ledger) -> None:
        require_key()
        from openai import OpenAI

        self._settings, self._sampling, self._ledger = settings, sampling, ledger
        self._client = OpenAI(max_retries=settings["retries"], timeout=settings["timeout_seconds"])

    def replies(self, requests: Iterable[Request], cache: Path) -> Iterator[tuple[Request, Reply]]:
        """Each request with its reply, batch by batch, those of batches from before a kill first; the journal lies beside the set's
        `cache`.

        `requests` is read lazily and must leave out what was yielded before. Raises BadInput when the cap does not allow the next batch.
        """
        self._journal = cache.with_suffix(".batches")
        for entry in self._open_entries():
            batch = self._find(entry["label"])
            if batch:
                yield from self._collect(batch, entry)
            else:
                # Killed before it was submitted: nothing was charged.
                self._close(entry, 0.0)
        stream = iter(requests)
        while chunk := list(islice(stream, BATCH_REQUESTS)):
            most = sum(self._ledger.most(r.messages, self._sampling["max_tokens"]) for r in chunk) * self._settings["batch_price"]
            try:
                reserved = self._ledger.reserve(most)
            except CapReached:
                raise cap_reached(self._ledger) from None
            label = uuid.uuid4().hex
            entry = {"label": label, "reserved": reserved, "requests": [[r.key, r.prompt_hash] for r in chunk]}
            self._write(entry)
            yield from self._collect(self._submit(chunk, label), entry)

    def _collect(self, batch: Any, entry: dict[str, Any]) -> Iterator[tuple[Request, Reply]]:
        """Wait for a batch and yield its replies; a request without one gets the batch's status as the reason."""
        open_requests = {key: Request(key, prompt_hash, [], {}) for key, prompt_hash in entry["requests"]}
        progress(f"batch {batch.id}: {len(open_requests)} requests")
        batch = self._wait(batch)
        dollars = 0.0
        for key, reply in self._results(batch):
            if request := open_requests.pop(key, None):
                dollars += self._ledger.price(reply.prompt_tokens, reply.completion_tokens) * self._settings["batch_price"]
                yield request, reply
        for request in open_requests.values():
            yield request, Reply(None, f"batch {batch.status}")
        self._close(entry, dollars)

    def _open_entries(self) -> list[dict[str, Any]]:
        """The journal's batches that were not collected to their end. A last line torn by a kill was never submitted."""
        text = self._journal.read_bytes() if self._journal.exists() else b""
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            os.truncate(self._journal, len(whole))
        entries: dict[str, dict[str, Any]] = {}
        for line in map(json.loads, whole.splitlines()):
            if "ended" in line:
                entries.pop(line["ended"], None)
            else:
                entries[line["label"]] = line
        return list(entries.values())

    def _close(self, entry: dict[str, Any], dollars: float) -> None:
        self._ledger.settle(entry["reserved"], dollars)
        self._write({"ended": entry["label"]})

    def _write(self, line: dict[str, Any]) -> None:
        with self._journal.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")

    def _find(self, label: str) -> Any:
        """The server's batch of this label, if it has one."""
        return next((batch for batch in self._client.batches.list(limit=100) if (batch.metadata or {}).get(LABEL) == label), None)

    def _submit(self, requests: list[Request], label: str) -> Any:
        with tempfile.NamedTemporaryFile("w+b", suffix=".jsonl") as file:
            for request in requests:
                body = body_of(request, self._settings, self._sampling)
                line = {"custom_id": request.key, "method": "POST", "url": "/v1/chat/completions", "body": body}
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            file.seek(0)
            uploaded = self._client.files.create(file=("requests.jsonl", file), purpose="batch")
        return self._client.batches.create(
            input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window=WINDOW, metadata={LABEL: label}
        )

    def _wait(self, batch: Any) -> Any:
        while batch.status not in ENDED:
            time.sleep(self._settings["batch_poll_seconds"])
            batch = self._client.batches.retrieve(batch.id)
            counts = batch.request_counts
            progress(f"batch {batch.id}: {batch.status}" + (f", {counts.completed} of {counts.total}" if counts else ""))
        if batch.status == "failed":
            said = "; ".join(str(error.message) for error in (batch.errors.data or [])) if batch.errors else "no reason given"
            raise BadInput(f"the endpoint refused batch {batch.id}: {said[:300]}")
        return batch

    def _results(self, batch: Any) -> Iterator[tuple[str, Reply]]:
        """(key, reply) of the lines of the batch's two files."""
        for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
            for text in self._client.files.content(file_id).iter_lines():
                line = json.loads(text) if text.strip() else {}
                response = line.get("response") or {}
                status = response.get("status_code", 0)
                reply = reply_of(response.get("body")) if status == 200 else Reply(None, f"HTTP {status}" if status else "batch error")
                yield line.get("custom_id", ""), reply

    def close(self) -> None:
        self._client.close()
