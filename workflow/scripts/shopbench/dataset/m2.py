"""Amazon-M2's products, as its dataset modules use them."""

from __future__ import annotations

import re

import polars as pl

from shopbench.dataset.sampling import Inputs

# Products to look at for each row: one in two languages makes two.
PRODUCTS = 1.5
# The sentence of a description that says what a product's type is.
DEFINITION = re.compile(r"^(?:An?|The) ([\w' -]{2,40}?) (?:is|are) ", re.IGNORECASE)
LANGUAGES = {"uk": "English", "de": "German", "jp": "Japanese", "es": "Spanish", "fr": "French", "it": "Italian"}


def in_two_languages(inputs: Inputs, column: str) -> pl.DataFrame:
    """A row per product and ordered pair of locales in which `column` is there and differs.

    Columns: product_id, from, to (locales), source_text, target_text, locale (= to).
    """
    products = inputs.table("m2_products", "product_id", "locale", column).filter(pl.col(column) != "")
    products = inputs.some(products.filter(pl.len().over("product_id") > 1), "product_id", PRODUCTS)
    source = products.rename({"locale": "from", column: "source_text"})
    target = products.rename({"locale": "to", column: "target_text"})
    pairs = source.join(target, on="product_id", how="inner").filter(
        pl.col("from") != pl.col("to"), pl.col("source_text").str.to_lowercase() != pl.col("target_text").str.to_lowercase()
    )
    return pairs.with_columns(pl.col("to").alias("locale")).sort("product_id", "from", "to")
