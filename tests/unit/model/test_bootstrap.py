"""Bootstrap intervals against the normal theory, and the paired comparison on cases whose answer is known."""

import json

import numpy as np
import pytest
from in_process import run

from shopbench.bootstrap import interval, mean_over_tasks, task_resamples, task_score

SCORES = np.random.default_rng(7).random(400)


def test_interval_of_a_mean_agrees_with_its_standard_error():
    low, high = interval(task_resamples(SCORES, "task", draws=4000, seed=1))
    error = SCORES.std() / np.sqrt(len(SCORES))
    assert (low + high) / 2 == pytest.approx(SCORES.mean(), abs=0.1 * error)
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.08)


def test_micro_f1_resamples_counts_not_scores():
    counts = np.array([[9, 1, 1], [0, 1, 0], [1, 0, 1]])
    assert task_score(counts) == pytest.approx(2 * 10 / (2 * 10 + 2 + 2))
    resamples = task_resamples(counts, "task", draws=3000, seed=1)
    # Drawing the second question three times has odds of 1/27 and gives 0; nothing exceeds the best question alone.
    assert np.mean(resamples == 0) == pytest.approx(1 / 27, abs=0.012)
    assert resamples.max() == pytest.approx(18 / 20)


def test_same_seed_same_draws_and_other_tasks_other_draws():
    again = task_resamples(SCORES, "task", draws=100, seed=1)
    assert np.array_equal(task_resamples(SCORES, "task", draws=100, seed=1), again)
    assert not np.array_equal(task_resamples(SCORES, "other", draws=100, seed=1), again)
    assert not np.array_equal(task_resamples(SCORES, "task", draws=100, seed=2), again)


def test_a_mean_over_tasks_is_as_sure_as_its_tasks_together():
    one = [task_resamples(SCORES, f"task{n}", draws=4000, seed=1) for n in range(4)]
    assert mean_over_tasks(one).std() == pytest.approx(one[0].std() / 2, rel=0.1)


def score_file(path, variant, tasks):
    questions = [
        {"id": f"{task}-{i}", "task": task, "trivial": 0.0, **({"score": v} if np.ndim(v) == 0 else {"score": 0.0, "counts": v})}
        for task, values in tasks.items()
        for i, v in enumerate(values)
    ]
    macro = {"score": 0.5, "low": 0, "high": 1, "trivial": 0, "tasks": list(tasks)}
    scored = {task: {"task_type": "multiple-choice", "score": 0.5, "trivial": 0.0} for task in tasks}
    path.write_text(json.dumps({"set": "validation", "variant": variant, "macro": macro, "tasks": scored, "questions": questions}))
    return path


def compare(tmp_path, variant, baseline):
    a, b = score_file(tmp_path / "a.json", "tuned", variant), score_file(tmp_path / "b.json", "base", baseline)
    result = run("compare_variants.py", "--variant", a, "--baseline", b, "--output", tmp_path / "c.json")
    return json.loads((tmp_path / "c.json").read_text()) if result.returncode == 0 else result.stderr


def test_pairing_sees_a_small_steady_gain(tmp_path):
    """0.01 better on every question: far inside either interval alone, and certain in pairs."""
    base = SCORES.tolist()
    comparison = compare(tmp_path, {"t": (SCORES + 0.01).tolist()}, {"t": base})
    assert comparison["difference"] == pytest.approx(0.01)
    assert comparison["low"] == pytest.approx(0.01) == comparison["high"]


def test_shuffled_scores_are_no_gain(tmp_path):
    comparison = compare(tmp_path, {"t": SCORES[::-1].tolist()}, {"t": SCORES.tolist()})
    assert comparison["difference"] == pytest.approx(0)
    assert comparison["low"] < 0 < comparison["high"]


def test_macro_is_the_mean_over_tasks_and_uses_counts(tmp_path):
    comparison = compare(tmp_path, {"t": [1.0] * 50, "ner": [[1, 0, 0]] * 5}, {"t": [0.0] * 50, "ner": [[1, 1, 1]] * 5})
    assert comparison["tasks"]["ner"]["difference"] == pytest.approx(0.5)
    assert comparison["difference"] == pytest.approx(0.75)


def test_different_questions_are_refused(tmp_path):
    assert "different questions in task t" in compare(tmp_path, {"t": [1.0, 0.0]}, {"t": [1.0]})
