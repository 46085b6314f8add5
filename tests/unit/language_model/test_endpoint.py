"""The program that asks a language model, against a scripted endpoint: what is kept, what a kill loses, what it costs, what it writes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from unittest.mock import patch

import ask_language_model
import pytest
import yaml
from in_process import run
from scripted_endpoint import KEY, RETRY_AFTER, ScriptedEndpoint

from shopbench.files import read_jsonl, write_jsonl
from shopbench.language_model.cache import REFUSED, AnswerCache, Reply
from shopbench.language_model.endpoint import Endpoint, reply_of
from shopbench.language_model.prompts import Asker, read_template
from shopbench.language_model.spending import CapReached, Ledger

SCRIPTS = Path(ask_language_model.__file__).parent
SET = "product_types"
COUNT = 200
SAMPLING = {"temperature": 0.7, "top_p": 0.9, "max_tokens": 50, "seed": 1}
PRICES = {"prompt": 1000.0, "completion": 2000.0}
SETTINGS = {
    "model": "scripted",
    "mode": "chat",
    "in_flight": 8,
    "requests_per_minute": 1e6,
    "retries": 1,
    "timeout_seconds": 30,
    "structured": True,
    "prices": PRICES,
    "batch_price": 0.5,
    "batch_poll_seconds": 0.05,
    "spending_cap": 1e9,
}
TEMPLATE = {
    "system": "You sort the products of a shop.",
    "user": "Title: {title}\nWhat type of product is this?\n{sample}",
    "samples": {"plain": '{"type": "lamp", "category": "lights"}', "rich": '{"type": "reading lamp", "category": "lights for desks"}'},
    "answer": {
        "type": "object",
        "properties": {"type": {"type": "string", "minLength": 2}, "category": {"type": "string", "minLength": 2}},
        "required": ["type", "category"],
        "additionalProperties": False,
    },
    "check": "Title: {title}\nIs this right? {answer}",
}

# The verdict that each kind of reply ends with.
VERDICTS = {
    **dict.fromkeys(("good", "slow_once", "limited_once", "broken_once", "dropped_once"), "kept"),
    "no_json": "not JSON",
    "off_schema": "not as the schema asks",
    "ungrounded": "not grounded: no shared words",
    "null": "no answer: refused by the model",
    "bad_request": "no answer: HTTP 400",
    "html": "no answer: malformed reply",
    "no_choices": "no answer: malformed reply",
    "stalled": "no answer: no answer in time",
    "limited": "no answer: HTTP 429",
    "broken": "no answer: HTTP 500",
}
# Asking again might bring an answer to these.
NOT_FINAL = {"html", "no_choices", "stalled", "limited", "broken"}
EVERYTHING = {kind: 4 for kind in VERDICTS} | {"good": 40}

# The program, except that it is killed (SIGKILL: nothing is cleaned up) at some place.
KILLED = """
import os, signal
import ask_language_model
from shopbench.language_model.{module} import {owner}

calls, method = [], {owner}.{method}

def die_in(*arguments):
    calls.append(arguments)
    if len(calls) == {call}:
        os.kill(os.getpid(), signal.SIGKILL)
    return method(*arguments)

