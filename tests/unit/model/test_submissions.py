"""Submissions to the challenge: packed, then answered by their own code, in small batches, off the network, within limits."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import run_submissions
from tiny_engine import ENGINE, NEW_TOKENS, question, save_base

from shopbench.files import BadInput, read_json
from shopbench.questions import write_questions
from shopbench.time_budget import Costs, Load, fit_costs, spread

PROGRAMS = Path(run_submissions.__file__).parent
SETTINGS = {"device": "cpu", "engine": ENGINE, "new_tokens": NEW_TOKENS, "constraints": "boost", "batch": 4}
MINUTES = {f"track{n}": 5.0 for n in range(1, 6)}


def pack(weights, folder, **changes):
    options = {
        "--track": folder.name, "--variant": "v", "--weights": weights, "--settings": json.dumps(SETTINGS | changes), "--authors": '["me"]',
        "--requirements": PROGRAMS.parents[1] / "envs/model.cpu.txt", "--output": folder,
    }  # fmt: skip
    return run("pack_submission.py", *(word for option in options.items() for word in option))


def run(program, *arguments):
    return subprocess.run([sys.executable, PROGRAMS / program, *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def made(tokenizer, tmp_path_factory):
    """A model, 34 questions of four tracks, and two submissions of the model."""
    folder = tmp_path_factory.mktemp("submissions")
    save_base(tokenizer, folder / "weights")
    questions = [question(place, track=f"track{1 + place % 4}") | {"set": "development"} for place in range(34)]
    write_questions(folder / "development.parquet", questions, {})
    for track in ("track2", "track5"):
        done = pack(folder / "weights", folder / "submissions" / track)
        assert done.returncode == 0, done.stderr
    return folder


def answer(made, output, minutes, *more, tracks=("track2", "track5")):
    submissions = [made / "submissions" / track for track in tracks]
    limits = ["--minutes", json.dumps(minutes), "--seconds-per-question", "10"]
    where = ["--variant", "v", "--evaluation", made / "development.parquet", "--output", output]
    return run("run_submissions.py", "--submissions", *submissions, *where, *limits, *more)


def test_a_submission_has_what_the_challenge_reads(made):
    folder = made / "submissions/track2"
    about = read_json(folder / "aicrowd.json")
    assert (
        about["challenge_id"] == "amazon-kdd-cup-24-shopping-knowledge-reasoning" and about["authors"] == ["me"] and about["gpu"] is False
    )
    assert read_json(made / "submissions/track5/aicrowd.json")["challenge_id"] == "amazon-kdd-cup-24-all-around"
    assert (folder / "weights/model.safetensors").samefile(made / "weights/model.safetensors"), "linked, not copied"
    assert {entry["name"]: entry["sha256"] for entry in read_json(folder / "manifest.json")["files"]}["weights/config.json"] == {
        entry["name"]: entry["sha256"] for entry in read_json(made / "weights/manifest.json")["files"]
    }["config.json"]


def test_the_entry_point_answers_alone(made):
    """In a process that knows nothing but the submission's folder, as on the challenge's machine."""
    code = """
