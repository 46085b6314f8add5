"""One DuckDB scan of the raw files that merely reads every column our tables are made of: what any way of making them has to pay."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import duckdb

JSON_LINES = "format='newline_delimited', ignore_errors=true"
REVIEW = {
    "user_id": "VARCHAR", "parent_asin": "VARCHAR", "title": "VARCHAR", "text": "VARCHAR",
    "rating": "DOUBLE", "helpful_vote": "BIGINT", "timestamp": "BIGINT",
}  # fmt: skip
PRODUCT = {"parent_asin": "VARCHAR", "title": "VARCHAR", "store": "VARCHAR", "categories": "VARCHAR[]"}
ITEM = {"task": "VARCHAR", "input": "VARCHAR", "options": "VARCHAR", "output": "VARCHAR"}
ALPACA = {"instruction": "VARCHAR", "input": "VARCHAR", "output": "VARCHAR"}
ESCI_PRODUCT = ["locale", "id", "title", "description", "bullet_point", "brand", "color"]


def reads(raw: Path, categories: list[str]) -> dict[str, tuple[list[str], str]]:
    """(columns, DuckDB's expression of the table) of every raw file."""
    reviews = [str(raw / f"amazon_reviews_2023/raw/review_categories/{category}.jsonl") for category in categories]
    products = [str(raw / f"amazon_reviews_2023/raw/meta_categories/meta_{category}.jsonl") for category in categories]
    esci = raw / "esci/shopping_queries_dataset"
    m2_product = ["id", "locale", "title", "brand", "color", "size", "model", "material", "author", "desc"]
    whole = "format='array', maximum_object_size=33554432"
    return {
        "judgements": (["query_id", "query", "product_locale", "product_id", "esci_label"], f"read_parquet('{esci}_examples.parquet')"),
        "products": ([f"product_{name}" for name in ESCI_PRODUCT], f"read_parquet('{esci}_products.parquet')"),
        "m2 products": (m2_product, f"read_csv('{raw}/amazon_m2/products_train.csv', all_varchar=true)"),
        "m2 sessions": (["prev_items", "next_item", "locale"], f"read_csv('{raw}/amazon_m2/sessions_train.csv', all_varchar=true)"),
        "reviews": (list(REVIEW), f"read_json({reviews}, {JSON_LINES}, columns={REVIEW})"),
        "review products": (list(PRODUCT), f"read_json({products}, {JSON_LINES}, columns={PRODUCT})"),
        "ecinstruct": (list(ITEM), f"read_json('{raw}/ecinstruct/dataset.json', {whole}, columns={ITEM})"),
        "mmlu": (["subject", "question", "choices", "answer"], f"read_parquet('{raw}/mmlu/all/*.parquet')"),
        "alpaca": (list(ALPACA), f"read_json('{raw}/alpaca_cleaned/alpaca_data_cleaned.json', {whole}, columns={ALPACA})"),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--settings", type=json.loads, required=True)
    arguments = parser.parse_args()
    connection: Any = duckdb.connect(config={"threads": 1})
    for name, (columns, table) in reads(arguments.raw, arguments.settings["categories"]).items():
        # A hash has to see every byte; a count, a maximum or a length of a Parquet column may be answered without reading it.
        seen = ", ".join(f'bit_xor(hash("{column}"))' for column in columns)
        print(name, connection.execute(f"SELECT count(*), {seen} FROM {table}").fetchone()[0], "rows")


if __name__ == "__main__":
    main()