{owner}.{method} = die_in
ask_language_model.main()
"""


def good(messages):
    """An answer that is kept and that tells its seed by a number; or, to a self-check, that all is right."""
    prompt = messages[-1]["content"]
    if "Is this right?" in prompt:
        return '{"right": true}'
    return json.dumps({"type": "Cotton  kettle", "category": f"kettles of shelf {number_of(prompt)}"})


def number_of(prompt):
    return int(prompt.split("kettle ")[1].split()[0])


def seed(number):
    title = f"Osanta cotton kettle {number} in red"
    keys = {"source": "made", "product_id": f"P{number}"}
    return {"id": f"{number:016x}", "keys": keys, "fields": {"title": title, "text": "(none)"}, "facts": {"brand": "Osanta"}}


@pytest.fixture
def folder(tmp_path):
    """A set of seeds and its template."""
    add_set(tmp_path, SET, range(COUNT))
    return tmp_path


def add_set(folder, name, numbers, **changes):
    write_jsonl(folder / f"seeds/{name}.jsonl", map(seed, numbers))
    (folder / "templates").mkdir(exist_ok=True)
    (folder / f"templates/{name}.yaml").write_text(yaml.safe_dump(TEMPLATE | changes))


@pytest.fixture
def start():
    """Start scripted endpoints, which end with the test."""
    servers = []

    def make(shares=None, **attributes):
        server = ScriptedEndpoint(good, shares, PRICES, SETTINGS["batch_price"])
        for name, value in attributes.items():
            assert hasattr(server, name)
            setattr(server, name, value)
        servers.append(server)
        return server.__enter__()

    yield make
    for server in servers:
        server.__exit__()


def options(folder, sets=(SET,), share=0.0, cache="cache", sampling=None, check=False, **settings):
    """The program's arguments."""
    words = ["--engine", "openai", "--cache", str(folder / cache), "--unanswered-share", str(share)]
    words += ["--settings", json.dumps(SETTINGS | settings), "--sampling", json.dumps(sampling or SAMPLING)]
    for option, place, suffix in (("--seeds", "seeds", "jsonl"), ("--templates", "templates", "yaml"), ("--outputs", "answers", "jsonl")):
        words += [option, *(str(folder / place / f"{name}.{suffix}") for name in sets)]
    return words + ["--self-check"] * check


def environment(server):
    """What the program sees: the server's address and key, and no proxy on the way."""
    return {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")} | server.environment


def ask(folder, server, **changes):
    """Run the program in this process, which spares the seconds that the client takes to load."""
    with patch.dict(os.environ, environment(server), clear=True):
        return run("ask_language_model.py", *options(folder, **changes))


def started(folder, server, program=(str(SCRIPTS / "ask_language_model.py"),), **changes):
    """The program, or another with its arguments, in a process of its own."""
    command = [sys.executable, *program, *options(folder, **changes)]
    return subprocess.Popen(command, cwd=SCRIPTS, env=environment(server), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ask_alone(folder, server, **changes):
    """Run the program in a process of its own, to its end."""
    process = started(folder, server, **changes)
    stdout, stderr = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def asked_well(folder, server, ask=ask, **changes):
    done = ask(folder, server, **changes)
    assert done.returncode == 0, done.stderr
    return done


def refused(folder, server, ask=ask, **changes):
    """The one line that a job ends with."""
    done = ask(folder, server, **changes)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2 and len(errors) == 1 and done.stderr.endswith(errors[0] + "\n"), done.stderr
    return errors[0]


def killed_when(condition, folder, server, **changes):
    """Kill the program when a condition holds."""
    process = started(folder, server, **changes)
    wait_for(lambda: process.poll() is not None or condition())
    process.kill()
    _, stderr = process.communicate()
    assert process.returncode == -signal.SIGKILL, stderr


def killed_at(lines, folder, server, **changes):
    """Kill the program when its cache has so many lines."""
    killed_when(lambda: len(cached(folder)) >= lines, folder, server, **changes)


def killed_in(folder, server, module, method, call, **changes):
    """Kill the program when it calls a method (Class.method) of a module of the library for the nth time."""
    owner, _, method = method.partition(".")
    text = KILLED.format(module=module, owner=owner, method=method, call=call)
    done = ask_alone(folder, server, program=("-c", text), **changes)
    assert done.returncode == -signal.SIGKILL, done.stderr


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def cached(folder, name=SET):
    """The keys in a set's cache files, by whole lines."""
    text = b"".join(path.read_bytes() for path in sorted(folder.glob(f"cache/*/{name}.jsonl")))
    return [json.loads(line)["key"] for line in text.split(b"\n")[:-1]]


def answers(folder, name=SET):
    return read_jsonl(folder / f"answers/{name}.jsonl")


def ledger(folder):
    """Dollars by request as the ledger has them, and the requests that are not settled."""
    dollars, lines = {}, Counter()
    for line in read_jsonl(folder / "cache/spending.jsonl"):
        dollars[line["request"]] = line["dollars"]
        lines[line["request"]] += 1
    return dollars, [name for name, count in lines.items() if count == 1]


def judged(folder):
    words = ["--answers", folder / f"answers/{SET}.jsonl", "--module", SCRIPTS / f"synthetic/{SET}.py"]
    words += ["--template", folder / f"templates/{SET}.yaml", "--output", folder / f"synthetic/{SET}.jsonl"]
    done = run("judge_answers.py", *words)
    assert done.returncode == 0, done.stderr
    return read_jsonl(folder / f"synthetic/{SET}.jsonl")


def requests(folder, numbers=range(COUNT), sampling=SAMPLING):
    """The requests of a set's seeds, as the program makes them."""
    asker, template = Asker("scripted", "", sampling), read_template(folder / f"templates/{SET}.yaml")
    return [asker.request(template.messages(seed(n)["id"], seed(n)["fields"]), template.answer) for n in numbers]


def test_good_answers_are_kept_and_bad_ones_counted_whatever_order_they_come_in(folder, start):
    outputs, orders = [], []
    for delays in (1, 2):
        server = start(EVERYTHING, longest_delay=0.1, delays=delays)
        done = asked_well(folder, server, ask=ask_alone, cache=f"cache/{delays}", share=1, in_flight=16, timeout_seconds=2)
        outputs.append((folder / f"answers/{SET}.jsonl").read_bytes())
        orders.append([json.loads(line)["key"] for line in next(folder.glob(f"cache/{delays}/*/{SET}.jsonl")).open()])
    lines = judged(folder)
    kinds = [server.kind(line["request"]["messages"]) for line in lines]
    assert set(kinds) == set(VERDICTS)
    assert [line["seed"] for line in lines] == list(map(seed, range(COUNT)))
    assert [line["verdict"] for line in lines] == [VERDICTS[kind] for kind in kinds]
    for number, line in enumerate(lines):
        kept = {"type": "cotton kettle", "category": f"kettles of shelf {number}"}
        assert line["made"] == (kept if line["verdict"] == "kept" else None)
    assert outputs[0] == outputs[1]
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1])
    reasons = Counter(VERDICTS[kind].removeprefix("no answer: ") for kind in kinds if kind in NOT_FINAL)
    assert f"{COUNT} seeds, {reasons.total()} without an answer" in done.stderr
    assert all(f"'{reason}': {count}" in done.stderr for reason, count in reasons.items())


