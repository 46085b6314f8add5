"""Any OpenAI-compatible endpoint: many requests in flight, within its rate limit and a spending cap.

Address and key come from the environment (OPENAI_BASE_URL, OPENAI_API_KEY), where the client looks for them; they are no parameter, and
whatever a server sends back is redacted. After 408, 409, 429, 5xx, silence and broken connections a request is tried again, after a longer
wait each time or as long as the server says (Retry-After). Each try counts against the rate limit and, unless it certainly cost nothing,
against the cap.

A request carries its key as Idempotency-Key: a server that honours it charges nothing twice, even where a kill lost the reply. At any other
server, what was in flight when the job was killed (at most `in_flight` requests) is asked again. A request is in flight until the caller
has dealt with its reply.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

from shopbench.files import BadInput, progress
from shopbench.language_model.cache import REFUSED, Reply
from shopbench.language_model.prompts import Request
from shopbench.language_model.redaction import redacted
from shopbench.language_model.spending import CapReached, Ledger

# A server that fails so many requests in a row, each tried several times, is down. As many more as are in flight are forgiven: what fails
# takes longest, so the last ones may all be such.
FAILURES_IN_A_ROW = 20
# What another try may fare better with, besides 5xx.
TRY_AGAIN = (408, 409, 429)
FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0
# A server that asks for more seconds than these is not tried again.
LONGEST_RETRY_AFTER = 120.0
# The client's errors before anything was sent.
NEVER_SENT = ("ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "LocalProtocolError")
# What no other request would fare better with.
OUR_MISTAKES = {
    401: "set OPENAI_API_KEY",
    403: "this key may not use the model",
    404: "see OPENAI_BASE_URL and language_model.endpoint.model",
}
PROGRESS_SECONDS = 10

# A request, its reply, and what tells that the caller has dealt with it.
Came = tuple[Request, Reply, Callable[[], object]]


def require_key() -> None:
    """Raise BadInput unless the environment has a key."""
    if not os.environ.get("OPENAI_API_KEY"):
        raise BadInput(
            "language_model.engine is openai and OPENAI_API_KEY is not set; export it (and OPENAI_BASE_URL for another endpoint)"
        )


def body_of(request: Request, settings: dict[str, Any], sampling: dict[str, Any]) -> dict[str, Any]:
    """The request as the chat completions API has it."""
    body = {
        "model": settings["model"],
        "messages": request.messages,
        "temperature": sampling["temperature"],
        "top_p": sampling["top_p"],
        "max_tokens": sampling["max_tokens"],
        "seed": sampling["seed"],
    }
    if settings["structured"]:
        schema = {"name": "answer", "strict": True, "schema": request.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def reply_of(completion: Any) -> Reply:
    """The reply in a completion (a dict, as the API sends it); a malformed one has a reason and no text."""
    try:
        message = completion["choices"][0]["message"]
        usage = completion.get("usage") or {}
        tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
        text = message["content"]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return Reply(None, "malformed reply")
    if text is None:
        return Reply(None, REFUSED, *tokens)
    # Half a surrogate pair cannot be written to a file.
    return Reply(redacted(str(text)).encode("utf-8", "replace").decode(), "", *tokens)


class Endpoint:
    """`settings` is the config's language_model.endpoint, `sampling` that of language_model."""

    def __init__(self, settings: dict[str, Any], sampling: dict[str, Any], ledger: Ledger) -> None:
        require_key()
        self._settings, self._sampling, self._ledger = settings, sampling, ledger
        self._next_start = 0.0
        self._failed_in_a_row = 0
        self._stop: BadInput | None = None
        self._done = 0

    def replies(self, requests: Iterable[Request], cache: Path) -> Iterator[tuple[Request, Reply]]:
        """Each request with its reply, in the order in which they come back.

        No more requests are taken from `requests` than are in flight. A reply without text is of a request that the server answered with an
        error, named in `reason`. Raises BadInput when the cap is reached, the key refused, or the server down; what was answered until then
        has been yielded.
        """
        # Threads of their own for the event loop and the caller: the caller writes each reply down as soon as it is there.
        came: Queue[Came | None] = Queue()
        failed: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(self._ask_all(iter(requests), came))
            except BaseException as error:
                failed.append(error)
            finally:
                came.put(None)

        thread = Thread(target=run, daemon=True)
        thread.start()
        shown = time.monotonic()
        while (pair := came.get()) is not None:
            request, reply, kept = pair
            yield request, reply
            # An event loop that ended with an error waits for nothing.
            with suppress(RuntimeError):
                kept()
            self._done += 1
            if time.monotonic() - shown > PROGRESS_SECONDS:
                shown = time.monotonic()
                progress(f"answered {self._done}, ${self._ledger.spent:.4f} spent")
        thread.join()
        if failed:
            raise failed[0]
        if self._stop:
            raise self._stop

    async def _ask_all(self, requests: Iterator[Request], came: Queue[Came | None]) -> None:
        from openai import AsyncOpenAI

        loop = asyncio.get_running_loop()
        async with AsyncOpenAI(max_retries=0, timeout=self._settings["timeout_seconds"]) as client:

            async def work() -> None:
                while self._stop is None and (request := next(requests, None)) is not None:
                    reply = await self._ask(client, request)
                    if reply is not None:
                        kept = asyncio.Event()
                        came.put((request, reply, partial(loop.call_soon_threadsafe, kept.set)))
                        await kept.wait()

            await asyncio.gather(*(work() for _ in range(self._settings["in_flight"])))

    async def _ask(self, client: Any, request: Request) -> Reply | None:
        """One request's reply, from its last try; None when that was not made, or its failure is the whole job's."""
        for number in range(self._settings["retries"] + 1):
            reply, again = await self._try(client, request)
            if again is None or number == self._settings["retries"]:
                break
            await asyncio.sleep(again or longer_wait(number))
        if reply is not None:
            self._count_failure(reply)
        return reply

    async def _try(self, client: Any, request: Request) -> tuple[Reply | None, float | None]:
        """(reply as in `_ask`, seconds to wait before another try; 0 where the server leaves it to us, None where none would help)."""
        import openai

        await self._turn()
        if self._stop:
            return None, None
        try:
            reserved = self._ledger.reserve(self._ledger.most(request.messages, self._sampling["max_tokens"]))
        except CapReached:
            self._stop = cap_reached(self._ledger)
            return None, None
        body = body_of(request, self._settings, self._sampling)
        try:
            raw = await client.chat.completions.with_raw_response.create(**body, extra_headers={"Idempotency-Key": request.key})
        except openai.APIStatusError as error:
            self._ledger.settle(reserved, 0.0)
            return self._refused(error), _again_after(error.status_code, error.response.headers.get("retry-after", ""))
        except openai.APIConnectionError as error:
            if type(error.__cause__).__name__ in NEVER_SENT:
                self._ledger.settle(reserved, 0.0)
            return Reply(None, unreachable(error)), 0.0
        # As text: a server may send anything under the status 200.
        reply = reply_of(_json(raw.http_response.text))
        if reply.prompt_tokens or reply.completion_tokens:
            self._ledger.settle(reserved, self._ledger.price(reply.prompt_tokens, reply.completion_tokens))
        return reply, None

    async def _turn(self) -> None:
        """Wait until the rate limit allows another request."""
        now = time.monotonic()
        self._next_start = max(self._next_start, now)
        wait = self._next_start - now
        self._next_start += 60 / self._settings["requests_per_minute"]
        if wait > 0:
            await asyncio.sleep(wait)

    def _refused(self, error: Any) -> Reply | None:
        if error.status_code in OUR_MISTAKES:
            self._stop = refusal(error)
            return None
        return Reply(None, f"HTTP {error.status_code}")

    def _count_failure(self, reply: Reply) -> None:
        self._failed_in_a_row = 0 if reply.text is not None else self._failed_in_a_row + 1
        if self._failed_in_a_row >= FAILURES_IN_A_ROW + self._settings["in_flight"]:
            self._stop = BadInput(
                f"the endpoint failed {self._failed_in_a_row} requests in a row, the last with '{reply.reason}'; "
                "what was answered before is kept: run again when it is up"
            )

    def close(self) -> None:
        """Nothing to give back: the client closes with its event loop."""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _again_after(status: int, retry_after: str) -> float | None:
    """Seconds until another try, as in `Endpoint._try`. A date in place of seconds is passed over."""
    if status not in TRY_AGAIN and status < 500:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        return 0.0
    return max(0.0, seconds) if seconds <= LONGEST_RETRY_AFTER else None


def longer_wait(number: int) -> float:
    """Seconds to wait after the try of this number, from 0."""
    return float(min(FIRST_WAIT * 2**number, LONGEST_WAIT))


def unreachable(error: Any) -> str:
    """The reason for a client's connection error."""
    import openai

    return "no answer in time" if isinstance(error, openai.APITimeoutError) else "no connection"


def refusal(error: Any) -> BadInput:
    """What a client's error with a status means for the whole job."""
    what = OUR_MISTAKES.get(error.status_code, "run again when it is up")
    return BadInput(f"the endpoint answers HTTP {error.status_code}: {what} ({redacted(error.message)[:200]})")


def cap_reached(ledger: Ledger) -> BadInput:
    return BadInput(
        f"language_model.endpoint.spending_cap is reached: ${ledger.spent:.2f} are spent or reserved; raise it, or lower "
        "language_model.scale, and run again: all answers so far are kept"
    )
