"""Make the tables of one category of Amazon Reviews 2023: its reviews and its products.

    python workflow/scripts/tabulate_reviews.py --reviews raw/amazon_reviews_2023/raw/review_categories/Gift_Cards.jsonl \\
        --products raw/amazon_reviews_2023/raw/meta_categories/meta_Gift_Cards.jsonl --pool-reviews 150000 --broken-share 0.02 \\
        --output-reviews tables/reviews.Gift_Cards.parquet --output-products tables/review_products.Gift_Cards.parquet

All reviews of the users with the lowest hashes (so that what a user bought together stays together), and the products that they review.

reviews: category, user_id, product_id (parent_asin, which joins the two), title, text, all str; rating, helpful_votes, time
(milliseconds), int64.
review_products: category, product_id, title, store, type (the last of its categories, lower case; "" where there are none), all str.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Annotated

import msgspec
import polars as pl

from shopbench.files import run_program
from shopbench.pool import Pool, Tally, table_facts
from shopbench.raw_json import line_frames
from shopbench.raw_text import plain_column
from shopbench.tables import first_of_each, write_table

LONGEST_TITLE = 400
LONGEST_REVIEW = 3_000
LONGEST_NAME = 100


Name = Annotated[str, msgspec.Meta(min_length=1)]


class RawReview(msgspec.Struct, gc=False):
    """The fields that are needed of a line of raw/review_categories/{category}.jsonl."""

    user_id: Name
    parent_asin: Name
    title: str
    text: str
    rating: Annotated[float, msgspec.Meta(ge=1, le=5, multiple_of=1)]
    helpful_vote: int
    timestamp: int


REVIEW_SCHEMA = {
    "user_id": pl.String,
    "product_id": pl.String,
    "title": pl.String,
    "text": pl.String,
    "rating": pl.Float64,
    "helpful_votes": pl.Int64,
    "time": pl.Int64,
}


class RawProduct(msgspec.Struct, gc=False):
    """The fields that are needed of a line of raw/meta_categories/meta_{category}.jsonl."""

    parent_asin: Name
    title: Name
    store: str | None = None
    categories: list[str] | None = None


PRODUCT_SCHEMA = {"product_id": pl.String, "title": pl.String, "store": pl.String, "categories": pl.List(pl.String)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reviews", required=True, help="raw/review_categories/{category}.jsonl, plain or gzipped")
    parser.add_argument("--products", required=True, help="raw/meta_categories/meta_{category}.jsonl, plain or gzipped")
    parser.add_argument("--pool-reviews", type=int, required=True, help="reviews to keep")
    parser.add_argument("--broken-share", type=float, required=True, help="share of broken lines from which a file is refused")
    parser.add_argument("--output-reviews", required=True, help="the table of reviews to write")
    parser.add_argument("--output-products", required=True, help="the table of products to write")
    arguments = parser.parse_args()

    category = Path(arguments.reviews).name.split(".")[0]
    review_tally = Tally(arguments.reviews, arguments.broken_share)
    reviews = read_reviews(arguments.reviews, category, arguments.pool_reviews, review_tally)
    product_tally = Tally(arguments.products, arguments.broken_share)
    products = read_products(arguments.products, category, set(reviews["product_id"]), product_tally)
    outside = review_tally.sound_rows - reviews.height
    write_table(arguments.output_reviews, reviews, table_facts([review_tally], reviews.height, outside_pool=outside))
    outside = product_tally.sound_rows - products.height
    write_table(arguments.output_products, products, table_facts([product_tally], products.height, outside_pool=outside))


def read_reviews(path: str, category: str, size: int, tally: Tally) -> pl.DataFrame:
    """The pool of the category, sorted, rows that say the same once."""
    pool = Pool(f"amazon_reviews_2023 {category}", size)
    for rows in line_frames(path, RawReview, REVIEW_SCHEMA, tally, lambda rows: pool.may_hold([row.user_id for row in rows])):
        pool.offer(rows, "user_id")
    tally.close()
    reviews = pool.rows()
    return (
        reviews.with_columns(
            plain_column(reviews["title"], LONGEST_TITLE), plain_column(reviews["text"], LONGEST_REVIEW), pl.col("rating").cast(pl.Int64)
        )
        .select(pl.lit(category).alias("category"), *REVIEW_SCHEMA)
        .unique()
        .sort(pl.all())
    )


def read_products(path: str, category: str, needed: set[str], tally: Tally) -> pl.DataFrame:
    """The needed products of the category, sorted, one of each."""
    pieces = line_frames(path, RawProduct, PRODUCT_SCHEMA, tally, lambda rows: [row.parent_asin in needed for row in rows])
    products = pl.concat(pieces)
    tally.close()
    products = (
        products.with_columns(
            plain_column(products["title"], LONGEST_TITLE),
            plain_column(products["store"], LONGEST_NAME),
            plain_column(products["categories"].list.last(), LONGEST_NAME).str.to_lowercase().alias("type"),
        )
        .select(pl.lit(category).alias("category"), "product_id", "title", "store", "type")
        .filter(pl.col("title") != "")
    )
    return first_of_each(products, "product_id")


if __name__ == "__main__":
    run_program(main)
