"""Evaluation questions: their columns, their ids, what their truths may look like, and how they are read and written.

A question's `truth` is what the development set calls `output_field`:

    accuracy                        int, the index of the right option
    hit rate@3                      list of int, the indices that count (from 1)
    ndcg                            list of numbers, the relevance of each candidate in its order of appearance
    micro f1                        list of str, the entities
    every other metric (text)       str, or a list of str of which each is a reference

Files keep it as JSON. The same checks hold for the challenge's JSON lines and for this project's Parquet files.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shopbench.chat import TASK_TYPES
from shopbench.files import BadInput, read_jsonl
from shopbench.hashing import hash64

COLUMNS = ("id", "set", "track", "task", "task_type", "metric", "is_multiple_choice", "prompt", "truth", "reference", "locale")

# The metrics that this project knows, with the task types whose parsed responses they can read.
TASK_TYPES_OF_METRIC = {
    "accuracy": {"multiple-choice"},
    "hit rate@3": {"retrieval", "ranking"},
    "ndcg": {"ranking"},
    "micro f1": {"named_entity_recognition"},
    "rougel": {"generation"},
    "bleu": {"generation"},
    "jp-bleu": {"generation"},
    "sent-transformer": {"generation"},
    "multilingual-sent-transformer": {"generation"},
}

# The challenge's names of Tracks 1 to 4, without the prefix that every one of them carries.
CHALLENGE_TRACKS = {
    "understanding-shopping-concepts": "track1",
    "shopping-knowledge-reasoning": "track2",
    "user-behavior-alignment": "track3",
    "multi-lingual-abilities": "track4",
}
CHALLENGE_PREFIX = "amazon-kdd-cup-24-"

Question = dict[str, Any]


def check_question(question: Question, where: str) -> None:
    """Raise BadInput, beginning with `where`, unless task type, metric and truth (decoded) fit each other."""
    task_type, metric = question["task_type"], question["metric"]
    if task_type not in TASK_TYPES:
        raise BadInput(f"{where}: unknown task_type '{task_type}'; known: {', '.join(TASK_TYPES)}")
    if metric not in TASK_TYPES_OF_METRIC:
        raise BadInput(f"{where}: unknown metric '{metric}'; known: {', '.join(TASK_TYPES_OF_METRIC)}")
    if task_type not in TASK_TYPES_OF_METRIC[metric]:
        raise BadInput(f"{where}: metric '{metric}' cannot score task_type '{task_type}'")
    if not isinstance(question["prompt"], str) or not question["prompt"].strip():
        raise BadInput(f"{where}: the prompt is empty")
    if not _truth_fits(metric, question["truth"]):
        raise BadInput(f"{where}: the truth {json.dumps(question['truth'])[:80]} does not fit metric '{metric}'")


def _truth_fits(metric: str, truth: Any) -> bool:
    def list_of(*kinds: type) -> bool:
        return isinstance(truth, list) and bool(truth) and all(isinstance(t, kinds) and not isinstance(t, bool) for t in truth)

    if metric == "accuracy":
        return isinstance(truth, int) and not isinstance(truth, bool) and 0 <= truth <= 9
    if metric == "hit rate@3":
        return list_of(int)
    if metric == "ndcg":
        return list_of(int, float)
    if metric == "micro f1":
        return list_of(str)
    return (isinstance(truth, str) and bool(truth.strip())) or list_of(str)


def question_ids(set_name: str, keys: Iterable[tuple[str, str]]) -> list[str]:
    """One id per (task, prompt): 16 hexadecimal digits that depend on the set's name, the key, and how often the key came before."""
    seen: Counter[tuple[str, str]] = Counter()
    ids = []
    for task, prompt in keys:
        ids.append(f"{hash64('question', set_name, task, prompt, seen[task, prompt]):016x}")
        seen[task, prompt] += 1
    return ids


