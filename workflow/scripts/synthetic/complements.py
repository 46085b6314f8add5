"""Which of some product types is bought to go with a given one (enriches seeds).

Seeds: the product types of Amazon Reviews 2023, each with lists of other types. Kept answers are pairs for the dataset complement, beside
those that customers bought together; the types that the model passed over are its wrong options.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from shopbench.dataset.question import Draw
from shopbench.language_model.seeding import Seed, SeedSource
from shopbench.language_model.verdicts import among, content_words, in_language, length_within, no_copy, plain, require

# The answer is a type of the list.
NEW_TEXT = None
LISTED = 8


def seeds(source: SeedSource) -> Iterator[Seed]:
    types = sorted(set(source.inputs.table("review_products", "type")["type"]) - {""})
    for turn in count() if len(types) > LISTED else ():
        if turn * len(types) >= source.count:
            return
        for product_type in Draw(source.seed, source.name, turn).shuffled(types, "order"):
            draw = Draw(source.seed, source.name, turn, product_type)
            listed = draw.some([other for other in types if other != product_type], LISTED, "listed")
            yield Seed({"type": product_type, "turn": turn}, {"type": product_type, "types": listed})


def judge(seed: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """A listed type, with a reason in English that is more than the two names."""
    fields = seed["fields"]
    complement = among(answer["complement"], fields["types"])
    require(plain(complement) != plain(fields["type"]), "two texts alike")
    reason = " ".join(answer["reason"].split())
    length_within(reason, 5, 40)
    in_language(reason, "en")
    no_copy(" ".join(content_words(reason)), f"{fields['type']} {complement}")
    return {"complement": complement, "others": [other for other in fields["types"] if other != complement], "reason": reason}