def test_a_server_is_left_alone_as_long_as_it_asks_for(folder, start):
    server = start({"good": 20, "limited_once": 1})
    asked_well(folder, server)
    times = {}
    for seen in server.seen:
        times.setdefault(seen.key, []).append(seen.time)
    waits = [second - first for first, second in (pair for pair in times.values() if len(pair) == 2)]
    assert waits and min(waits) >= RETRY_AFTER


def test_a_kill_costs_nothing_twice_where_keys_are_honoured(folder, start):
    server = start(longest_delay=0.1)
    killed_at(60, folder, server)
    known, before = set(cached(folder)), len(server.seen)
    assert 60 <= len(known) < COUNT
    with next(folder.glob(f"cache/*/{SET}.jsonl")).open("ab") as stream:
        stream.write(b'{"key": "torn by a k')
    asked_well(folder, server)
    assert not known & {seen.key for seen in server.seen[before:]}
    assert set(server.charges.values()) == {1} and len(server.charges) == COUNT
    assert [json.loads(line["response"])["category"] for line in answers(folder)] == [f"kettles of shelf {n}" for n in range(COUNT)]
    assert sorted(cached(folder)) == sorted(server.charges)


def test_a_kill_costs_what_was_in_flight_twice_where_keys_are_not_honoured(folder, start):
    server = start(longest_delay=0.1, honours_keys=False)
    killed_at(60, folder, server)
    asked_well(folder, server)
    twice = [key for key, count in server.charges.items() if count > 1]
    assert 1 <= len(twice) <= SETTINGS["in_flight"]
    assert max(server.charges.values()) == 2 and len(server.charges) == COUNT


def test_no_more_is_asked_than_is_in_flight_until_replies_are_kept(folder, start, monkeypatch):
    """A caller that is slow to write replies down has at most those in flight to lose."""
    server = start()
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    endpoint = Endpoint(SETTINGS, SAMPLING, Ledger(folder / "cache/spending.jsonl", 1e9, PRICES))
    replies = endpoint.replies(iter(requests(folder)), folder / "cache/set.jsonl")
    next(replies)
    time.sleep(1)
    assert len(server.seen) <= SETTINGS["in_flight"]
    assert len(list(replies)) == COUNT - 1


