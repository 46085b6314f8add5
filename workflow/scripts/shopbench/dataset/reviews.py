"""Amazon's reviews with the products they are about, as their dataset modules use them."""

from __future__ import annotations

import polars as pl

from shopbench.dataset.sampling import Inputs

SOURCE = "amazon_reviews_2023"
KEY = ["product_id", "user_id", "time"]
TEXT_CHARACTERS = 1_000


def reviews(inputs: Inputs, *columns: str) -> pl.DataFrame:
    """A row per review (category, KEY and the named columns) with product_title, type ("" where unknown), kind, source_kind and locale.

    `kind` is what a prompt calls the product: its type, else the one that a language model named (`kind_made` is true then), else its
    category in words. `source_kind` is the same without a language model.
    """
    said = inputs.table("reviews", "category", *KEY, *columns)
    products = inputs.table("review_products", "category", "product_id", "title", "type").rename({"title": "product_title"})
    said = said.unique(KEY, keep="first", maintain_order=True)
    made = {product_id: answer["type"] for (source, product_id), answer in inputs.made("product_types").items() if source == SOURCE}
    named = pl.col("product_id").replace_strict(made, default=None, return_dtype=pl.String)
    category = pl.col("category").str.replace_all("_", " ").str.to_lowercase()
    typed = pl.col("type") != ""
    return said.join(products, on=["category", "product_id"], how="inner", maintain_order="left").with_columns(
        pl.when(typed).then("type").otherwise(named.fill_null(category)).alias("kind"),
        pl.when(typed).then("type").otherwise(category).alias("source_kind"),
        (~typed & named.is_not_null()).alias("kind_made"),
        pl.lit("en").alias("locale"),
    )