def reference_answer(truth: Any, task_type: str) -> str:
    """A response that scores the most there is to get (with several reference texts: the first of them)."""
    if task_type == "ranking":
        order = sorted(range(len(truth)), key=lambda i: -truth[i])
        return ",".join(str(i + 1) for i in order)
    if task_type == "retrieval":
        return ",".join(str(index) for index in truth)
    if task_type == "named_entity_recognition":
        plain = not any("," in entity or entity != entity.strip() for entity in truth)
        return ", ".join(truth) if plain else repr(truth)
    return truth[0] if isinstance(truth, list) else str(truth)


def challenge_questions(rows: list[dict[str, Any]], path: str | Path, set_name: str, tracks: list[str] | None = None) -> list[Question]:
    """Questions (truth decoded) from rows in the challenge's JSON-lines form.

    `tracks` gives each row's track where the rows themselves carry none. Raises BadInput that names the row's number in `path`.
    """
    needed = ["input_field", "output_field", "task_name", "task_type", "metric", *([] if tracks else ["track"])]
    questions = []
    for number, row in enumerate(rows, start=1):
        where = f"{path}, row {number}"
        missing = [key for key in needed if key not in row] if isinstance(row, dict) else needed
        if missing:
            raise BadInput(f"{where}: no '{missing[0]}'; every row needs {', '.join(needed)}")
        question = {
            "set": set_name,
            "track": tracks[number - 1] if tracks else _challenge_track(row["track"], where),
            "task": row["task_name"],
            "task_type": row["task_type"],
            "metric": row["metric"],
            "is_multiple_choice": row["task_type"] == "multiple-choice",
            "prompt": row["input_field"],
            "truth": row["output_field"],
            "locale": "",
        }
        check_question(question, where)
        if row.get("is_multiple_choice", question["is_multiple_choice"]) != question["is_multiple_choice"]:
            raise BadInput(f"{where}: is_multiple_choice contradicts task_type '{row['task_type']}'")
        question["reference"] = reference_answer(row["output_field"], row["task_type"])
        questions.append(question)
    for question, identity in zip(questions, question_ids(set_name, ((q["task"], q["prompt"]) for q in questions)), strict=True):
        question["id"] = identity
    return questions


def _challenge_track(name: str, where: str) -> str:
    short = str(name).removeprefix(CHALLENGE_PREFIX)
    if short not in CHALLENGE_TRACKS:
        raise BadInput(f"{where}: unknown track '{name}'; known: {', '.join(CHALLENGE_PREFIX + t for t in CHALLENGE_TRACKS)}")
    return CHALLENGE_TRACKS[short]


def write_questions(path: str | Path, questions: list[Question], facts: dict[str, Any]) -> None:
    """Write questions (truth decoded) as Parquet, in their order; `facts` goes into the file's metadata under the key "shopbench"."""
    import polars as pl

    from shopbench.tables import write_table

    for identity, times in Counter(question["id"] for question in questions).items():
        if times > 1:
            raise BadInput(f"{path}: question id {identity} occurs {times} times")
    schema = {name: pl.Boolean if name == "is_multiple_choice" else pl.String for name in COLUMNS}
    encoded = [{**question, "truth": json.dumps(question["truth"], ensure_ascii=False)} for question in questions]
    write_table(path, pl.DataFrame([{name: row[name] for name in COLUMNS} for row in encoded], schema=schema), facts)


def read_questions(path: str | Path) -> list[Question]:
    """Questions with decoded truths, from our Parquet or from the development set's JSON lines; a file that is neither is BadInput."""
    path = Path(path)
    is_ours = path.suffix == ".parquet"
    questions = _read_parquet(path) if is_ours else challenge_questions(read_jsonl(path), path, "development")
    if not questions:
        raise BadInput(f"{path}: no questions in it")
    return questions


def _read_parquet(path: Path) -> list[Question]:
    from shopbench.tables import read_table

    rows = read_table(path, COLUMNS).to_dicts()
    for number, row in enumerate(rows, start=1):
        missing = [name for name in COLUMNS if row[name] is None]
        if missing:
            raise BadInput(f"{path}, row {number}: no '{missing[0]}'")
        try:
            row["truth"] = json.loads(row["truth"])
        except ValueError:
            raise BadInput(f"{path}, row {number}: the truth of question {row['id']} is not JSON") from None
        check_question(row, f"{path}, question {row['id']}")
    return rows
