"""Validation questions from the held-out rows of a training dataset."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from shopbench.files import BadInput
from shopbench.hashing import hash64
from shopbench.parsers import parse
from shopbench.questions import Question, check_question, reference_answer

JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def lowest(rows: Iterable[Mapping[str, Any]], count: int, seed: int) -> list[Mapping[str, Any]]:
    """The `count` rows with the lowest hash of seed and id, by that hash: the same ones in whatever order the rows come."""
    return sorted(rows, key=lambda row: hash64("validation", seed, row["id"]))[:count]


def validation_question(row: Mapping[str, Any], metric: str, where: str) -> Question:
    """The question of a dataset's row: its prompt, and the truth that the row's `source` keys hold.

    A Japanese text under BLEU is scored as the challenge does, by "jp-bleu". Raises BadInput, beginning with `where`,
    for a row without a truth or whose completion would not earn full marks: then the dataset teaches one thing and is
    judged by another.
    """
    try:
        truth = json.loads(row["source"])["truth"]
    except (ValueError, TypeError, KeyError):
        raise BadInput(f"{where}: its source column holds no JSON object with a 'truth'") from None
    if metric == "bleu" and isinstance(truth, str) and JAPANESE.search(truth):
        metric = "jp-bleu"
    question = {
        "id": row["id"],
        "set": "validation",
        "track": row["track"],
        "task": row["dataset"],
        "task_type": row["task_type"],
        "metric": metric,
        "is_multiple_choice": row["task_type"] == "multiple-choice",
        "prompt": row["prompt"],
        "truth": truth,
        "reference": row["completion"],
        "locale": row["locale"],
    }
    check_question(question, where)
    if not earns_full_marks(row["completion"], truth, row["task_type"]):
        raise BadInput(f"{where}: the completion {row['completion'][:80]!r} does not answer with its own truth {json.dumps(truth)[:80]}")
    return question


def earns_full_marks(completion: str, truth: Any, task_type: str) -> bool:
    """Whether a completion, as the challenge parses it, says all of the truth (a text: whether it is one of the references)."""
    said: Any = parse(completion, task_type)
    wanted: Any = parse(reference_answer(truth, task_type), task_type)
    if task_type == "multiple-choice":
        return said == wanted
    if task_type == "retrieval":
        return set(said) <= set(truth) and len(set(said)) == len(set(wanted))
    if task_type == "ranking":
        return sorted(said) == list(range(1, len(truth) + 1)) and all(
            truth[a - 1] >= truth[b - 1] for a, b in zip(said, said[1:], strict=False)
        )
    if task_type == "named_entity_recognition":
        return sorted(entity.lower() for entity in said) == sorted(entity.lower() for entity in truth)
    return said in [text.strip() for text in ([truth] if isinstance(truth, str) else truth)]
