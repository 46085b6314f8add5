"""Ask a language model about the seeds of synthetic sets; only what its cache does not know yet.

    python workflow/scripts/ask_language_model.py --seeds results/demo/seeds/product_types.jsonl \\
      --templates workflow/prompts/product_types.yaml --cache cache/llm --engine vllm --model results/demo/base/demo-base \\
      --settings '{"dtype": "float32", ...}' --sampling '{"temperature": 0.7, "top_p": 0.9, "max_tokens": 200, "seed": 1}' \\
      --device cpu --outputs results/demo/answers/product_types.jsonl

Reads the seeds (JSON lines of id, keys, fields, facts; see list_seeds.py) and the templates (see shopbench/language_model/prompts.py), a
file a set, all in one order. Asks vLLM here (--engine vllm, --model a folder with its manifest.json, --settings vLLM's) or an
OpenAI-compatible endpoint (--engine openai, --settings the config's language_model.endpoint; OPENAI_API_KEY and OPENAI_BASE_URL in the
environment).

Each answer is appended to the cache as it comes, under the hash of prompt, model and sampling: a run after a kill, or after an edit of some
seeds, asks only what is missing. Leaves one JSON line a seed, in the seeds' order whatever order the answers came in:

    request      id, level (of the sample answer shown), prompt_hash, messages
    model        name, revision, sampling
    seed         as in the seeds
    response     the answer's text, or null
    reason       why there is none, or ""
    check        with --self-check: whether the model, asked again, calls its answer right (true, false, or null without a readable verdict)

A set of which more than --unanswered-share has no answer fails the job by name, after all else was asked and kept.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from shopbench.files import MANIFEST, BadInput, progress, run_program, sha256_of, whole_text
from shopbench.gpu_check import require_gpus
from shopbench.language_model.cache import AnswerCache, Reply
from shopbench.language_model.prompts import CHECK_SCHEMA, Asker, Request, Template, read_template

LEDGER = "spending.jsonl"


class Engine(Protocol):
    def replies(self, requests: Iterator[Request], cache: Path) -> Iterator[tuple[Request, Reply]]: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Set:
    """A synthetic set: its seeds and template, whom it asks, and what is known already."""

    seeds: Path
    template: Template
    asker: Asker
    cache: AnswerCache

    def requests(self) -> Iterator[Request]:
        """What is asked about each seed."""
        return (self.request(seed) for seed in seeds_of(self.seeds))

    def checks(self) -> Iterator[Request]:
        """What is asked about each answer."""
        return (request for seed in seeds_of(self.seeds) if (request := self.check(seed)))

    def request(self, seed: dict[str, Any]) -> Request:
        return self.asker.request(self.template.messages(seed["id"], seed["fields"]), self.template.answer)

    def check(self, seed: dict[str, Any]) -> Request | None:
        """The question on an answer that there is and that is a JSON object; None for any other."""
        reply = self.cache.get(self.request(seed))
        if reply is None or reply.text is None or not isinstance(parsed(reply.text), dict):
            return None
        return self.asker.request(self.template.check_messages(seed["id"], seed["fields"], reply.text), CHECK_SCHEMA)


def main() -> None:
    args = parse_arguments()
    asker = Asker(args.settings["model"], "", args.sampling) if args.engine == "openai" else offline_asker(args.model, args.sampling)
    engine: Engine | None = None
    failures = []
    for seeds, template, output in zip(args.seeds, args.templates, args.outputs, strict=True):
        asked = Set(seeds, read_template(template), asker, AnswerCache(args.cache, asker, seeds.stem))
        failed: dict[str, str] = {}
        for requests in (asked.requests, asked.checks) if args.self_check else (asked.requests,):
            missing = sum(request not in asked.cache for request in requests())
            progress(f"{seeds.stem}: {missing} requests to {asker.model}, the others are answered")
            if missing:
                engine = engine or start_engine(args)
                failed |= answer(engine, asked.cache, requests)
        count, unanswered = write_answers(output, asked, failed, args.self_check)
        reasons = dict(Counter(failed.values()))
        progress(f"{seeds.stem}: {count} seeds, {unanswered} without an answer {reasons or ''}")
        if unanswered > args.unanswered_share * count:
            failures.append(f"{unanswered} of {count} seeds of {seeds.stem} have no answer ({reasons})")
        asked.cache.close()
    if engine:
        engine.close()
    if failures:
        allowed = f"more than language_model.unanswered_share ({args.unanswered_share:g}) allows; run again to ask for these alone"
        raise BadInput(f"{'; '.join(failures)}, {allowed}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=Path, nargs="*", required=True, help="JSON lines, named by their synthetic set")
    parser.add_argument("--templates", type=Path, nargs="*", required=True, help="the sets' prompt templates (YAML)")
    parser.add_argument("--cache", type=Path, required=True, help="folder of answers that outlive a run")
    parser.add_argument("--engine", choices=("vllm", "openai"), required=True, help="vLLM on this machine, or an endpoint")
    parser.add_argument("--model", type=Path, help="folder of the model, with its manifest.json (vllm)")
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: vLLM's settings, or the endpoint's")
    parser.add_argument("--sampling", type=json.loads, required=True, help="JSON: temperature, top_p, max_tokens, seed")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="what vLLM runs on")
    parser.add_argument("--self-check", action="store_true", help="ask the model about each of its answers, too")
    parser.add_argument(
        "--unanswered-share", type=float, default=0.0, help="share of a set's seeds that may stay without an answer (0 to 1)"
    )
    parser.add_argument("--outputs", type=Path, nargs="*", required=True, help="JSON lines to write, one file a set")
    return parser.parse_args()


def offline_asker(model: Path, sampling: dict[str, Any]) -> Asker:
    """A model by its folder's name and, whatever it is called, by what is in the folder."""
    return Asker(model.name, sha256_of(model / MANIFEST)[:16], sampling)