def test_a_full_disk_ends_the_job_with_one_line(folder, start):
    server = start()
    text = """
import errno, os, time
import ask_language_model
from shopbench.files import run_program
from shopbench.language_model.cache import AnswerCache

def add(*_):
    time.sleep(1)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

AnswerCache.add = add
run_program(ask_language_model.main)
"""
    assert "No space left" in refused(folder, server, ask=ask_alone, program=("-c", text), in_flight=2)


def test_a_model_is_asked_about_its_answers(folder, start):
    server = start({"good": 5, "no_json": 1})
    asked_well(folder, server, check=True)
    for line in answers(folder):
        is_good = server.kind(line["request"]["messages"]) == "good"
        assert line["response"] == (good(line["request"]["messages"]) if is_good else "Gladly!\u2028It is a kettle.")
        assert line["check"] in ((True, None) if is_good else (None,))
    checked = sum(line["check"] is True for line in answers(folder))
    assert (
        len(cached(folder))
        == len(set(cached(folder)))
        == len(server.charges)
        == COUNT + sum(seen.prompt.count("right?") for seen in server.seen)
    )
    assert checked > 100


@contextmanager
def threads_in_turns():
    """Let threads take turns after every few steps."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def test_a_cache_is_read_while_it_is_written(folder):
    """Checks are made of the answers by the endpoint's thread, while its caller adds theirs."""
    known, new = requests(folder, range(20)), requests(folder, range(20, 1000))
    cache = AnswerCache(folder / "cache", Asker("scripted", "", SAMPLING), SET)
    for request in known:
        cache.add(request, Reply(f"{request.key} " * 50))
    written = Event()

    def read():
        while not written.is_set():
            for request in known:
                assert cache.get(request).text == f"{request.key} " * 50

    with threads_in_turns(), ThreadPoolExecutor(1) as thread:
        reading = thread.submit(read)
        for request in new:
            cache.add(request, Reply(f"{request.key} " * 50))
        written.set()
    reading.result()
    again = AnswerCache(folder / "cache", Asker("scripted", "", SAMPLING), SET)
    assert [again.get(request).text for request in known + new] == [f"{request.key} " * 50 for request in known + new]


def test_a_broken_cache_is_named(folder, start):
    cache = AnswerCache(folder / "cache", Asker("scripted", "", SAMPLING), SET)
    cache.path.write_bytes(b"\0\0\0\n")
    assert f"{SET}.jsonl, line 1: no line of this cache" in refused(folder, start())


@pytest.mark.parametrize(
    ("completion", "reply"),
    [
        ({"choices": [{"message": {"content": "yes"}}]}, Reply("yes")),
        ({"choices": [{"message": {"content": "yes"}}], "usage": {"prompt_tokens": 3, "completion_tokens": None}}, Reply("yes", "", 3, 0)),
        ({"choices": [{"message": {"content": "half a pair: \ud83d"}}], "usage": None}, Reply("half a pair: ?")),
        ({"choices": [{"message": {"content": None}}], "usage": {"prompt_tokens": 3}}, Reply(None, REFUSED, 3, 0)),
        *((broken, Reply(None, "malformed reply")) for broken in (None, [], {}, {"choices": []}, {"choices": [{"message": None}]})),
        ({"choices": [{"message": {"content": "yes"}}], "usage": "much"}, Reply(None, "malformed reply")),
    ],
)
def test_any_completion_is_a_reply(completion, reply):
    assert reply_of(completion) == reply


def test_the_cap_is_never_exceeded_and_a_rerun_asks_only_the_rest(folder, start):
    """Whatever may have been charged counts: tries that timed out or broke off at a server that charges each."""
    server = start({"good": 30, "slow_once": 1, "dropped_once": 5, "broken_once": 1}, honours_keys=False)
    whole = sum(server.price(request.messages, SAMPLING["max_tokens"]) for request in requests(folder))
    cap = 0.5 * whole
    error = refused(folder, server, share=1, in_flight=4, timeout_seconds=2, spending_cap=cap)
    assert "language_model.endpoint.spending_cap" in error
    dollars, _ = ledger(folder)
    assert 0.3 * cap < server.dollars <= sum(dollars.values()) + 1e-6 <= cap + 2e-6
    assert not (folder / f"answers/{SET}.jsonl").exists()
    known, before = set(cached(folder)), len(server.seen)
    asked_well(folder, server, in_flight=4, timeout_seconds=2)
    assert not known & {seen.key for seen in server.seen[before:]}
    assert len(server.charges) == len(answers(folder)) == COUNT and max(server.charges.values()) == 2
    assert server.dollars <= sum(ledger(folder)[0].values()) + 1e-6


