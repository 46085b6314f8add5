"""An OpenAI-compatible server on this machine that answers as a test scripts it, and counts what it would have charged.

What happens to a request is decided by a hash of its prompt, so it depends on no order:

    good            the test's own answer
    no_json         a sentence in place of JSON, with a line separator (U+2028) in it
    off_schema      a JSON object of other keys
    ungrounded      an answer that has nothing to do with the question
    null            a message without content
    html            a page under the status 200
    no_choices      JSON under the status 200, without choices
    slow_once       good, but the first try is answered after `slow_seconds`
    stalled         each try is answered after `slow_seconds`
    limited_once    429 with Retry-After at the first try, then good
    limited         429 at each try
    broken_once     500 at the first try, then good
    broken          500 at each try
    dropped_once    charged, and the connection closed without a word at the first try; then good
    bad_request     400

A batch meets the same, each line being a try; what it cannot show (slow, dropped) is good there, and stalled is an error without a status.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "sk-planted-0123456789-never-written"
RETRY_AFTER = 1
CONTENTS = {
    "no_json": "Gladly!\u2028It is a kettle.",
    "off_schema": '{"kind": "kettle"}',
    "ungrounded": '{"type": "garden hose", "category": "tools"}',
    "null": None,
}
# Before it gives an answer, a server may fail in these ways; each charges nothing.
ERRORS = {"limited_once": 429, "limited": 429, "broken_once": 500, "broken": 500, "bad_request": 400}
MORE_THAN_ONCE = {"limited", "broken", "bad_request"}
# A server lists so many batches a page, whatever it is asked for.
PAGE = 2


@dataclass(frozen=True)
class Seen:
    """A request as it came in: seconds on the server's clock, its idempotency key, its kind, the try's number from 1, the prompt."""

    time: float
    key: str
    kind: str
    attempt: int
    prompt: str


@dataclass(frozen=True)
class Outcome:
    """What a request gets: a status, a body (text, or a value to send as JSON), and whether it is kept for its key."""

    status: int
    body: Any
    kept: bool = False


class ScriptedEndpoint:
    """Use as a context manager; `environment` is what a program needs to find it.

    `answer` makes the good answer of a request's messages; `shares` weighs the kinds; prices are in dollars per million tokens.
    Attributes without an underscore may be changed between runs; `seen`, `charges` and `submitted` tell what happened.
    """

    def __init__(
        self,
        answer: Callable[[list[dict[str, str]]], str],
        shares: dict[str, int] | None = None,
        prices: dict[str, float] | None = None,
        batch_price: float = 1.0,
    ) -> None:
        self.answer, self.shares = answer, shares or {"good": 1}
        self.prices, self.batch_price = prices or {"prompt": 0.0, "completion": 0.0}, batch_price
        self.honours_keys = self.reports_usage = True
        # Seconds up to which answers are put off, by a hash of the prompt and of `delays`.
        self.longest_delay, self.delays, self.slow_seconds = 0.0, 0, 3.0
        # A status that every request gets; whether errors and answers repeat the key and the address.
        self.refuses: int | None = None
        self.echoes = False
        # Batches stay in progress while held, fail when told to; the first submission is answered after so many seconds.
        self.holds_batches = self.fails_batches = False
        self.submission_seconds = 0.0

        self.seen: list[Seen] = []
        self.charges: Counter[str] = Counter()
        self.dollars = 0.0
        self.peak = 0
        self.submitted: list[list[str]] = []
        self._open = 0
        self._attempts: Counter[str] = Counter()
        self._answered: dict[str, Outcome] = {}
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> ScriptedEndpoint:
        endpoint = self

        class Handler(_Handler):
            server_of_tests = endpoint

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        return {"OPENAI_BASE_URL": f"http://{self.address}/v1", "OPENAI_API_KEY": KEY}

    def kind(self, messages: list[dict[str, str]]) -> str:
        """What happens to a request with these messages."""
        place = _number(_prompt(messages)) % sum(self.shares.values())
        for kind, share in self.shares.items():
            place -= share
            if place < 0:
                return kind
        raise AssertionError("unreachable")

    def price(self, messages: list[dict[str, str]], max_tokens: int) -> float:
        """Dollars that an answer costs."""
        usage = _usage(messages, max_tokens)
        return (usage["prompt_tokens"] * self.prices["prompt"] + usage["completion_tokens"] * self.prices["completion"]) / 1_000_000

    def chat(self, body: dict[str, Any], key: str, header: str) -> Outcome | None:
        """The outcome of a request by the chat API, after its delay; None where the connection is to be dropped."""
        messages = body["messages"]
        prompt = _prompt(messages)
        with self._lock:
            self._open += 1
            self.peak = max(self.peak, self._open)
        try:
            with self._lock:
                kind, attempt = self._note(key, messages)
                replayed = key in self._answered and self.honours_keys
                outcome = self._answered[key] if replayed else self._outcome(body, key, kind, attempt, header, self._charge)
            if kind == "stalled" or (kind == "slow_once" and attempt == 1):
                time.sleep(self.slow_seconds)
            elif self.longest_delay:
                time.sleep(self.longest_delay * (_number(f"{self.delays} {prompt}") % 1000) / 1000)
            return None if kind == "dropped_once" and attempt == 1 else outcome
        finally:
            with self._lock:
                self._open -= 1

    def _note(self, key: str, messages: list[dict[str, str]]) -> tuple[str, int]:
        kind = self.kind(messages)
        self._attempts[key] += 1
        self.seen.append(Seen(time.monotonic(), key, kind, self._attempts[key], _prompt(messages)))
        return kind, self._attempts[key]

    def _charge(self, key: str, messages: list[dict[str, str]], max_tokens: int, share: float = 1.0) -> None:
        self.charges[key] += 1
        self.dollars += self.price(messages, max_tokens) * share

    def _outcome(
        self, body: dict[str, Any], key: str, kind: str, attempt: int, header: str, charge: Callable[[str, list[dict[str, str]], int], None]
    ) -> Outcome:
        messages, max_tokens = body["messages"], body["max_tokens"]
        if self.refuses:
            return Outcome(self.refuses, self.error("no such key or model", header))
        if kind in ERRORS and (kind in MORE_THAN_ONCE or attempt == 1):
            return Outcome(ERRORS[kind], self.error(f"scripted: {kind}", header))
        charge(key, messages, max_tokens)
        if kind == "html":
            outcome = Outcome(200, f"<html><body>Welcome to {self._echoed(header) or 'the gateway'}</body></html>", True)
        elif kind == "no_choices":
            outcome = Outcome(200, {"object": "chat.completion", "note": self._echoed(header)}, True)
        else:
            content = CONTENTS[kind] if kind in CONTENTS else self.answer(messages)
            outcome = Outcome(200, self._completion(content and content + self._echoed(header), messages, max_tokens), True)
        self._answered[key] = outcome
        return outcome

    def _completion(self, content: str | None, messages: list[dict[str, str]], max_tokens: int) -> dict[str, Any]:
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        completion = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "scripted", "choices": [choice]}
        return completion | ({"usage": _usage(messages, max_tokens)} if self.reports_usage else {})

    def error(self, message: str, header: str) -> dict[str, Any]:
        """An error as the API words it."""
        return {"error": {"message": f"{message} {self._echoed(header)}", "type": "scripted", "param": None, "code": None}}

    def _echoed(self, header: str) -> str:
        return f" ({header} at http://{self.address}/v1, {self.address})" if self.echoes else ""

    def add_file(self, content: bytes) -> str:
        with self._lock:
            name = f"file-{len(self._files)}"
            self._files[name] = content
        return name

    def content(self, name: str) -> bytes | None:
        return self._files.get(name)

    def submit(self, body: dict[str, Any]) -> dict[str, Any]:
        """A new batch, in progress."""
        lines = [json.loads(line) for line in self._files[body["input_file_id"]].split(b"\n") if line]
        with self._lock:
            name = f"batch_{len(self._batches)}"
            self.submitted.append([line["custom_id"] for line in lines])
            counts = {"total": len(lines), "completed": 0, "failed": 0}
            batch = body | {"id": name, "object": "batch", "status": "in_progress", "created_at": 1, "request_counts": counts}
            self._batches[name] = batch
        return batch

    def look(self, name: str, header: str) -> dict[str, Any] | None:
        """A batch; one that is not held has ended when it is looked at."""
        with self._lock:
            batch = self._batches.get(name)
            if batch and batch["status"] == "in_progress" and not self.holds_batches:
                self._end(batch, header)
            return batch

    def _end(self, batch: dict[str, Any], header: str) -> None:
        if self.fails_batches:
            batch["status"] = "failed"
            errors = [{"code": "scripted", "message": f"the scripted server takes no batch{self._echoed(header)}"}]
            batch["errors"] = {"object": "list", "data": errors}
            return
        made: dict[str, list[dict[str, Any]]] = {"output_file_id": [], "error_file_id": []}
        for line in map(json.loads, filter(None, self._files[batch["input_file_id"]].split(b"\n"))):
            key, body = line["custom_id"], line["body"]
            kind, attempt = self._note(key, body["messages"])
            if kind == "stalled":
                made["error_file_id"].append({"custom_id": key, "response": None, "error": {"code": "batch_expired", "message": "late"}})
                continue
            outcome = self._outcome(body, key, kind, attempt, header, lambda *charged: self._charge(*charged, self.batch_price))
            response = {"status_code": outcome.status, "request_id": "req-1", "body": outcome.body}
            file = "output_file_id" if outcome.status == 200 else "error_file_id"
            made[file].append({"id": "batch_req_1", "custom_id": key, "response": response, "error": None})
        # Answers of a batch come in any order.
        for file, lines in made.items():
            lines.sort(key=lambda line: _number(line["custom_id"]))
            batch[file] = f"{batch['id']}-{file}" if lines else None
            self._files[f"{batch['id']}-{file}"] = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
        batch["status"] = "completed"

    def listed(self, after: str | None) -> dict[str, Any]:
        """A page of batches, the newest first."""
        with self._lock:
            newest_first = list(self._batches.values())[::-1]
        start = 1 + [batch["id"] for batch in newest_first].index(after) if after else 0
        return {"object": "list", "data": newest_first[start : start + PAGE], "has_more": start + PAGE < len(newest_first)}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that were killed are expected."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_of_tests: ScriptedEndpoint

    def do_POST(self) -> None:
        endpoint, header = self.server_of_tests, self.headers.get("Authorization", "")
        content = self.rfile.read(int(self.headers["Content-Length"]))
        path = urlsplit(self.path).path
        if path == "/v1/chat/completions":
            outcome = endpoint.chat(json.loads(content), self.headers.get("Idempotency-Key", ""), header)
            if outcome is None:
                self.close_connection = True
            else:
                self._send(outcome.status, outcome.body)
        elif endpoint.refuses:
            self._send(endpoint.refuses, endpoint.error("no such key or model", header))
        elif path == "/v1/files":
            boundary = self.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
            part = next(part for part in content.split(b"--" + boundary) if b'name="file"' in part)
            name = endpoint.add_file(part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n"))
            sizes = {"bytes": len(content), "created_at": 1, "filename": "requests.jsonl", "purpose": "batch", "status": "processed"}
            self._send(200, {"id": name, "object": "file"} | sizes)
        elif path == "/v1/batches":
            batch = endpoint.submit(json.loads(content))
            time.sleep(endpoint.submission_seconds)
            endpoint.submission_seconds = 0.0
            self._send(200, batch)
        else:
            self._send(404, endpoint.error("no such path", header))

    def do_GET(self) -> None:
        endpoint, header, url = self.server_of_tests, self.headers.get("Authorization", ""), urlsplit(self.path)
        if endpoint.refuses:
            self._send(endpoint.refuses, endpoint.error("no such key or model", header))
        elif found := re.fullmatch(r"/v1/files/([^/]+)/content", url.path):
            self._send_or_404(endpoint.content(found[1]), header)
        elif found := re.fullmatch(r"/v1/batches/([^/]+)", url.path):
            self._send_or_404(endpoint.look(found[1], header), header)
        elif url.path == "/v1/batches":
            self._send(200, endpoint.listed(parse_qs(url.query).get("after", [None])[0]))
        else:
            self._send_or_404(None, header)

    def _send_or_404(self, body: Any, header: str) -> None:
        self._send(404 if body is None else 200, self.server_of_tests.error("not found", header) if body is None else body)

    def _send(self, status: int, body: Any) -> None:
        content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status == 429:
            self.send_header("Retry-After", str(RETRY_AFTER))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def _prompt(messages: list[dict[str, str]]) -> str:
    return messages[-1]["content"]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _usage(messages: list[dict[str, str]], max_tokens: int) -> dict[str, int]:
    """About a token for four bytes; an answer takes up to `max_tokens`, by a hash of the prompt."""
    size = sum(len(message["content"].encode()) for message in messages)
    prompt_tokens, completion_tokens = size // 4 + 10, 1 + _number(_prompt(messages) + " usage") % max_tokens
    return {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens, "total_tokens": prompt_tokens + completion_tokens}
