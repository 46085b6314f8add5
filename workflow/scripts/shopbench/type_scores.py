"""Scores by task type: the unweighted mean over a type's tasks, with an interval, and of paired differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shopbench.bootstrap import interval, mean_over_tasks, task_resamples, task_score
from shopbench.files import BadInput


def by_type(scores: Mapping[str, Any], draws: int, seed: int = 1) -> dict[str, dict[str, float | int]]:
    """{task type: {score, low, high, trivial, tasks, n}} of a score file, types in the order in which they come.

    `low` and `high` hold 95 % of the bootstrap over questions (`draws` resamples); tasks whose metric was refused are left out.
    """
    found = {}
    for task_type, tasks in tasks_of_types(scores).items():
        values = [values_of(scores, task) for task in tasks]
        low, high = interval(mean_over_tasks([task_resamples(v, task, draws, seed) for v, task in zip(values, tasks, strict=True)]))
        found[task_type] = {
            "score": float(np.mean([task_score(v) for v in values])),
            "low": low,
            "high": high,
            "trivial": float(np.mean([scores["tasks"][task]["trivial"] for task in tasks])),
            "tasks": len(tasks),
            "n": sum(len(v) for v in values),
        }
    return found


def gains_by_type(new: Mapping[str, Any], old: Mapping[str, Any], draws: int, seed: int = 1) -> dict[str, dict[str, float]]:
    """{task type: {difference, low, high}} of two score files on the same questions, which meet the same resamples.

    Raises BadInput when the questions differ.
    """
    gains = {}
    for task_type, tasks in tasks_of_types(new).items():
        compared = []
        for task in tasks:
            if [q["id"] for q in new["questions"] if q["task"] == task] != [q["id"] for q in old["questions"] if q["task"] == task]:
                raise BadInput(f"scores of {new['variant']} and {old['variant']}: other questions in task {task}; score both again")
            compared.append(paired(values_of(new, task), values_of(old, task), task, draws, seed))
        gains[task_type] = entry(float(np.mean([gain for gain, _ in compared])), mean_over_tasks([drawn for _, drawn in compared]))
    return gains


def tasks_of_types(scores: Mapping[str, Any]) -> dict[str, list[str]]:
    """The scored tasks of each task type."""
    tasks: dict[str, list[str]] = {}
    for task, entry in scores["tasks"].items():
        if entry["score"] is not None:
            tasks.setdefault(entry["task_type"], []).append(task)
    return tasks


def values_of(scores: Mapping[str, Any], task: str) -> np.ndarray:
    """Scores of a task's questions, shape (n,), or counts of shape (n, 3) under micro F1."""
    return np.array([q.get("counts", q["score"]) for q in scores["questions"] if q["task"] == task], dtype=float)


def paired(ours: np.ndarray, theirs: np.ndarray, task: str, draws: int, seed: int) -> tuple[float, np.ndarray]:
    """(difference of the task's scores, its resamples of shape (draws,)); inputs (n,) or (n, 3), row by row the same question."""
    difference = task_score(ours) - task_score(theirs)
    return difference, task_resamples(ours, task, draws, seed) - task_resamples(theirs, task, draws, seed)


def entry(difference: float, resamples: np.ndarray) -> dict[str, float]:
    low, high = interval(resamples)
    return {"difference": difference, "low": low, "high": high}
