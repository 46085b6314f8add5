"""A question that describes a product by an attribute, with categories to choose from (builds a task: attributes, entity, instruction).

Seeds: the products and attributes that category_attribute asks about by rules, in English. Kept answers take the place of those questions:
the challenge asks for a category, and Amazon-M2 has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shopbench.dataset.texts import words
from shopbench.language_model.seeding import Seed, SeedSource
from shopbench.language_model.verdicts import (
    content_words,
    distinct,
    grounded_in,
    hides,
    in_language,
    length_within,
    no_copy,
    numbers_in,
    require,
    stem,
    stems,
)

NEW_TEXT = "question"


def seeds(source: SeedSource) -> Iterator[Seed]:
    for asked in source.asked("category_attribute"):
        row = asked.row
        if row["locale"] == "uk":
            yield Seed(asked.keys, {name: row[name] for name in ("title", "attribute", "value")})


def judge(seed: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """A question with the value and without the category; the category stands in the title, no word of the other three does."""
    fields = seed["fields"]
    question, category = " ".join(answer["question"].split()), " ".join(answer["category"].split())
    others = [" ".join(other.split()) for other in answer["others"]]
    length_within(question, 5, 45)
    in_language(question, "en")
    require(question.endswith("?"), "no question")
    distinct([category, *others])
    for option in [category, *others]:
        length_within(option, 1, 4)
        in_language(option, "en")
    grounded_in(fields["value"], question, least=len(words(fields["value"])))
    numbers_in(question, f"{fields['title']} {fields['value']}")
    grounded_in(category, fields["title"])
    title = set(stems(fields["title"]))
    require(all(stem(word) not in title for other in others for word in content_words(other)), "wrong option fits the seed")
    hides(question, category)
    no_copy(question, fields["title"])
    return {"question": question, "category": category.lower(), "others": [other.lower() for other in others]}