def test_what_was_not_charged_is_free_again(folder, start):
    """Errors and a server that is not there cost nothing; usage is what a good answer costs, and the most where there is none."""
    server = start({"good": 4, "broken": 1, "limited_once": 1, "bad_request": 1})
    asked_well(folder, server, share=1)
    dollars, unsettled = ledger(folder)
    assert not unsettled and sum(dollars.values()) == pytest.approx(server.dollars)
    add_set(folder, SET, range(COUNT, COUNT + 10))
    server.reports_usage = False
    asked_well(folder, server, share=1)
    dollars, unsettled = ledger(folder)
    assert len(unsettled) == len(answers(folder)) - sum(line["response"] is None for line in answers(folder))
    assert sum(dollars.values()) > server.dollars
    add_set(folder, SET, range(COUNT + 10, COUNT + 50))
    server.__exit__()
    refused(folder, server, retries=0)
    assert sum(ledger(folder)[0].values()) == pytest.approx(sum(dollars.values()))


def test_two_programs_share_one_cap(folder, start):
    """None could end within it even alone, and both together stay below."""
    add_set(folder, "other", range(COUNT, 2 * COUNT))
    server = start(longest_delay=0.05)
    cap = 0.4 * sum(server.price(request.messages, SAMPLING["max_tokens"]) for request in requests(folder, range(2 * COUNT)))
    programs = [started(folder, server, sets=(name,), spending_cap=cap) for name in (SET, "other")]
    said = [program.communicate(timeout=120)[1] for program in programs]
    assert [program.returncode for program in programs] == [2, 2], said
    assert all("spending_cap" in text for text in said)
    assert 0.3 * cap < server.dollars <= cap


def test_a_reservation_that_a_kill_left_open_stays_counted(folder, start):
    server = start(longest_delay=0.1)
    killed_at(60, folder, server)
    dollars, unsettled = ledger(folder)
    assert 1 <= len(unsettled) <= SETTINGS["in_flight"]
    total, one = sum(dollars.values()), dollars[unsettled[0]]
    time.sleep(0.5)
    before = len(server.seen)
    refused(folder, server, spending_cap=total + 0.5 * one)
    assert len(server.seen) == before
    refused(folder, server, spending_cap=total + 1.5 * one)
    assert len(server.seen) > before


def test_threads_and_processes_add_up_the_same(tmp_path):
    """The caller looks at the total while requests are reserved and settled."""
    ours, theirs = (Ledger(tmp_path / "spending.jsonl", 1e9, PRICES) for _ in range(2))
    looking = [Thread(target=lambda: [ours.spent for _ in range(500)]) for _ in range(2)]
    with threads_in_turns():
        for thread in looking:
            thread.start()
        for number in range(500):
            name = (ours, theirs)[number % 2].reserve(3.0)
            ours.settle(name, 1.0)
        for thread in looking:
            thread.join()
    assert ours.spent == theirs.spent == 500
    with pytest.raises(CapReached):
        Ledger(tmp_path / "spending.jsonl", 501, PRICES).reserve(1.5)
    assert ours.spent == 500


def test_a_line_that_a_full_disk_cut_off_is_passed_over(tmp_path):
    (tmp_path / "spending.jsonl").write_bytes(b'{"request": "whole", "dollars": 1.0}\n{"request": "torn", "dol')
    Ledger(tmp_path / "spending.jsonl", 10, PRICES).reserve(2.0)
    assert Ledger(tmp_path / "spending.jsonl", 10, PRICES).spent == 3.0


@pytest.mark.parametrize("mode", ["chat", "batch"])
@pytest.mark.parametrize(
    ("status", "named"), [(401, "OPENAI_API_KEY"), (403, "may not use the model"), (404, "language_model.endpoint.model")]
)
def test_a_refused_key_or_model_ends_the_job_at_once(folder, start, status, named, mode):
    server = start(refuses=status)
    assert named in refused(folder, server, mode=mode)
    assert len(server.seen) <= SETTINGS["in_flight"]


