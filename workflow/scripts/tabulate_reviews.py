"""Make the tables `reviews` and `review_products` from Amazon Reviews 2023, the configured categories.

    python workflow/scripts/tabulate_reviews.py --reviews raw/amazon_reviews_2023/raw/review_categories/Gift_Cards.jsonl ... \\
        --products raw/amazon_reviews_2023/raw/meta_categories/meta_Gift_Cards.jsonl ... --pool-reviews 400000 --broken-share 0.02 \\
        --output-reviews tables/reviews.parquet --output-products tables/review_products.parquet

Per category all reviews of the users with the lowest hashes (so that what a user bought together stays together), and the products that
they review.

reviews: category, user_id, product_id (parent_asin, which joins the two), title, text, all str; rating, helpful_votes, time
(milliseconds), int64.
review_products: category, product_id, title, store, type (the last of its categories, lower case; "" where there are none), all str.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from shopbench.files import run_program
from shopbench.pool import Pool, Tally, table_facts
from shopbench.raw_json import json_lines
from shopbench.raw_text import plain_text
from shopbench.tables import write_table

LONGEST_TITLE = 400
LONGEST_REVIEW = 3_000
REVIEW_SCHEMA = {
    "category": pl.String,
    "user_id": pl.String,
    "product_id": pl.String,
    "title": pl.String,
    "text": pl.String,
    "rating": pl.Int64,
    "helpful_votes": pl.Int64,
    "time": pl.Int64,
}
PRODUCT_SCHEMA = dict.fromkeys(["category", "product_id", "title", "store", "type"], pl.String)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reviews", nargs="+", required=True, help="raw/review_categories/{category}.jsonl files")
    parser.add_argument("--products", nargs="+", required=True, help="raw/meta_categories/meta_{category}.jsonl files")
    parser.add_argument("--pool-reviews", type=int, required=True, help="reviews to keep of each category")
    parser.add_argument("--broken-share", type=float, required=True, help="share of broken lines from which a file is refused")
    parser.add_argument("--output-reviews", required=True, help="the table of reviews to write")
    parser.add_argument("--output-products", required=True, help="the table of products to write")
    arguments = parser.parse_args()

    reviews, review_tallies = [], []
    for path in sorted(arguments.reviews):
        review_tallies.append(Tally(path, arguments.broken_share))
        reviews += read_reviews(path, arguments.pool_reviews, review_tallies[-1])
    needed = {(review[0], review[2]) for review in reviews}
    products, product_tallies = [], []
    for path in sorted(arguments.products):
        product_tallies.append(Tally(path, arguments.broken_share))
        products += read_products(path, needed, product_tallies[-1])
    write_table(
        arguments.output_reviews, pl.DataFrame(reviews, schema=REVIEW_SCHEMA, orient="row"), table_facts(review_tallies, len(reviews))
    )
    write_table(
        arguments.output_products, pl.DataFrame(products, schema=PRODUCT_SCHEMA, orient="row"), table_facts(product_tallies, len(products))
    )


def read_reviews(path: str, size: int, tally: Tally) -> list[tuple]:
    """The pool of one category, sorted, rows that say the same once."""
    category = Path(path).stem
    pool = Pool(f"amazon_reviews_2023 {category}", size)
    for number, row in json_lines(path):
        tally.row()
        if row is None:
            tally.bad("not a JSON object", number)
        elif (reason := why_broken(row)) is not None:
            tally.bad(reason, number)
        else:
            pool.offer(row["user_id"], review_of(category, row))
    tally.close()
    return sorted(set(pool.rows()))


def why_broken(row: dict[str, Any]) -> str | None:
    """What makes a review useless, or None."""
    if not all(isinstance(row.get(name), str) for name in ("title", "text", "user_id", "parent_asin")):
        return "a text is missing"
    if not row["user_id"] or not row["parent_asin"]:
        return "no user or product"
    if row.get("rating") not in (1, 2, 3, 4, 5):
        return "rating not in 1-5"
    if not isinstance(row.get("helpful_vote"), int) or not isinstance(row.get("timestamp"), int):
        return "votes or time is no whole number"
    return None


def review_of(category: str, row: dict[str, Any]) -> tuple:
    """A row of REVIEW_SCHEMA."""
    title, text = plain_text(row["title"])[:LONGEST_TITLE], plain_text(row["text"])[:LONGEST_REVIEW]
    return category, row["user_id"], row["parent_asin"], title, text, int(row["rating"]), row["helpful_vote"], row["timestamp"]


def read_products(path: str, needed: set[tuple[str, str]], tally: Tally) -> list[tuple]:
    """The needed products of one category, sorted, one of each."""
    category = Path(path).stem.removeprefix("meta_")
    kept: dict[tuple[str, str], tuple] = {}
    for product in product_rows(path, category, tally):
        if product[:2] in needed:
            kept.setdefault(product[:2], product)
    return [kept[key] for key in sorted(kept)]


def product_rows(path: str, category: str, tally: Tally) -> Iterator[tuple]:
    """Rows of PRODUCT_SCHEMA, the broken ones left out and counted."""
    for number, row in json_lines(path):
        tally.row()
        if row is None:
            tally.bad("not a JSON object", number)
        elif not isinstance(row.get("parent_asin"), str) or not plain_text(row.get("title")):
            tally.bad("no parent_asin or no title", number)
        else:
            categories = row.get("categories")
            last = plain_text(categories[-1]).lower() if isinstance(categories, list) and categories else ""
            yield category, row["parent_asin"], plain_text(row["title"])[:LONGEST_TITLE], plain_text(row.get("store")), last
    tally.close()


if __name__ == "__main__":
    run_program(main)
