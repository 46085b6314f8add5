"""Two runs side by side: scores with intervals, paired differences where both answered the same questions, and what the configs differ in.

A is the run that B is compared with: every difference is B minus A. Track 5 is all tasks of a set, as in the challenge.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shopbench.bootstrap import interval, mean_over_tasks, task_resamples, task_score
from shopbench.causes import ABSENT, flat
from shopbench.files import BadInput, read_json
from shopbench.report_data import TRACKS, read_scores, read_yaml, track_score

Scores = dict[tuple[str, str], dict[str, Any]]
Row = dict[str, Any]
# What a run is called and where it lies: different in any two runs.
NAMES = ("run", "pathvars")


@dataclass(frozen=True)
class FinishedRun:
    """A run's folder as read: its config, and its scores by (set, variant)."""

    folder: Path
    config: dict[str, Any]
    scores: Scores

    @property
    def simulated(self) -> bool:
        return bool(self.config.get("sources", {}).get("simulate"))


def read_finished_run(folder: Path) -> FinishedRun:
    """A run from results/<run>; BadInput if it is none, or has no scores yet."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; give a run's, as results/demo")
    if not (folder / "run_config.yaml").is_file():
        raise BadInput(f"{folder}: no run_config.yaml in it; give the folder of a finished run, as results/demo")
    files = sorted((folder / "scores").glob("*/*.json"))
    if not files:
        raise BadInput(f"{folder}: no scores/<set>/<variant>.json in it; finish the run first")
    config = read_yaml(folder / "run_config.yaml")
    if not isinstance(config, dict) or "run" not in config:
        raise BadInput(f"{folder}/run_config.yaml: no key 'run'; delete it and start the run again")
    for file in files:
        if "questions" not in read_json(file):
            raise BadInput(f"{file}: no key 'questions'; delete it and score again")
    return FinishedRun(folder, config, read_scores(files))


def config_difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(key, value in A, value in B) of every key that differs, dotted; the run's name and folders are left out."""
    ours, theirs = (flat({key: value for key, value in config.items() if key not in NAMES}) for config in (a, b))
    keys = sorted({*ours, *theirs})
    return [
        (key, text_of(ours.get(key, ABSENT)), text_of(theirs.get(key, ABSENT)))
        for key in keys
        if ours.get(key, ABSENT) != theirs.get(key, ABSENT)
    ]


def text_of(value: Any) -> str:
    if value is ABSENT:
        return "(none)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


# scores


def question_values(scores: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Score, or counts under micro F1, of each of a task's questions by id."""
    return {question["id"]: question.get("counts", question["score"]) for question in scores["questions"] if question["task"] == task}


def scored_tasks(scores: Mapping[str, Any]) -> list[str]:
    return [task for task, entry in scores["tasks"].items() if entry["score"] is not None]


def task_differences(a: Mapping[str, Any], b: Mapping[str, Any], draws: int, seed: int) -> dict[str, tuple[float, np.ndarray]]:
    """(B minus A, its resamples of shape (draws,)) of each task that both scored on the same questions.

    In every resample both meet the same questions, so what makes a question hard for both cancels out.
    """
    found = {}
    for task in scored_tasks(a):
        ours, theirs = question_values(a, task), question_values(b, task)
        if not ours or ours.keys() != theirs.keys() or b["tasks"][task]["score"] is None:
            continue
        first = np.array(list(ours.values()), float)
        second = np.array([theirs[question] for question in ours], float)
        if first.shape != second.shape:
            raise BadInput(f"scores of {a['variant']} on {a['set']}: task {task} has another metric in the two runs; score both anew")
        drawn = task_resamples(second, task, draws, seed) - task_resamples(first, task, draws, seed)
        found[task] = (task_score(second) - task_score(first), drawn)
    return found


def score_rows(a: FinishedRun, b: FinishedRun, draws: int, seed: int) -> list[Row]:
    """A row per set, variant and track that both runs scored: score_a, low_a, high_a, score_b ..., difference, low, high.

    The difference has an interval only if both answered the same questions in all of the track's tasks (`paired`).
    """
    rows = []
    for set_name, variant in common(a, b):
        ours, theirs = a.scores[set_name, variant], b.scores[set_name, variant]
        gains = task_differences(ours, theirs, draws, seed)
        for track in TRACKS:
            first, second = track_score(ours, track), track_score(theirs, track)
            if first["score"] is None or second["score"] is None:
                continue
            tasks = {
                task for scores in (ours, theirs) for task in scored_tasks(scores) if track in (scores["tasks"][task]["track"], "track5")
            }
            paired = tasks <= gains.keys()
            low, high = interval(mean_over_tasks([gains[task][1] for task in sorted(tasks)])) if paired else (None, None)
            faces = {
                f"{key}_{run}": value[key] for run, value in (("a", first), ("b", second)) for key in ("score", "low", "high", "questions")
            }
            row = {"set": set_name, "variant": variant, "track": track, **faces, "difference": second["score"] - first["score"]}
            rows.append(row | {"low": low, "high": high, "paired": paired})
    return rows


def task_rows(a: FinishedRun, b: FinishedRun, draws: int, seed: int, variants: Iterable[str]) -> list[Row]:
    """The same for every task of these variants, the largest differences first."""
    rows = []
    for set_name, variant in common(a, b):
        if variant not in variants:
            continue
        ours, theirs = a.scores[set_name, variant], b.scores[set_name, variant]
        for task, (difference, drawn) in task_differences(ours, theirs, draws, seed).items():
            low, high = interval(drawn)
            faces = {
                f"{key}_{run}": scores["tasks"][task][key]
                for run, scores in (("a", ours), ("b", theirs))
                for key in ("score", "low", "high")
            }
            row = {"set": set_name, "variant": variant, "task": task, "questions": ours["tasks"][task]["n"], **faces}
            rows.append(row | {"difference": difference, "low": low, "high": high})
    return sorted(rows, key=lambda row: -abs(row["difference"]))


def common(a: FinishedRun, b: FinishedRun) -> list[tuple[str, str]]:
    """(set, variant) that both runs scored, in A's order of sets."""
    return [key for key in a.scores if key in b.scores]


def only_in(one: FinishedRun, other: FinishedRun) -> list[str]:
    """`variant on set` that the other run did not score."""
    return [f"{variant} on {set_name}" for set_name, variant in one.scores if (set_name, variant) not in other.scores]
