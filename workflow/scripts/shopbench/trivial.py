"""The trivial answer of a task: the one constant response that scores best, chosen knowing the truths.

It is what a model could earn by ignoring the question, and more than any constant picked beforehand would: an upper
bound, so that a score above it means that the questions were read. Candidates are the digits 0-5, the identity and
the reversed permutation of five, a few triples of indices, the empty response, and up to 50 of the task's own
reference answers (the most frequent ones, ties by hash).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from shopbench import metrics
from shopbench.bootstrap import task_score
from shopbench.hashing import hash64
from shopbench.parsers import Parsed, parse

FIXED = {
    "multiple-choice": [str(digit) for digit in range(6)],
    "ranking": ["1,2,3,4,5", "5,4,3,2,1"],
    "retrieval": ["1,2,3", "4,5,6", "7,8,9", "8,9,10", "1,5,10", "13,14,15"],
    "named_entity_recognition": [],
    "generation": [],
}
OWN_TRUTHS = 50


def candidates(task_type: str, references: list[str]) -> list[str]:
    """Constant responses to try, each once, in a fixed order: the empty one, fixed ones, the most frequent references (ties by hash)."""
    counts = Counter(references)
    own = sorted(counts, key=lambda text: (-counts[text], hash64("trivial", text)))[:OWN_TRUTHS]
    return list(dict.fromkeys(["", *FIXED[task_type], *own]))


def trivial_values(
    questions: list[dict[str, Any]], models: dict[str, metrics.SentenceModel], parse: Callable[[str, str], Parsed] = parse
) -> np.ndarray:
    """Each question's value under the task's best constant response: scores of shape (n,), or counts of shape (n, 3) for micro F1.

    `questions` are those of one task, in order. Ties go to the candidate that comes first.
    """
    task_type = questions[0]["task_type"]
    responses = candidates(task_type, [question["reference"] for question in questions])
    best: np.ndarray | None = None
    for response in responses:
        parsed = parse(response, task_type)
        values = np.array([metrics.score_response(q["metric"], parsed, q["truth"], models) for q in questions], dtype=float)
        if best is None or task_score(values) > task_score(best):
            best = values
    assert best is not None
    return best
