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
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from shopbench.files import run_program
from shopbench.pool import Pool, Tally, table_facts
from shopbench.raw_columns import blank, plain_column
from shopbench.raw_json import line_pieces
from shopbench.table_pieces import FEW_ROWS, MANY_ROWS, first_of_each, regrouped, write_pieces

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


RAW_REVIEWS = pa.schema(
    [
        *((name, pa.string()) for name in ("user_id", "product_id", "title", "text")),
        ("rating", pa.float64()),
        ("helpful_votes", pa.int64()),
        ("time", pa.int64()),
    ]
)
REVIEWS = pa.schema([("category", pa.string()), *RAW_REVIEWS]).set(5, pa.field("rating", pa.int64()))


class RawProduct(msgspec.Struct, gc=False):
    """The fields that are needed of a line of raw/meta_categories/meta_{category}.jsonl."""

    parent_asin: Name
    title: Name
    store: str | None = None
    categories: list[str] | None = None


RAW_PRODUCTS = pa.schema([*((name, pa.string()) for name in ("product_id", "title", "store")), ("categories", pa.list_(pa.string()))])
PRODUCTS = pa.schema([(name, pa.string()) for name in ("category", "product_id", "title", "store", "type")])


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
    reviews = read_reviews(arguments.reviews, category, arguments.pool_reviews, Path(arguments.output_reviews).parent, review_tally)
    product_tally = Tally(arguments.products, arguments.broken_share)
    write_pieces(
        arguments.output_products,
        PRODUCTS,
        read_products(arguments.products, category, set(reviews["product_id"].to_pylist()), product_tally),
        lambda rows: table_facts([product_tally], rows, outside_pool=product_tally.sound_rows - rows),
        few=["category", "store", "type"],
    )
    write_pieces(
        arguments.output_reviews,
        REVIEWS,
        [reviews],
        lambda rows: table_facts([review_tally], rows, outside_pool=review_tally.sound_rows - rows),
        few=["category", "product_id", "rating", "helpful_votes"],
        group_rows=MANY_ROWS,
    )


def read_reviews(path: str, category: str, size: int, folder: Path, tally: Tally) -> pa.Table:
    """The pool of the category, sorted, rows that say the same once."""
    pool = Pool(f"amazon_reviews_2023 {category}", size, RAW_REVIEWS, folder)
    for rows in line_pieces(
        path, RawReview, RAW_REVIEWS, tally, lambda rows: pool.may_hold(pa.array([row.user_id for row in rows], pa.string()))
    ):
        pool.offer(rows, "user_id")
    tally.close()
    rows = pool.table().combine_chunks()
    columns = {name: rows[name] for name in RAW_REVIEWS.names}
    columns["category"] = pa.repeat(category, rows.num_rows)
    columns["title"] = plain_column(rows["title"].combine_chunks(), LONGEST_TITLE)
    columns["text"] = plain_column(rows["text"].combine_chunks(), LONGEST_REVIEW)
    columns["rating"] = rows["rating"].cast(pa.int64())
    reviews = pa.table({name: columns[name] for name in REVIEWS.names}, schema=REVIEWS)
    reviews = reviews.sort_by([(name, "ascending") for name in REVIEWS.names])
    rows = zip(*(column.to_pylist() for column in reviews.columns), strict=True)
    return reviews.filter(first_of_each(rows, set()))


def read_products(path: str, category: str, needed: set[str], tally: Tally) -> Iterator[pa.Table]:
    """The needed products of the category in the order of the file, one of each."""
    pieces = line_pieces(path, RawProduct, RAW_PRODUCTS, tally, lambda rows: [row.parent_asin in needed for row in rows])
    seen: set[str] = set()
    for rows in regrouped((pa.Table.from_batches([piece]) for piece in pieces), FEW_ROWS):
        types = pa.array([names[-1] if names else "" for names in rows["categories"].to_pylist()], pa.string())
        columns = [
            pa.repeat(category, rows.num_rows),
            rows["product_id"],
            plain_column(rows["title"].combine_chunks(), LONGEST_TITLE),
            plain_column(rows["store"].combine_chunks(), LONGEST_NAME),
            pc.utf8_lower(plain_column(types, LONGEST_NAME)),
        ]
        products = pa.table(columns, schema=PRODUCTS)
        products = products.filter(pa.array(~blank(products["title"])))
        yield products.filter(first_of_each(products["product_id"].to_pylist(), seen))
    tally.close()


if __name__ == "__main__":
    run_program(main)
