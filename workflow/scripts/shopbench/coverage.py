"""How near a blend's prompts come to the challenge's tasks, by TF-IDF.

Source of the measure: G. Salton, C. Buckley, Term-weighting approaches in automatic text retrieval (1988), as scikit-learn computes it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer

from shopbench.overlap import words

NEAREST = 10
SHOWN = 3


def task_coverage(prompts: pl.DataFrame, questions: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """For each task of `questions` (columns task, task_type, track, prompt): its items, their similarity to `prompts`, who is nearest.

    `prompts` has columns dataset and prompt. An item's similarity is the cosine of its nearest prompt, a task's the mean over its items;
    `nearest` has the datasets that the items' 10 nearest prompts come from, the three largest shares. Vectors are TF-IDF of one and two
    words in a row, fitted on both; a Chinese or Japanese character is a word. Equal cosines keep the order of `prompts`.
    """
    vectorizer = TfidfVectorizer(tokenizer=words, token_pattern=None, lowercase=False, ngram_range=(1, 2))
    vectors = vectorizer.fit_transform([*prompts["prompt"], *questions["prompt"]])
    cosines = (vectors[prompts.height :] @ vectors[: prompts.height].T).toarray()
    datasets = prompts["dataset"].to_list()
    covered: dict[str, dict[str, Any]] = {}
    for task in dict.fromkeys(questions["task"]):
        items = np.flatnonzero((questions["task"] == task).to_numpy())
        first = questions.row(int(items[0]), named=True)
        # A prompt without a word in common is near to nothing.
        near = [(row, place) for row in items for place in np.argsort(-cosines[row], kind="stable")[:NEAREST] if cosines[row, place] > 0]
        found = Counter(datasets[place] for _, place in near)
        largest = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
        covered[task] = {
            "track": first["track"],
            "task_type": first["task_type"],
            "items": len(items),
            # Rounded, as the last digits of a sum may differ between machines.
            "similarity": round(float(cosines[items].max(axis=1).mean()), 4),
            "nearest": [{"dataset": name, "share": round(number / len(near), 4)} for name, number in largest],
        }
    return covered
