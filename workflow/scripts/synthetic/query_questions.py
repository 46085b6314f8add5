"""A query put into a customer's words, for a list of products of which one is right (builds a task: query, products, instruction).

Seeds: the English queries and lists that product_for_query asks about by rules; the right product is known from ESCI's judgements, so the
model's own choice is compared with it. Kept answers take the place of the rules' wordings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from shopbench.language_model.seeding import Seed, SeedSource
from shopbench.language_model.verdicts import (
    content_words,
    grounded_in,
    hides,
    in_language,
    length_within,
    no_copy,
    numbers_in,
    recomputed,
    require,
)

NEW_TEXT = "question"
OPTION = re.compile(r"^\d+\. (.*)$", re.MULTILINE)
# What product_for_query shows behind a title.
BEHIND_TITLE = re.compile(r" \((?:brand|color): ")


def seeds(source: SeedSource) -> Iterator[Seed]:
    for asked in source.asked("product_for_query"):
        if asked.row["locale"] == "us":
            products = OPTION.findall(asked.question.prompt)
            yield Seed(asked.keys, {"query": asked.row["query"], "products": products}, {"right": int(str(asked.question.truth)) + 1})


def judge(seed: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The right product, and a question in English that carries the query's words, but is neither the query nor tells a title.

    One of the query's words may be missing: customers misspell them.
    """
    fields = seed["fields"]
    recomputed(answer["product"], seed["facts"]["right"])
    question = " ".join(answer["question"].split())
    length_within(question, 6, 60)
    in_language(question, "en")
    require(question.endswith("?"), "no question")
    grounded_in(fields["query"], question, least=max(2, len(content_words(fields["query"])) - 1))
    numbers_in(question, fields["query"])
    no_copy(question, fields["query"])
    for product in fields["products"]:
        hides(question, BEHIND_TITLE.split(product)[0])
    return {"question": question}
