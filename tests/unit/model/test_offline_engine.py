"""Answers under a JSON Schema from the real vLLM on a tiny random Qwen2: offline, and over vLLM's own server."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import ask_language_model
import jsonschema
import pytest
import regex
import yaml
from tiny_engine import ENGINE, save_base

from shopbench.engine import CPU_CACHE_BYTES, CPU_ENVIRONMENT, ENVIRONMENT
from shopbench.files import read_jsonl, write_jsonl
from shopbench.language_model.cache import TOO_LONG
from shopbench.language_model.offline import OfflineEngine
from shopbench.language_model.prompts import Asker, read_template

PROGRAM = Path(ask_language_model.__file__)
SAMPLING = {"temperature": 0.7, "top_p": 0.9, "max_tokens": 52, "seed": 1}
SCHEMA = {
    "type": "object",
    "properties": {"fits": {"enum": ["yes", "no", "in part"]}, "size": {"type": "boolean"}, "words": {"type": "string", "maxLength": 16}},
    "required": ["fits", "size", "words"],
    "additionalProperties": False,
}
# The texts that the schema allows, without spaces where JSON needs none.
ALLOWED = regex.compile(
    r'\{"fits": ?"(yes|no|in part)", ?"size": ?(true|false), ?"words": ?"([^"\\\x00-\x1f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"\}'
)
TEMPLATE = {
    "system": "You sort.",
    "user": "{title}\n{sample}",
    "samples": {"one": '{"fits": "yes", "size": true, "words": "red"}', "two": '{"fits": "no", "size": false, "words": ""}'},
    "answer": SCHEMA,
    "check": "{answer}",
}
KEY = "sk-of-the-tests"
# Long enough for a prompt and an answer.
LENGTH = 256


def seeds(count):
    titles = random.Random(1).choices(["red cotton kettle", "brand Ax", "Wasserkocher", "青い", "steel\tlid"], k=count)
    return [{"id": f"{n:016x}", "keys": {"n": n}, "fields": {"title": f"{title} {n}"}, "facts": {}} for n, title in enumerate(titles)]


@pytest.fixture(scope="module")
def inputs(tokenizer, tmp_path_factory):
    """A base model, a set of 30 seeds and its template."""
    folder = tmp_path_factory.mktemp("offline")
    save_base(tokenizer, folder / "base")
    write_jsonl(folder / "sorting.jsonl", seeds(30))
    (folder / "sorting.yaml").write_text(yaml.safe_dump(TEMPLATE))
    return folder


@pytest.fixture(scope="module")
def engine(inputs):
    engine = OfflineEngine(inputs / "base", ENGINE | {"max_model_len": LENGTH}, SAMPLING, "cpu")
    yield engine
    # Now, as later tests take torch's process group away, which vLLM would miss when Python ends.
    engine._llm.llm_engine.engine_core.shutdown()


@pytest.fixture(scope="module")
def server(inputs):
    """vLLM's own server on the same model, as a user would start it; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    grammar = {"backend": "guidance", "disable_any_whitespace": True}
    options = {
        "--model": inputs / "base", "--served-model-name": "tiny", "--host": "127.0.0.1", "--port": port, "--api-key": KEY,
        "--dtype": "float32", "--max-model-len": LENGTH, "--max-num-seqs": 8, "--max-num-batched-tokens": 4096, "--block-size": 32,
        "--kv-cache-memory-bytes": CPU_CACHE_BYTES,
        "--structured-outputs-config": json.dumps(grammar), "--generation-config": "vllm",
    }  # fmt: skip
    words = [str(word) for option in options.items() for word in option] + ["--enforce-eager", "--no-enable-chunked-prefill"]
    log = (inputs / "server.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *words],
        env={**ENVIRONMENT, **CPU_ENVIRONMENT, **os.environ}, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/health", process, inputs / "server.log")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def wait_for(url, process, log):
    end = time.monotonic() + 240
    while True:
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5):
                return
        except OSError:
            assert process.poll() is None and time.monotonic() < end, log.read_text()[-4000:]
            time.sleep(0.3)


def requests(inputs, count=30):
    asker, template = Asker("base", "", SAMPLING), read_template(inputs / "sorting.yaml")
    return [asker.request(template.messages(seed["id"], seed["fields"]), template.answer) for seed in seeds(count)]


def check(texts):
    """Each text is an object of the schema or the start of one, and some are whole."""
    whole = []
    for text in texts:
        try:
            whole.append(json.loads(text))
        except ValueError:
            assert ALLOWED.fullmatch(text, partial=True), text
    assert len(whole) > len(texts) // 5
    for answer in whole:
        jsonschema.validate(answer, SCHEMA)


def test_replies_follow_the_schema_and_no_order(inputs, engine, tmp_path):
    asked = requests(inputs)
    replies = dict((request.key, reply) for request, reply in engine.replies(iter(asked), tmp_path / "set.jsonl"))
    assert list(replies) == [request.key for request in asked]
    check([reply.text for reply in replies.values()])
    assert len({reply.text for reply in replies.values()}) > 15
    assert all(reply.prompt_tokens > 20 and 1 <= reply.completion_tokens <= SAMPLING["max_tokens"] for reply in replies.values())
    for order in (1, 2):
        shuffled = random.Random(order).sample(asked, len(asked))
        assert {request.key: reply for request, reply in engine.replies(shuffled, tmp_path / "set.jsonl")} == replies
    alone = asked[7]
    assert [reply for _, reply in engine.replies([alone], tmp_path / "set.jsonl")] == [replies[alone.key]]


def test_a_prompt_that_is_too_long_is_said_so_and_the_others_are_answered(inputs, engine, tmp_path):
    asker, template = Asker("base", "", SAMPLING), read_template(inputs / "sorting.yaml")
    short, long = (asker.request(template.messages("1", {"title": "kettle " * count}), SCHEMA) for count in (2, 300))
    replies = [reply for _, reply in engine.replies([short, long, *requests(inputs, 3)], tmp_path / "set.jsonl")]
    assert [reply.reason for reply in replies] == ["", TOO_LONG, "", "", ""]
    assert replies[1].text is None and replies[1].final and replies[1].prompt_tokens > LENGTH
    check([reply.text for reply in replies if reply.text])


def test_vllms_server_answers_the_same_program(inputs, server, tmp_path):
    settings = {
        "model": "tiny", "mode": "chat", "structured": True,
        "in_flight": 8, "requests_per_minute": 1e6, "retries": 1, "timeout_seconds": 60,
        "prices": {"prompt": 1.0, "completion": 1.0}, "batch_price": 1.0, "batch_poll_seconds": 1, "spending_cap": 1.0,
    }  # fmt: skip
    command = [sys.executable, str(PROGRAM), "--engine", "openai", "--cache", str(tmp_path / "cache"), "--settings", json.dumps(settings)]
    command += ["--seeds", str(inputs / "sorting.jsonl"), "--templates", str(inputs / "sorting.yaml"), "--sampling", json.dumps(SAMPLING)]
    environment = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    environment |= {"OPENAI_BASE_URL": f"{server}/v1", "OPENAI_API_KEY": KEY}
    done = subprocess.run([*command, "--outputs", str(tmp_path / "sorting.jsonl")], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = read_jsonl(tmp_path / "sorting.jsonl")
    assert [line["seed"] for line in lines] == seeds(30)
    check([line["response"] for line in lines])
    assert len({line["response"] for line in lines}) > 15
    spent = read_jsonl(tmp_path / "cache/spending.jsonl")
    assert len(spent) == 60 and all(line["dollars"] > 0 for line in spent)
