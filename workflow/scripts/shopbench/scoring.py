"""From questions and responses to a score file: per question, task, track and overall, with intervals and the trivial answer's score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shopbench import bootstrap, metrics, parsers, shopping_mmlu_parsers
from shopbench.files import BadInput, progress
from shopbench.trivial import candidates, trivial_values

Question = dict[str, Any]
Parse = Callable[[str, str], parsers.Parsed]

# How a response is read, by what --rules may say.
RULES: dict[str, Parse] = {"challenge": parsers.parse, "shopping-mmlu": shopping_mmlu_parsers.parse}
CHALLENGE = "challenge"


@dataclass
class TaskResult:
    """One task's questions and what they scored.

    `values` and `trivial` hold scores of shape (n,), or counts (tp, fp, fn) of shape (n, 3) for micro F1; both are
    None when a metric of the task is refused. `resamples` has shape (draws,).
    """

    questions: list[Question]
    values: np.ndarray | None = None
    trivial: np.ndarray | None = None
    resamples: np.ndarray | None = None

    @property
    def metric(self) -> str:
        """The task's metric; of a task that mixes two (task 17: bleu, jp-bleu), both."""
        return ", ".join(dict.fromkeys(q["metric"] for q in self.questions))


def responses_by_id(predictions: list[dict[str, Any]], questions: list[Question], path: str | Path) -> dict[str, str]:
    """Response of every question. Raises BadInput naming the first id that is missing, twice there, or unknown."""
    responses: dict[str, str] = {}
    known = {question["id"] for question in questions}
    for number, line in enumerate(predictions, start=1):
        if not isinstance(line, dict) or not isinstance(line.get("id"), str) or not isinstance(line.get("response"), str):
            raise BadInput(f"{path}, line {number}: needs 'id' and 'response', both text")
        if line["id"] not in known:
            raise BadInput(f"{path}, line {number}: id {line['id']} is no question of the truth file")
        if line["id"] in responses:
            raise BadInput(f"{path}, line {number}: id {line['id']} is answered twice")
        responses[line["id"]] = line["response"]
    missing = [question for question in questions if question["id"] not in responses]
    if missing:
        raise BadInput(
            f"{path}: no answer to question {missing[0]['id']} ({missing[0]['task']}), and {len(missing) - 1} others are missing"
        )
    return responses


def by_task(questions: Iterable[Question]) -> dict[str, list[Question]]:
    """Questions of each task, tasks and questions in their order. Raises BadInput for a task whose questions disagree on track or type."""
    tasks: dict[str, list[Question]] = {}
    for question in questions:
        tasks.setdefault(question["task"], []).append(question)
    for task, members in tasks.items():
        for key in ("track", "task_type"):
            if len({q[key] for q in members}) > 1:
                raise BadInput(f"task {task}: its questions have several values of {key} ({', '.join(sorted({q[key] for q in members}))})")
        if len({q["metric"] == "micro f1" for q in members}) > 1:
            raise BadInput(f"task {task}: micro f1 sums over the whole task and cannot be mixed with another metric")
    return tasks


def sentence_models(
    tasks: dict[str, list[Question]], responses: dict[str, str], names: dict[str, str | None], parse: Parse
) -> tuple[dict[str, metrics.SentenceModel], dict[str, str]]:
    """(models by metric, reasons by refused metric) for the sentence metrics that the questions use, with all their texts embedded."""
    models: dict[str, metrics.SentenceModel] = {}
    refused: dict[str, str] = {}
    for metric in metrics.SENTENCE_METRICS:
        using = [members for members in tasks.values() if any(question["metric"] == metric for question in members)]
        name = names.get(metric)
        if using and not name:
            refused[metric] = "no sentence model is configured for it (scoring.sentence_models)"
        elif using and name:
            try:
                model = metrics.SentenceModel(name)
                model.embed(text for members in using for text in _texts(members, responses, parse))
                models[metric] = model
            except BadInput as error:
                refused[metric] = str(error)
    return models, refused


def _texts(members: list[Question], responses: dict[str, str], parse: Parse) -> Iterable[Any]:
    """Every text that scoring a generation task, and finding its trivial answer, will compare."""
    for question in members:
        yield parse(responses[question["id"]], question["task_type"])
        yield from [question["truth"]] if isinstance(question["truth"], str) else question["truth"]
    for constant in candidates(members[0]["task_type"], [question["reference"] for question in members]):
        yield parse(constant, members[0]["task_type"])


