"""Three of our datasets with pandas as it is usually written: read the files, merge them, then choose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
from common import pooled, run, some
from pandas_pairs import in_two_languages

from shopbench.raw_lists import numpy_list
from shopbench.raw_text import plain_text


def query_product_relation(raw: Path, settings: dict[str, Any]) -> pl.DataFrame:
    judgements = pd.read_parquet(raw / "esci/shopping_queries_dataset_examples.parquet")
    products = pd.read_parquet(raw / "esci/shopping_queries_dataset_products.parquet")
    judgements = judgements[judgements["query"].fillna("").str.strip() != ""]
    judgements["kept"] = pooled(judgements["query_id"].to_numpy(), "esci", settings["pools"]["esci_judgements"])
    judgements["product_title"] = None
    merged = judgements.drop(columns="product_title").merge(products, on=["product_locale", "product_id"])
    merged = merged[merged["kept"] & (merged["product_title"].fillna("").str.strip() != "")]
    merged["query"] = merged["query"].map(plain_text).str[:400]
    merged["title"] = merged["product_title"].map(plain_text).str[:400].str.strip()
    merged["place"] = merged["esci_label"].map({label: place for place, label in enumerate("ESCI")})
    merged = merged.sort_values(["query_id", "product_id", "place"]).drop_duplicates(["query_id", "product_id"])
    merged = merged[some(merged["query_id"].to_numpy(), "query_product_relation", settings["size"], 1.0)]
    merged = merged.rename(columns={"product_locale": "locale", "esci_label": "label"})
    return pl.from_pandas(merged[["query_id", "query", "locale", "product_id", "label", "title"]].reset_index(drop=True))


def read_json_lines(path: Path) -> pd.DataFrame:
    rows = []
    with path.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue
    return pd.DataFrame(rows)


def review_rating(raw: Path, settings: dict[str, Any]) -> pl.DataFrame:
    parts = []
    for category in settings["categories"]:
        reviews = read_json_lines(raw / f"amazon_reviews_2023/raw/review_categories/{category}.jsonl")
        products = read_json_lines(raw / f"amazon_reviews_2023/raw/meta_categories/meta_{category}.jsonl")
        reviews = reviews[reviews["rating"].isin([1, 2, 3, 4, 5])]
        reviews = reviews[pooled(reviews["user_id"].tolist(), f"amazon_reviews_2023 {category}", settings["pools"]["reviews"])]
        reviews["category"] = category
        reviews["title"] = reviews["title"].map(plain_text).str[:400].str.strip()
        reviews["text"] = reviews["text"].map(plain_text).str[:3000].str.strip()
        products = products.drop_duplicates("parent_asin")
        products["product_title"] = products["title"].map(plain_text).str[:400].str.strip()
        products["type"] = [plain_text(c[-1])[:100].strip().lower() if isinstance(c, list) and c else "" for c in products["categories"]]
        products = products[products["product_title"] != ""]
        parts.append(reviews.merge(products[["parent_asin", "product_title", "type"]], on="parent_asin"))
    merged = pd.concat(parts)
    merged = merged.sort_values(
        ["category", "user_id", "parent_asin", "title", "text", "rating", "helpful_vote", "timestamp"], kind="stable"
    )
    merged = merged.drop_duplicates(["parent_asin", "user_id", "timestamp"])
    merged["kind"] = merged["type"].where(merged["type"] != "", merged["category"].str.replace("_", " ").str.lower())
    merged = merged[merged["text"].str.len() >= 10]
    merged["locale"] = "en"
    merged["rating"] = merged["rating"].astype(int)
    merged = merged.rename(columns={"parent_asin": "product_id", "timestamp": "time"})
    columns = ["category", "product_id", "user_id", "time", "title", "text", "rating", "product_title", "kind", "locale"]
    return pl.from_pandas(merged[columns].reset_index(drop=True))


def translate_title(raw: Path, settings: dict[str, Any]) -> pl.DataFrame:
    products = pd.read_csv(raw / "amazon_m2/products_train.csv")
    sessions = pd.read_csv(raw / "amazon_m2/sessions_train.csv")
    sessions["session"] = range(2, len(sessions) + 2)
    sessions["previous"] = sessions["prev_items"].map(numpy_list)
    sessions = sessions[sessions["previous"].map(bool) & sessions["next_item"].notna()]
    sessions = sessions[pooled(sessions["session"].to_numpy(), "amazon_m2 sessions", settings["pools"]["m2_sessions"])]
    named = set(sessions["previous"].explode()) | set(sessions["next_item"])
    products = products[products["title"].notna()]
    is_named = products["id"].isin(named)
    others = products[~is_named]
    others = others[pooled(others["id"].tolist(), "amazon_m2 products", settings["pools"]["m2_products"])]
    products = pd.concat([products[is_named], others])
    products["title"] = products["title"].map(plain_text).str[:400].str.strip()
    products["locale"] = products["locale"].str.lower()
    products = products[products["title"] != ""].drop_duplicates(["locale", "id"])
    products = products[products.groupby("id")["locale"].transform("size") > 1]
    products = products[some(products["id"].tolist(), "translate_title", settings["size"], 1.5)]
    return in_two_languages(products)


if __name__ == "__main__":
    run({"query_product_relation": query_product_relation, "review_rating": review_rating, "translate_title": translate_title})