def test_a_refusal_is_not_repeated_at_the_pace_of_the_rate_limit(folder, start):
    server = start(refuses=401)
    refused(folder, server, requests_per_minute=60, in_flight=3)
    assert len(server.seen) <= 2


@pytest.mark.parametrize("mode", ["chat", "batch"])
def test_a_dead_server_ends_the_job(folder, start, mode):
    server = start()
    server.__exit__()
    assert "no connection" in refused(folder, server, mode=mode)


def test_a_server_that_fails_everything_is_down(folder, start):
    server = start({"broken": 1})
    assert "'HTTP 500'" in refused(folder, server, share=1, retries=0)
    assert 20 <= len(server.seen) < COUNT


def test_failures_that_are_left_to_the_end_are_no_dead_server(folder, start):
    """Requests that fail take the longest, so the last ones in flight may all be such."""
    server = start({"good": 5, "broken": 1})
    add_set(folder, SET, [n for n, request in enumerate(requests(folder, range(COUNT))) if server.kind(request.messages) == "good"])
    failing = [n for n, request in enumerate(requests(folder, range(COUNT))) if server.kind(request.messages) == "broken"]
    assert len(failing) > 22
    with (folder / f"seeds/{SET}.jsonl").open("a") as stream:
        stream.writelines(json.dumps(seed(number)) + "\n" for number in failing)
    asked_well(folder, server, share=1, in_flight=len(failing))
    assert sum(line["response"] is None for line in answers(folder)) == len(failing)


def test_a_share_may_stay_unanswered_and_is_asked_again(folder, start):
    server = start({"good": 12, "broken": 1})
    failing = {request.key for request in requests(folder) if server.kind(request.messages) == "broken"}
    share = len(failing) / COUNT
    error = refused(folder, server, share=share - 0.002, retries=0)
    assert f"{len(failing)} of {COUNT} seeds of {SET} have no answer ({{'HTTP 500': {len(failing)}}})" in error
    before = len(server.seen)
    asked_well(folder, server, share=share, retries=0)
    assert {seen.key for seen in server.seen[before:]} == failing
    assert len(server.seen) - before == len(failing)


def test_the_rate_limit_holds_for_every_try(folder, start):
    server = start({"broken_once": 1})
    add_set(folder, SET, range(30))
    asked_well(folder, server, requests_per_minute=600)
    times = sorted(seen.time for seen in server.seen)
    assert len(times) == 60
    assert times[-1] - times[0] >= 0.8 * (len(times) - 1) / 10
    for first in times:
        assert sum(first <= time < first + 1 for time in times) <= 10 + SETTINGS["in_flight"]


def test_no_more_than_in_flight_are_open_at_once(folder, start):
    server = start(longest_delay=0.05)
    asked_well(folder, server, in_flight=5)
    assert server.peak == 5


def test_batches_answer_as_chats_do(folder, start):
    shares = {kind: share for kind, share in EVERYTHING.items() if kind not in ("stalled", "limited_once", "broken_once")}
    asked_well(folder, start(shares), share=1, in_flight=16, timeout_seconds=2, cache="other")
    by_chat = (folder / f"answers/{SET}.jsonl").read_bytes()
    server = start(shares)
    asked_well(folder, server, share=1, mode="batch")
    assert (folder / f"answers/{SET}.jsonl").read_bytes() == by_chat
    assert [len(batch) for batch in server.submitted] == [COUNT]
    dollars, unsettled = ledger(folder)
    assert server.dollars <= sum(dollars.values()) + 1e-6


def test_a_batch_without_usage_counts_at_the_most_that_it_can_cost(folder, start):
    server = start()
    asked_well(folder, server, mode="batch")
    dollars, unsettled = ledger(folder)
    assert not unsettled and sum(dollars.values()) == pytest.approx(server.dollars)
    server = start(reports_usage=False)
    add_set(folder, SET, range(COUNT, COUNT + 20))
    asked_well(folder, server, mode="batch")
    assert len(ledger(folder)[1]) == 1


def test_a_batch_that_could_exceed_the_cap_is_not_submitted(folder, start):
    server = start()
    ledger = Ledger(folder / "cache/spending.jsonl", 1, PRICES)
    most = sum(ledger.most(request.messages, SAMPLING["max_tokens"]) for request in requests(folder)) * SETTINGS["batch_price"]
    assert "spending_cap" in refused(folder, server, mode="batch", spending_cap=most - 0.1)
    assert not server.submitted
    asked_well(folder, server, mode="batch", spending_cap=most + 0.1)


