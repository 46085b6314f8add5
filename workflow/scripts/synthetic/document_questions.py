"""Another question that reviews answer, with the words that do (builds a task: question, documents, instruction).

Seeds: the items of ECInstruct's answerability whose reviews answer their question. Kept questions take the place of those, the answer being
yes as before; the quote proves it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shopbench.dataset.ecinstruct import YES_NO, as_text
from shopbench.dataset.ecinstruct_choice import FIELD_CHARACTERS, fields_of
from shopbench.dataset.texts import shorten
from shopbench.language_model.seeding import Seed, SeedSource
from shopbench.language_model.verdicts import (
    grounded_in,
    hides,
    in_language,
    length_within,
    no_copy,
    numbers_in,
    quoted_from,
    require,
)

NEW_TEXT = "question"


def seeds(source: SeedSource) -> Iterator[Seed]:
    for asked in source.asked("answerability"):
        fields = fields_of(asked.row)
        if YES_NO[int(str(asked.question.truth))] == "yes" and {"question", "document"} <= set(fields):
            yield Seed(asked.keys, {name: shorten(as_text(fields[name]), FIELD_CHARACTERS) for name in ("question", "document")})


def judge(seed: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """A new question in English on what a quote of the document says; it does not hold the quote."""
    fields = seed["fields"]
    question, evidence = " ".join(answer["question"].split()), " ".join(answer["evidence"].split())
    length_within(question, 4, 30)
    length_within(evidence, 2, 40)
    in_language(question, "en")
    require(question.endswith("?"), "no question")
    quoted_from(evidence, fields["document"])
    grounded_in(question, fields["document"])
    numbers_in(question, fields["document"])
    hides(question, evidence)
    no_copy(question, fields["question"], share=0.7)
    return {"question": question}
