"""Scores and gains by task type."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shopbench.files import BadInput
from shopbench.type_scores import by_type, gains_by_type

PROGRAM = Path(__file__).resolve().parents[3] / "workflow" / "scripts" / "compare_base.py"


def score_file(variant, answers, set_name="validation"):
    """Two tasks of multiple choice and one of entities; `answers` are the right ones of 40 questions of each."""
    right = dict(zip(("a", "b", "e"), answers, strict=True))
    tasks = {task: {"task_type": "multiple-choice", "score": right[task] / 40, "trivial": 0.25} for task in "ab"}
    tasks["e"] = {"task_type": "named_entity_recognition", "score": 0.5, "trivial": 0.1}
    tasks["refused"] = {"task_type": "generation", "score": None, "trivial": None}
    questions = []
    for task, count in right.items():
        for number in range(40):
            hit = number < count
            entry = {"id": f"{task}{number}", "task": task, "score": float(hit)}
            questions.append(entry | ({"counts": [int(hit), int(not hit), int(not hit)]} if task == "e" else {}))
    return {"set": set_name, "variant": variant, "tasks": tasks, "questions": questions}


def test_a_types_score_is_the_mean_over_its_tasks():
    found = by_type(score_file("base", (10, 30, 20)), draws=500)
    assert set(found) == {"multiple-choice", "named_entity_recognition"}
    choice = found["multiple-choice"]
    assert choice["score"] == pytest.approx((10 + 30) / 80) and choice["trivial"] == 0.25 and (choice["tasks"], choice["n"]) == (2, 80)
    assert choice["low"] < choice["score"] < choice["high"]
    assert found["named_entity_recognition"]["score"] == pytest.approx(0.5)


def test_gains_are_paired():
    one, other = score_file("tuned", (20, 35, 30)), score_file("base", (10, 30, 20))
    gains = gains_by_type(one, other, draws=500)
    assert gains["multiple-choice"]["difference"] == pytest.approx(15 / 80)
    assert all(gain["low"] > 0 for gain in gains.values())
    assert gains_by_type(other, other, draws=500)["multiple-choice"] == {"difference": 0, "low": 0, "high": 0}
    other["questions"].pop()
    with pytest.raises(BadInput, match="other questions in task e"):
        gains_by_type(one, other, draws=500)


def test_a_retrained_base_is_held_against_the_shipped_one(tmp_path):
    for name, answers in (("shipped", (10, 30, 20)), ("like", (11, 29, 21)), ("worse", (1, 10, 2))):
        (tmp_path / f"{name}.json").write_text(json.dumps(score_file(name, answers)))

    def compare(name, *more):
        command = [sys.executable, str(PROGRAM), "--shipped", "known.json", "--scores", f"{name}.json", "--bootstrap", "500", *more]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert compare("shipped", "--write").returncode == 0
    like, worse = compare("like"), compare("worse")
    assert like.returncode == 0 and "outside" not in like.stdout
    assert worse.returncode == 1 and worse.stdout.count("  outside") == 2
    (tmp_path / "other.json").write_text(json.dumps(score_file("other", (1, 2, 3), "development")))
    assert compare("other").returncode == 2