def test_a_submitted_batch_is_found_again_after_a_kill(folder, start):
    server = start(holds_batches=True)
    for number in range(3):
        server.submit(
            {"input_file_id": server.add_file(b""), "endpoint": "", "completion_window": "24h", "metadata": {"other": str(number)}}
        )
    killed_when(lambda: len(server.submitted) == 4, folder, server, mode="batch")
    # Later batches of others, so that ours is on no first page.
    for number in range(3):
        server.submit(
            {"input_file_id": server.add_file(b""), "endpoint": "", "completion_window": "24h", "metadata": {"other": str(number)}}
        )
    server.holds_batches = False
    asked_well(folder, server, mode="batch")
    assert [len(batch) for batch in server.submitted] == [0, 0, 0, COUNT, 0, 0, 0]
    assert set(server.charges.values()) == {1} and len(answers(folder)) == COUNT
    assert sum(ledger(folder)[0].values()) == pytest.approx(server.dollars)


def test_a_batch_that_a_kill_kept_from_submission_is_submitted_once(folder, start):
    server = start()
    killed_in(folder, server, "batches", "BatchEndpoint._submit", 1, mode="batch")
    assert not server.submitted and len(ledger(folder)[1]) == 1
    asked_well(folder, server, mode="batch")
    assert [len(batch) for batch in server.submitted] == [COUNT]
    assert sum(ledger(folder)[0].values()) == pytest.approx(server.dollars)


def test_a_kill_among_a_batchs_answers_loses_and_repeats_none(folder, start):
    server = start()
    killed_in(folder, server, "cache", "AnswerCache.add", 25, mode="batch")
    assert len(cached(folder)) == 24
    asked_well(folder, server, mode="batch")
    assert [len(batch) for batch in server.submitted] == [COUNT]
    assert len(cached(folder)) == len(set(cached(folder))) == COUNT


def test_a_submission_that_is_not_heard_of_in_time_is_not_repeated(folder, start):
    server = start(submission_seconds=3.0)
    asked_well(folder, server, mode="batch", timeout_seconds=1)
    assert [len(batch) for batch in server.submitted] == [COUNT]


def test_a_batchs_errors_are_asked_again_alone(folder, start):
    server = start({"good": 20, "broken_once": 1, "stalled": 1, "bad_request": 1})
    keys = {request.key: server.kind(request.messages) for request in requests(folder)}
    open_keys = sorted(key for key, kind in keys.items() if kind in ("broken_once", "stalled"))
    error = refused(folder, server, mode="batch")
    assert f"{len(open_keys)} of {COUNT} seeds" in error and "'HTTP 500'" in error and "'batch error'" in error
    asked_well(folder, server, mode="batch", share=0.5)
    assert [sorted(batch) for batch in server.submitted] == [sorted(keys), open_keys]
    assert sum(line["response"] is None for line in answers(folder)) == sum(kind in ("stalled", "bad_request") for kind in keys.values())


def test_a_failed_batch_ends_the_job_and_is_not_in_the_way_of_the_next(folder, start):
    server = start(fails_batches=True)
    assert "takes no batch" in refused(folder, server, mode="batch")
    server.fails_batches = False
    asked_well(folder, server, mode="batch")
    assert [len(batch) for batch in server.submitted] == [COUNT, COUNT]
    assert sum(ledger(folder)[0].values()) == pytest.approx(server.dollars)


@pytest.mark.parametrize("mode", ["chat", "batch"])
def test_neither_key_nor_address_is_written_anywhere(folder, start, mode):
    """The server repeats both in errors and in answers."""
    server = start(EVERYTHING | {"stalled": 0, "slow_once": 0}, echoes=True)
    done = ask_alone(folder, server, mode=mode, share=1, retries=0)
    assert done.returncode == 0, done.stderr
    assert any("<OPENAI_API_KEY>" in (line["response"] or "") for line in answers(folder))
    judged(folder)
    said = [done.stdout + done.stderr]
    add_set(folder, SET, range(COUNT, 2 * COUNT))
    for change in {"chat": ({"refuses": 401}, {"refuses": 500}), "batch": ({"fails_batches": True}, {"refuses": 500})}[mode]:
        for name, value in change.items():
            setattr(server, name, value)
        done = ask_alone(folder, server, mode=mode, share=1, retries=0)
        assert done.returncode == 2
        said.append(done.stdout + done.stderr)
    assert "<OPENAI_API_KEY>" in said[1] and "<OPENAI_BASE_URL>" in said[1]
    written = [path.read_text() for path in folder.rglob("*") if path.is_file()]
    assert len(written) > 4
    for text in (*said, *written):
        assert KEY not in text and server.address not in text


