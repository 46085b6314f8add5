"""Three of our datasets with Hugging Face `datasets`: filter and map, a dictionary for the join that it lacks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import polars as pl
from common import pooled, run, some

from shopbench.raw_lists import numpy_list
from shopbench.raw_text import plain_text

datasets.disable_progress_bars()


def load(kind: str, path: Path, columns: list[str], cache: str, **options: Any) -> datasets.Dataset:
    loaded = datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=cache, **options)
    return loaded.select_columns(columns)


def chosen(rows: datasets.Dataset, mask: Any) -> datasets.Dataset:
    return rows.select([place for place, keep in enumerate(mask.tolist()) if keep])


def among(values: list[str], known: set[str]) -> list[bool]:
    return [value in known for value in values]


def query_product_relation(raw: Path, settings: dict[str, Any]) -> pl.DataFrame:
    names = ["query_id", "query", "product_locale", "product_id", "esci_label"]
    judgements = load("parquet", raw / "esci/shopping_queries_dataset_examples.parquet", names, settings["cache"])
    judgements = judgements.filter(lambda queries: [bool((query or "").strip()) for query in queries], batched=True, input_columns="query")
    judgements = chosen(judgements, pooled(judgements["query_id"][:], "esci", settings["pools"]["esci_judgements"]))
    names = ["product_locale", "product_id", "product_title"]
    products = load("parquet", raw / "esci/shopping_queries_dataset_products.parquet", names, settings["cache"])
    judged = set(judgements["product_id"][:])
    products = products.filter(among, batched=True, input_columns="product_id", fn_kwargs={"known": judged})
    titles = {
        (row["product_locale"], row["product_id"]): plain_text(row["product_title"])[:400].strip()
        for row in products
        if (row["product_title"] or "").strip()
    }

    def joined(batch: dict[str, list]) -> dict[str, list]:
        return {"title": [titles.get(key, "") for key in zip(batch["product_locale"], batch["product_id"], strict=True)]}

    judgements = judgements.map(joined, batched=True).filter(
        lambda found: [bool(title) for title in found], batched=True, input_columns="title"
    )
    judgements = chosen(judgements, some(judgements["query_id"][:], "query_product_relation", settings["size"], 1.0))
    judgements = judgements.map(lambda row: {"query": plain_text(row["query"])[:400]})
    best: dict[tuple, dict] = {}
    for row in judgements:
        key = (row["query_id"], row["product_id"])
        if key not in best or "ESCI".index(row["esci_label"]) < "ESCI".index(best[key]["esci_label"]):
            best[key] = row
    frame = pl.DataFrame([best[key] for key in sorted(best)])
    return frame.rename({"product_locale": "locale", "esci_label": "label"})


def json_rows(path: str, fields: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The loader of JSON stops at the first broken line, so lines are read one at a time."""
    with open(path, "rb") as stream:
        for line in stream:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            yield {field: row.get(field) for field in fields}


def from_json_lines(path: Path, fields: list[str], cache: str) -> datasets.Dataset:
    # Not a list: that would be split over calls of the generator.
    return datasets.Dataset.from_generator(
        json_rows, gen_kwargs={"path": str(path), "fields": tuple(fields)}, cache_dir=f"{cache}/{path.stem}"
    )