def seeds_of(path: Path) -> Iterator[dict[str, Any]]:
    """The seeds one by one; a broken line is a BadInput that names it."""
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise BadInput(f"{path}, line {number}: not JSON ({error}); delete it and run again") from None


def parsed(text: str | None) -> Any:
    """The JSON value of a text; None for none."""
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return None


def start_engine(args: argparse.Namespace) -> Engine:
    if args.engine == "vllm":
        from shopbench.language_model.offline import OfflineEngine

        if args.device == "cuda":
            bfloat16 = "inference: dtype" if args.settings["dtype"] == "bfloat16" else None
            require_gpus(args.settings["tensor_parallel"], "inference: tensor_parallel", bfloat16)
        return OfflineEngine(args.model, args.settings, args.sampling, args.device)
    from shopbench.language_model.batches import BatchEndpoint
    from shopbench.language_model.endpoint import Endpoint
    from shopbench.language_model.spending import Ledger

    ledger = Ledger(args.cache / LEDGER, args.settings["spending_cap"], args.settings["prices"])
    return (BatchEndpoint if args.settings["mode"] == "batch" else Endpoint)(args.settings, args.sampling, ledger)


def answer(engine: Engine, cache: AnswerCache, requests: Callable[[], Iterator[Request]]) -> dict[str, str]:
    """Ask what is missing, each different request once, and keep what is final; return why, by key, the others stay without an answer."""
    sent: set[str] = set()
    failed: dict[str, str] = {}

    def missing() -> Iterator[Request]:
        for request in requests():
            if request not in cache and request.key not in sent:
                sent.add(request.key)
                yield request

    for request, reply in engine.replies(missing(), cache.path):
        if reply.final:
            failed.pop(request.key, None)
            # A batch is read from its start again after a kill.
            if request not in cache:
                cache.add(request, reply)
        else:
            failed[request.key] = reply.reason
    return failed


def write_answers(output: Path, asked: Set, failed: dict[str, str], self_check: bool) -> tuple[int, int]:
    """Write a set's output; (its lines, those that another run could bring an answer for)."""
    count = unanswered = 0
    with whole_text(output) as stream:
        for seed in seeds_of(asked.seeds):
            request = asked.request(seed)
            reply = asked.cache.get(request) or Reply(None, failed.get(request.key, "no answer"))
            check = asked.check(seed) if self_check else None
            said = parsed(checked.text) if check and (checked := asked.cache.get(check)) else None
            identity = {"id": seed["id"], "level": asked.template.level(seed["id"]), "prompt_hash": request.prompt_hash}
            line = {
                "request": identity | {"messages": request.messages},
                "model": {"name": asked.asker.model, "revision": asked.asker.revision, "sampling": asked.asker.sampling},
                "seed": seed,
                "response": reply.text,
                "reason": reply.reason,
                "check": said.get("right") if isinstance(said, dict) else None,
            }
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
            unanswered += not reply.final
    return count, unanswered


if __name__ == "__main__":
    run_program(main)
