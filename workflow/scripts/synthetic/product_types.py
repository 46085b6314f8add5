"""What type of product a title names, where the source does not say (enriches seeds).

Seeds: products of Amazon Reviews 2023 whose list of categories is empty, and of Amazon-M2's English part whose description does not define
its type. Kept answers name the product in prompts of review_snippets, review_aspects and explain_product_type.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from shopbench.dataset.m2 import DEFINITION
from shopbench.dataset.texts import sentences, shorten
from shopbench.language_model.seeding import Seed, SeedSource
from shopbench.language_model.verdicts import grounded_in, in_language, length_within, plain, require

# Types repeat: two lamps are no duplicate.
NEW_TEXT = None
TITLE_CHARACTERS, TEXT_CHARACTERS = 200, 400


def seeds(source: SeedSource) -> Iterator[Seed]:
    products = pl.concat([from_reviews(source), from_m2(source)])
    for row in source.train_rows(products, ["source", "product_id"], (None, "product", "product_id")):
        fields = {"title": shorten(row["title"], TITLE_CHARACTERS), "text": shorten(row["text"], TEXT_CHARACTERS) or "(none)"}
        yield Seed({"source": row["source"], "product_id": row["product_id"]}, fields, {"brand": row["brand"]})


def from_reviews(source: SeedSource) -> pl.DataFrame:
    """source, product_id, title, text, brand of the products without a type; a product of several categories once."""
    products = source.inputs.table("review_products", "product_id", "title", "store", "type")
    untyped = products.filter(pl.col("type") == "").unique("product_id", keep="first", maintain_order=True)
    return untyped.select(
        pl.lit("amazon_reviews_2023").alias("source"), "product_id", "title", pl.lit("").alias("text"), pl.col("store").alias("brand")
    )


def from_m2(source: SeedSource) -> pl.DataFrame:
    """The same of the English products whose description has no sentence "A ... is ..."."""
    products = source.inputs.table("m2_products", "locale", "product_id", "title", "description", "brand")
    described = products.filter(pl.col("locale") == "uk", pl.col("description") != "")
    defined = [any(map(DEFINITION.match, sentences(text))) for text in described["description"]]
    undefined = described.filter(~pl.Series(defined, dtype=pl.Boolean))
    return undefined.select(pl.lit("amazon_m2").alias("source"), "product_id", "title", pl.col("description").alias("text"), "brand")


def judge(seed: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """A type of one to four English words, found in the title or the text, that is not just the title again."""
    fields = seed["fields"]
    product_type, category = " ".join(answer["type"].split()), " ".join(answer["category"].split())
    length_within(product_type, 1, 4)
    length_within(category, 1, 5)
    in_language(product_type, "en")
    in_language(category, "en")
    grounded_in(product_type, f"{fields['title']} {fields['text']}")
    require(plain(product_type) != plain(fields["title"]), "copy of the seed")
    require(plain(product_type) != plain(category), "two texts alike")
    require(not any(character.isdigit() for character in product_type), "number in a product type")
    require(plain(product_type) != plain(seed["facts"]["brand"]), "brand in place of a type")
    return {"type": product_type.lower(), "category": category.lower()}