def test_an_edit_asks_what_it_changes_and_nothing_else(folder, start):
    add_set(folder, "other", range(COUNT, COUNT + 50))
    server = start()
    sets = (SET, "other")

    def asked_now(**changes):
        before = len(server.seen)
        asked_well(folder, server, sets=sets, **changes)
        return server.seen[before:]

    assert len(asked_now()) == COUNT + 50
    assert not asked_now()

    # A sample changes its level's prompts alone.
    rich = sum(line["request"]["level"] == "rich" for line in answers(folder))
    assert 0 < rich < COUNT
    samples = TEMPLATE["samples"] | {"rich": '{"type": "garden chair", "category": "seats"}'}
    add_set(folder, SET, range(COUNT), samples=samples)
    changed = asked_now()
    assert len(changed) == rich and all("garden chair" in seen.prompt for seen in changed)

    add_set(folder, SET, range(COUNT + 30), samples=samples)
    assert sorted(number_of(seen.prompt) for seen in asked_now()) == list(range(COUNT, COUNT + 30))
    add_set(folder, SET, range(COUNT - 30, COUNT + 30), samples=samples)
    assert not asked_now()
    assert len(answers(folder)) == 60

    assert len(asked_now(sampling=SAMPLING | {"temperature": 0.0})) == 60 + 50
    assert not asked_now()


def test_a_set_that_is_answered_needs_no_key(folder, start, monkeypatch):
    server = start()
    asked_well(folder, server)
    server.__exit__()
    for name in server.environment:
        monkeypatch.delenv(name, raising=False)
    assert run("ask_language_model.py", *options(folder)).returncode == 0
    done = run("ask_language_model.py", *options(folder, sampling=SAMPLING | {"seed": 2}))
    assert done.returncode == 2 and "OPENAI_API_KEY is not set" in done.stderr


# Seeds through cache and answers with an engine that replies in chunks, shuffled by the seed of its order; says how much memory it took.
MANY = """
import itertools, random, resource, sys
from pathlib import Path
import ask_language_model as program
from shopbench.language_model.cache import AnswerCache, Reply
from shopbench.language_model.prompts import Asker, read_template

folder, seeds, order = Path(sys.argv[1]), Path(sys.argv[2]), random.Random(int(sys.argv[3]))

class Shuffled:
    def replies(self, requests, cache):
        while chunk := list(itertools.islice(requests, 512)):
            order.shuffle(chunk)
            for request in chunk:
                yield request, Reply(f"{request.key} " + "answer " * 300, "", 1, 1)

asker = Asker("made", "", {"seed": 1})
asked = program.Set(seeds, read_template(folder / "templates/product_types.yaml"), asker, AnswerCache(folder / sys.argv[3], asker, "many"))
failed = program.answer(Shuffled(), asked.cache, asked.requests)
print(program.write_answers(folder / f"many-{sys.argv[3]}.jsonl", asked, failed, False))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_answers(folder):
    def run(count, order):
        write_jsonl(folder / f"{count}.jsonl", map(seed, range(count)))
        words = [sys.executable, "-c", MANY, str(folder), str(folder / f"{count}.jsonl"), str(order)]
        done = subprocess.run(words, cwd=SCRIPTS, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        counts, megabytes = done.stdout.splitlines()
        assert counts == f"({count}, 0)"
        return int(megabytes)

    few, again, many = run(10_000, 1), run(10_000, 2), run(100_000, 3)
    assert (folder / "many-1.jsonl").read_bytes() == (folder / "many-2.jsonl").read_bytes()
    assert (folder / "many-3.jsonl").stat().st_size > 200_000_000
    assert many - min(few, again) < 60
