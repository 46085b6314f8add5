"""The paired difference of two score files on a track: both variants answered the same questions, so each resample meets both."""

from __future__ import annotations

from typing import Any

import numpy as np

from shopbench.bootstrap import interval, mean_over_tasks, task_resamples
from shopbench.files import BadInput


def track_gain(new: dict[str, Any], old: dict[str, Any], track: str, draws: int, seed: int) -> tuple[float, float]:
    """95 % interval (low, high) of the track's score under `new` minus that under `old`; Track 5 is all tasks.

    `draws` resamples, the same ones for both. Raises BadInput when the two did not answer the same questions.
    """
    tasks = [task for task, entry in new["tasks"].items() if entry["score"] is not None and track in (entry["track"], "track5")]
    differences = []
    for task in tasks:
        ours, theirs = _values(new, task), _values(old, task)
        if list(ours) != list(theirs):
            raise BadInput(
                f"scores of {new['variant']} and {old['variant']} on {new['set']}: other questions in task {task}; score both again"
            )
        ours_drawn, theirs_drawn = (task_resamples(np.array(list(values.values()), float), task, draws, seed) for values in (ours, theirs))
        differences.append(ours_drawn - theirs_drawn)
    return interval(mean_over_tasks(differences))


def _values(scores: dict[str, Any], task: str) -> dict[str, Any]:
    """Score, or counts under micro F1, of each of a task's questions by id."""
    return {question["id"]: question.get("counts", question["score"]) for question in scores["questions"] if question["task"] == task}
