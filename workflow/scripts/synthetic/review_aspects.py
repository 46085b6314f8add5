"""Which aspects of a product a review speaks of, each with the words that do (enriches seeds).

Seeds: reviews of Amazon Reviews 2023. Kept answers give review_aspects its right aspects and review_snippets more snippets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from shopbench.dataset.reviews import KEY, TEXT_CHARACTERS, reviews
from shopbench.dataset.texts import shorten
from shopbench.language_model.seeding import Seed, SeedSource
from shopbench.language_model.verdicts import distinct, in_language, length_within, quoted_from, require

# Aspects repeat, and a quote is the review's own.
NEW_TEXT = None
# A review of fewer characters has no three aspects.
LEAST_CHARACTERS = 60


def seeds(source: SeedSource) -> Iterator[Seed]:
    said = reviews(source.inputs, "text").filter(pl.col("text").str.len_chars() >= LEAST_CHARACTERS)
    for row in source.train_rows(said, KEY, ("amazon_reviews_2023", "product", "product_id")):
        yield Seed({key: row[key] for key in KEY}, {"kind": row["kind"], "review": shorten(row["text"], TEXT_CHARACTERS)})


def judge(seed: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Different aspects of one to three English words, none of them a whole quote; every quote stands in the review word for word."""
    aspects = [{key: " ".join(aspect[key].split()) for key in ("aspect", "quote")} for aspect in answer["aspects"]]
    require(bool(aspects), "no aspect")
    distinct(aspect["aspect"] for aspect in aspects)
    distinct(aspect["quote"] for aspect in aspects)
    for aspect in aspects:
        length_within(aspect["aspect"], 1, 3)
        in_language(aspect["aspect"], "en")
        length_within(aspect["quote"], 2, 25)
        quoted_from(aspect["quote"], seed["fields"]["review"])
        require(aspect["aspect"].casefold() != aspect["quote"].casefold(), "copy of the seed")
    return {"aspects": [{"aspect": aspect["aspect"].lower(), "quote": aspect["quote"]} for aspect in aspects]}
