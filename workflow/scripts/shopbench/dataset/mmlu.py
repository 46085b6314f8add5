"""MMLU's questions, as its two dataset modules use them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from shopbench.dataset.combinators import choose
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import text_key


def questions(inputs: Inputs, parts: Sequence[str], wordings: Sequence[str]) -> Candidates:
    """The questions of these parts. Choices keep their order, since some speak of others ("both A and B")."""
    table = inputs.table("mmlu", "part", "number", "subject", "question", "choices", "answer").filter(pl.col("part").is_in(list(parts)))
    names = [text_key(question) for question in table["question"]]
    frame = table.with_columns(pl.Series("name", names, dtype=pl.String), pl.lit("en").alias("locale"))

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        subject = row["subject"].replace("_", " ") or "general knowledge"
        return choose(draw, wordings, options=row["choices"], answer=row["answer"], question=row["question"], subject=subject)

    return Candidates(frame, key=["part", "number"], group=("mmlu", "question", "name"), ask=ask)