import json, sys
from models.user_config import UserModel
model = UserModel()
asked = {"prompt": ["Which?\\n0. red\\n1. cotton\\nAnswer: ", "Which?\\n0. steel\\n1. water\\nAnswer: "]}
print(json.dumps([model.get_batch_size(), model.batch_predict(asked, True), sys.modules["shopbench.engine"].__file__]))
"""
    folder = made / "submissions/track2"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=os.environ | {"PYTHONPATH": ""}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    size, responses, module = json.loads(done.stdout.splitlines()[-1])
    assert size == 4 and len(responses) == 2 and all(r in "012345," for r in responses)
    assert Path(module).is_relative_to(folder), "the modules are the submission's own"


def test_tracks_are_answered_in_turn_by_one_start_within_their_limits(made, tmp_path):
    done = answer(made, tmp_path / "times.json", MINUTES, "--cut-network")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("engine of ") == 1
    assert f"engine of {made}/submissions/track2/weights" in done.stderr
    times = read_json(tmp_path / "times.json")
    assert {track: entry["questions"] for track, entry in times["tracks"].items()} == {"track2": 9, "track5": 34}
    for entry in times["tracks"].values():
        assert times["engine_start_seconds"] < 60 * entry["minutes"] < 60 * entry["limit_minutes"]
        assert 0 < entry["slowest_seconds_per_question"] < 10
    # All batches of so few questions are measured, so nothing is left to predict.
    assert times["tracks"]["track2"]["predicted_minutes"] == times["tracks"]["track2"]["minutes"]
    assert times["batch"] == 4 and times["network"] in ("none", "left as it is")


def test_a_track_that_cannot_fit_is_refused(made, tmp_path):
    done = answer(made, tmp_path / "times.json", MINUTES | {"track2": 0.001}, tracks=("track2",))
    assert done.returncode == 2 and not (tmp_path / "times.json").exists()
    assert "error: track2: its 9 questions would take " in done.stderr and "the limit is 0.001" in done.stderr


def test_submissions_of_two_models_are_refused(made, tmp_path):
    assert pack(made / "weights", tmp_path / "track4", constraints="strict").returncode == 0
    with pytest.raises(BadInput, match="track4: does not hold what .*track2 holds"):
        run_submissions.load_model([made / "submissions/track2", tmp_path / "track4"])


def test_weights_that_are_not_whole_are_not_packed(made, tmp_path, tokenizer):
    save_base(tokenizer, tmp_path / "weights")
    (tmp_path / "weights/model.safetensors").unlink()
    done = pack(tmp_path / "weights", tmp_path / "track1")
    assert done.returncode == 2 and "model.safetensors: listed in manifest.json but missing" in done.stderr
    assert not (tmp_path / "track1").exists()


def test_batches_are_of_one_kind_and_in_order():
    questions = [{"prompt": str(n), "is_multiple_choice": n < 6 or n == 9} for n in range(12)]
    found = list(run_submissions.batches(questions, 4))
    assert found == [(["0", "1", "2", "3"], True), (["4", "5"], True), (["6", "7", "8"], False), (["9"], True), (["10", "11"], False)]


class Slow:
    def batch_predict(self, batch, is_multiple_choice):
        time.sleep(0.05)
        return ["1"] * len(batch["prompt"])


def test_a_slow_batch_is_named():
    with pytest.raises(BadInput, match="track1, batch 7: .* s a question, the limit is 0.01"):
        run_submissions.answer(Slow(), "track1", 7, (["a", "b"], True), 0.01)


def test_costs_are_found_again():
    rng = np.random.default_rng(0)
    true = Costs(0.02, 3e-5, 0.006)
    loads = [Load(int(tokens), int(steps)) for tokens, steps in zip(rng.integers(200, 9000, 40), rng.integers(1, 50, 40), strict=True)]
    found = fit_costs(
        loads[:12], [true.seconds(load) * factor for load, factor in zip(loads[:12], rng.uniform(0.97, 1.03, 12), strict=True)]
    )
    assert sum(map(found.seconds, loads)) == pytest.approx(sum(map(true.seconds, loads)), rel=0.05)


def test_costs_are_never_negative():
    """More tokens took less time: the constant explains it."""
    assert fit_costs([Load(100, 1), Load(200, 1)], [2.0, 1.0]).prompt_token == 0


def test_places_are_spread_over_the_whole():
    assert spread(100, 5) == [0, 25, 50, 74, 99]
    assert spread(3, 12) == [0, 1, 2] and spread(1, 12) == [0]


def test_a_process_without_network_sees_the_loopback_device_alone():
    code = "import socket; from shopbench.network import cut_network; print(cut_network(), [n for _, n in socket.if_nameindex()])"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROGRAMS, capture_output=True, text=True, check=True)
    if done.stdout.startswith("False"):
        pytest.skip("this system does not allow it")
    assert done.stdout.split(maxsplit=1)[1].strip() == "['lo']"