def review_rating(raw: Path, settings: dict[str, Any]) -> pl.DataFrame:
    rows: dict[tuple, tuple] = {}
    for category in settings["categories"]:
        fields = ["user_id", "parent_asin", "title", "text", "rating", "helpful_vote", "timestamp"]
        reviews = from_json_lines(raw / f"amazon_reviews_2023/raw/review_categories/{category}.jsonl", fields, settings["cache"])
        reviews = reviews.filter(lambda ratings: [rating in (1, 2, 3, 4, 5) for rating in ratings], batched=True, input_columns="rating")
        reviews = chosen(reviews, pooled(reviews["user_id"][:], f"amazon_reviews_2023 {category}", settings["pools"]["reviews"]))
        reviews = reviews.map(lambda row: {"title": plain_text(row["title"])[:400].strip(), "text": plain_text(row["text"])[:3000].strip()})
        meta = raw / f"amazon_reviews_2023/raw/meta_categories/meta_{category}.jsonl"
        products = from_json_lines(meta, ["parent_asin", "title", "categories"], settings["cache"])
        reviewed = set(reviews["parent_asin"][:])
        products = products.filter(among, batched=True, input_columns="parent_asin", fn_kwargs={"known": reviewed})
        known: dict[str, tuple[str, str]] = {}
        for row in products:
            title = plain_text(row["title"])[:400].strip()
            kind = plain_text(row["categories"][-1])[:100].strip().lower() if row["categories"] else ""
            if title:
                known.setdefault(row["parent_asin"], (title, kind or category.replace("_", " ").lower()))
        said = [row for row in reviews if row["parent_asin"] in known and len(row["text"]) >= 10]
        for row in sorted(said, key=lambda row: tuple(row[field] for field in fields)):
            key = (row["parent_asin"], row["user_id"], row["timestamp"])
            rows.setdefault(key, (category, *key, row["title"], row["text"], int(row["rating"]), *known[row["parent_asin"]], "en"))
    columns = ["category", "product_id", "user_id", "time", "title", "text", "rating", "product_title", "kind", "locale"]
    return pl.DataFrame(list(rows.values()), schema=columns, orient="row")


def translate_title(raw: Path, settings: dict[str, Any]) -> pl.DataFrame:
    sessions = load("csv", raw / "amazon_m2/sessions_train.csv", ["prev_items", "next_item"], settings["cache"])
    sessions = sessions.add_column("session", list(range(2, len(sessions) + 2)))
    sessions = sessions.filter(
        lambda items, bought: [bool(numpy_list(i)) and bool(b) for i, b in zip(items, bought, strict=True)],
        batched=True,
        input_columns=["prev_items", "next_item"],
    )
    sessions = chosen(sessions, pooled(sessions["session"][:], "amazon_m2 sessions", settings["pools"]["m2_sessions"]))
    named = {item for items in sessions["prev_items"] for item in numpy_list(items)} | set(sessions["next_item"])
    products = load("csv", raw / "amazon_m2/products_train.csv", ["id", "locale", "title"], settings["cache"])
    products = products.filter(lambda titles: [bool(title) for title in titles], batched=True, input_columns="title")
    others = products.filter(lambda ids: [product not in named for product in ids], batched=True, input_columns="id")
    mine = products.filter(among, batched=True, input_columns="id", fn_kwargs={"known": named})
    others = chosen(others, pooled(others["id"][:], "amazon_m2 products", settings["pools"]["m2_products"]))
    products = datasets.concatenate_datasets([mine, others])
    products = products.map(lambda row: {"title": plain_text(row["title"])[:400].strip(), "locale": row["locale"].lower()})
    by_id: dict[str, dict[str, str]] = defaultdict(dict)
    for row in products:
        by_id[row["id"]].setdefault(row["locale"], row["title"])
    several = [product for product, titles in by_id.items() for _ in titles if len(titles) > 1]
    kept = {
        product for product, keep in zip(several, some(several, "translate_title", settings["size"], 1.5).tolist(), strict=True) if keep
    }
    pairs = [
        (product, source, by_id[product][source], target, by_id[product][target], target)
        for product in sorted(kept)
        for source in sorted(by_id[product])
        for target in sorted(by_id[product])
        if source != target and by_id[product][source].lower() != by_id[product][target].lower()
    ]
    return pl.DataFrame(pairs, schema=["product_id", "from", "source_text", "to", "target_text", "locale"], orient="row")


if __name__ == "__main__":
    run({"query_product_relation": query_product_relation, "review_rating": review_rating, "translate_title": translate_title})
