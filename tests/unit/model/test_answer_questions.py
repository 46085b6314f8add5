"""The program that answers, on a tiny random Qwen2: one engine for all sets and tracks, killed and taken up, on one worker and on two."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import answer_questions
import pytest
from tiny_engine import ENGINE, NEW_TOKENS, question, save_base

from shopbench.files import read_json, read_jsonl
from shopbench.questions import write_questions

PROGRAM = Path(answer_questions.__file__)
SETS = ("development", "validation")

# The program, except that it is killed (SIGKILL: nothing is cleaned up) when it is about to keep its 25th answer.
KILLED = """
import os, signal
import answer_questions
from shopbench.answers import KeptAnswers

made, add = [], KeptAnswers.add

def add_or_die(self, ask, answer):
    made.append(ask)
    if len(made) == 25:
        os.kill(os.getpid(), signal.SIGKILL)
    add(self, ask, answer)

KeptAnswers.add = add_or_die
answer_questions.main()
"""


@pytest.fixture(scope="module")
def inputs(tokenizer, tmp_path_factory):
    """A base model, and two sets of 40 questions of four tracks, ten of which stand in both."""
    folder = tmp_path_factory.mktemp("answers")
    save_base(tokenizer, folder / "base")
    for number, name in enumerate(SETS):
        questions = [question(place, track=f"track{1 + place % 4}") for place in range(30 * number, 30 * number + 40)]
        write_questions(folder / f"{name}.parquet", [q | {"set": name, "id": f"{name}-{q['id']}"} for q in questions], {})
    return folder


def answer(inputs, folder, program=(str(PROGRAM),), **settings):
    options = {
        "--variant": "v", "--model": inputs / "base", "--precision": "bf16", "--constraints": "strict", "--device": "cpu",
        "--engine": json.dumps(ENGINE | settings), "--new-tokens": json.dumps(NEW_TOKENS), "--parts": folder / "parts",
        "--predictions": folder / "predictions", "--timing": folder / "timing.json",
    }  # fmt: skip
    command = [sys.executable, *program, *(str(word) for option in options.items() for word in option)]
    command += ["--evaluation", *(str(inputs / f"{name}.parquet") for name in SETS)]
    return subprocess.run(
        command, cwd=PROGRAM.parent, capture_output=True, text=True, env=os.environ | {"VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    )


def responses(folder, track="track5"):
    return {line["id"]: line["response"] for name in SETS for line in read_jsonl(folder / f"predictions/{name}/v/{track}.jsonl")}


@pytest.fixture(scope="module")
def undisturbed(inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    done = answer(inputs, folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stderr


def test_one_engine_answers_all_tracks_of_all_sets(undisturbed):
    folder, log = undisturbed
    assert log.count("engine of ") == 1
    assert "70 different questions to answer" in log
    assert [line for line in log.splitlines() if line in (f"{s}, track{t}" for s in SETS for t in range(1, 5))] == [
        f"{name}, track{track}" for name in SETS for track in range(1, 5)
    ]
    assert len(responses(folder)) == 80
    assert set(responses(folder, "track2")) == {q for q in responses(folder) if int(q.rpartition("-")[2]) % 4 == 1}


def test_times_add_up_and_every_answer_has_its_own(undisturbed):
    folder, _ = undisturbed
    times = read_json(folder / "timing.json")["sets"]["validation"]
    assert [times[f"track{n}"]["questions"] for n in range(1, 6)] == [10, 10, 10, 10, 40]
    assert times["track5"]["seconds"] == pytest.approx(sum(times[f"track{n}"]["seconds"] for n in range(1, 5)), abs=0.01)
    each = [line["seconds"] for line in read_jsonl(folder / "predictions/validation/v/track5.jsonl")]
    assert min(each) > 0 and len(set(each)) > 10
    assert times["track5"]["median_seconds"] <= times["track5"]["slowest_seconds"] == pytest.approx(max(each), abs=0.001)


def test_a_kill_loses_the_answers_in_flight_and_no_others(inputs, undisturbed, tmp_path):
    killed = answer(inputs, tmp_path, ("-c", KILLED))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "predictions").exists() and not (tmp_path / "timing.json").exists()
    again = answer(inputs, tmp_path)
    assert again.returncode == 0, again.stderr
    assert "46 different questions to answer" in again.stderr, again.stderr
    assert responses(tmp_path) == responses(undisturbed[0])
    assert not list((tmp_path / "parts").rglob("answers.jsonl"))


def test_two_workers_give_the_answers_of_one(inputs, undisturbed, tmp_path):
    """Tensor parallelism adds the halves of each product in another order; that moves no answer here."""
    done = answer(inputs, tmp_path, tensor_parallel=2)
    assert done.returncode == 0, done.stderr
    assert responses(tmp_path) == responses(undisturbed[0])
