"""The endpoint's Batch API: requests as a file, answers within a day, cheaper.

A journal beside the cache says which requests go into a batch before it is submitted, and the batch carries the journal's label as
metadata, which the server lists: so a batch that was submitted before a kill, or whose submission the server answered too late, is found
again, and nothing in it is asked twice.
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
from shopbench.language_model.endpoint import body_of, cap_reached, longer_wait, refusal, reply_of, require_key, unreachable
from shopbench.language_model.prompts import Request
from shopbench.language_model.redaction import redacted
from shopbench.language_model.spending import CapReached, Ledger

# The API's limit is 50,000 requests and 200 MB a batch; smaller ones come back sooner and stay small in memory.
BATCH_REQUESTS = 5_000
WINDOW: Literal["24h"] = "24h"
ENDED = {"completed", "failed", "expired", "cancelled"}
LABEL = "shopbench"
# Reasons of replies that cost nothing.
UNCHARGED = ("HTTP", "batch")


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

        `requests` is read lazily and must leave out what was yielded before. Raises BadInput when the cap does not allow the next batch, or
        the server refuses it or is down; a batch that the server has taken is found again.
        """
        import openai

        self._journal = cache.with_suffix(".batches")
        try:
            yield from self._replies(requests)
        except openai.APIStatusError as error:
            raise refusal(error) from None
        except openai.APIConnectionError as error:
            raise BadInput(f"the endpoint: {unreachable(error)}; run again when it is up") from None

    def _replies(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
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
        if batch.status == "failed":
            self._close(entry, 0.0)
            said = "; ".join(str(error.message) for error in (batch.errors.data or [])) if batch.errors else "no reason given"
            raise BadInput(f"the endpoint refused batch {batch.id}: {redacted(said)[:300]}")
        dollars, counted = 0.0, True
        for key, reply in self._results(batch):
            if request := open_requests.pop(key, None):
                dollars += self._ledger.price(reply.prompt_tokens, reply.completion_tokens) * self._settings["batch_price"]
                counted = counted and bool(reply.prompt_tokens or reply.reason.startswith(UNCHARGED))
                yield request, reply
        for request in open_requests.values():
            yield request, Reply(None, f"batch {batch.status}")
        self._close(entry, dollars if counted else None)

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

    def _close(self, entry: dict[str, Any], dollars: float | None) -> None:
        """Note that a batch needs nothing more, and what it cost; without a price, the most that it can have cost stays counted."""
        if dollars is not None:
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
        return self._create(uploaded.id, label)

    def _create(self, file_id: str, label: str) -> Any:
        """Submit a batch. The client does not repeat that by itself: the server may have one of which it did not tell in time."""
        import openai

        client, number = self._client.with_options(max_retries=0), 0
        while True:
            try:
                return client.batches.create(
                    input_file_id=file_id, endpoint="/v1/chat/completions", completion_window=WINDOW, metadata={LABEL: label}
                )
            except (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError):
                if batch := self._find(label):
                    return batch
                if number == self._settings["retries"]:
                    raise
            time.sleep(longer_wait(number))
            number += 1

    def _wait(self, batch: Any) -> Any:
        while batch.status not in ENDED:
            time.sleep(self._settings["batch_poll_seconds"])
            batch = self._client.batches.retrieve(batch.id)
            counts = batch.request_counts
            progress(f"batch {batch.id}: {batch.status}" + (f", {counts.completed} of {counts.total}" if counts else ""))
        return batch

    def _results(self, batch: Any) -> Iterator[tuple[str, Reply]]:
        """(key, reply) of the lines of the batch's two files."""
        for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
            # The client's own lines end at U+2028 and others, too, which may stand in an answer.
            for text in self._client.files.content(file_id).content.split(b"\n"):
                line = json.loads(text) if text.strip() else {}
                response = line.get("response") or {}
                status = response.get("status_code", 0)
                reply = reply_of(response.get("body")) if status == 200 else Reply(None, f"HTTP {status}" if status else "batch error")
                yield line.get("custom_id", ""), reply

    def close(self) -> None:
        self._client.close()
