"""Amazon-M2's products joined with themselves, in pandas: the end of both ways of writing translate_title."""

from __future__ import annotations

import pandas as pd
import polars as pl


def in_two_languages(products: pd.DataFrame) -> pl.DataFrame:
    """A row per product (id, locale, title) and ordered pair of locales in which the title differs."""
    pairs = products.merge(products, on="id", suffixes=("_from", "_to"))
    pairs = pairs[(pairs["locale_from"] != pairs["locale_to"]) & (pairs["title_from"].str.lower() != pairs["title_to"].str.lower())]
    pairs = pairs.rename(
        columns={
            "id": "product_id", "locale_from": "from", "locale_to": "to", "title_from": "source_text", "title_to": "target_text",
        }
    )  # fmt: skip
    pairs["locale"] = pairs["to"]
    return pl.from_pandas(pairs[["product_id", "from", "source_text", "to", "target_text", "locale"]].reset_index(drop=True))