def score_tasks(
    questions: list[Question], responses: dict[str, str], names: dict[str, str | None], draws: int, seed: int, rules: str = CHALLENGE
) -> tuple[dict[str, TaskResult], dict[str, str]]:
    """(result of every task, reasons by refused metric).

    `names` are the sentence models by metric, `draws` the bootstrap's resamples, `rules` a key of `RULES`.
    """
    parse = RULES[rules]
    tasks = by_task(questions)
    models, refused = sentence_models(tasks, responses, names, parse)
    results = {}
    for task, members in tasks.items():
        result = results[task] = TaskResult(members)
        if any(question["metric"] in refused for question in members):
            progress(f"{task}: not scored, {result.metric} is refused")
            continue
        scores = [metrics.score_response(q["metric"], parse(responses[q["id"]], q["task_type"]), q["truth"], models) for q in members]
        result.values = np.array(scores, dtype=float)
        result.trivial = trivial_values(members, models, parse)
        result.resamples = bootstrap.task_resamples(result.values, task, draws, seed)
        progress(f"{task}: {bootstrap.task_score(result.values):.3f} ({result.metric}, {len(members)} questions)")
    return results, refused


def summary(
    set_name: str,
    variant: str,
    results: dict[str, TaskResult],
    refused: dict[str, str],
    macro: Sequence[str],
    rules: str = CHALLENGE,
) -> dict[str, Any]:
    """The score file's content (its shape is described in score.py). Raises BadInput for a macro task that the set does not have."""
    scored = {task: result for task, result in results.items() if result.values is not None}
    tracks: dict[str, list[str]] = {}
    for task, result in scored.items():
        tracks.setdefault(result.questions[0]["track"], []).append(task)
    by_track = {track: [scored[task] for task in tasks] for track, tasks in sorted(tracks.items())}
    return {
        "set": set_name,
        "variant": variant,
        "rules": rules,
        "tasks": {task: _task_entry(result) for task, result in results.items()},
        "tracks": {track: _mean_entry([[r] for r in members]) | {"tasks": len(members)} for track, members in by_track.items()},
        "overall": {
            "mean_over_tracks": _mean_entry(list(by_track.values())),
            "mean_over_tasks": _mean_entry([[result] for result in scored.values()]),
        },
        "macro": _macro_entry(results, macro),
        "questions": [entry for task, result in scored.items() for entry in _question_entries(task, result)],
        "refused": refused,
    }


def _task_entry(result: TaskResult) -> dict[str, Any]:
    first = result.questions[0]
    entry = {"track": first["track"], "task_type": first["task_type"], "metric": result.metric, "n": len(result.questions)}
    if result.values is None:
        return entry | {"score": None, "low": None, "high": None, "trivial": None}
    return entry | _mean_entry([[result]])


def _mean_entry(groups: list[list[TaskResult]]) -> dict[str, float | None]:
    """Score, interval and trivial score of the mean over groups of the mean over each group's tasks; all None when there is no group."""
    if not groups:
        return {"score": None, "low": None, "high": None, "trivial": None}
    resamples = bootstrap.mean_over_tasks([bootstrap.mean_over_tasks([_given(r.resamples) for r in group]) for group in groups])
    low, high = bootstrap.interval(resamples)
    score = np.mean([np.mean([bootstrap.task_score(_given(r.values)) for r in group]) for group in groups])
    trivial = np.mean([np.mean([bootstrap.task_score(_given(r.trivial)) for r in group]) for group in groups])
    return {"score": float(score), "low": low, "high": high, "trivial": float(trivial)}


def _given(array: np.ndarray | None) -> np.ndarray:
    assert array is not None, "only tasks that were scored enter a mean"
    return array


def _macro_entry(results: dict[str, TaskResult], macro: Sequence[str]) -> dict[str, Any] | None:
    """The mean over the named tasks. With one of them refused there is none: a mean over the rest would be another quantity."""
    if not macro:
        return None
    absent = [task for task in macro if task not in results]
    if absent:
        raise BadInput(f"evaluation.macro names '{absent[0]}', which is no task of this set; its tasks: {', '.join(results)}")
    if twice := [task for task, n in Counter(macro).items() if n > 1]:
        raise BadInput(f"evaluation.macro names '{twice[0]}' twice")
    members = [results[task] for task in macro]
    complete = all(result.values is not None for result in members)
    return _mean_entry([[result] for result in members] if complete else []) | {"tasks": list(macro)}


def _question_entries(task: str, result: TaskResult) -> Iterable[dict[str, Any]]:
    """One line a question. Under micro F1 a question's own score is its F1, and `counts` (tp, fp, fn) is what the task sums."""
    assert result.values is not None and result.trivial is not None
    for question, value, trivial in zip(result.questions, result.values, result.trivial, strict=True):
        entry = {"id": question["id"], "task": task}
        if value.ndim == 0:
            yield entry | {"score": float(value), "trivial": float(trivial)}
        else:
            yield entry | {
                "score": metrics.f1(*value.tolist()),
                "trivial": metrics.f1(*trivial.tolist()),
                "counts": [int(c) for c in value],
            }
