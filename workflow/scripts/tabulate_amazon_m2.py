"""Make the tables `m2_products` and `m2_sessions` from Amazon-M2 (the data of KDD Cup 2023).

    python workflow/scripts/tabulate_amazon_m2.py --products raw/amazon_m2/products_train.csv --sessions raw/amazon_m2/sessions_train.csv \\
        --pool-products 300000 --pool-sessions 60000 --broken-share 0.02 \\
        --output-products tables/m2_products.parquet --output-sessions tables/m2_sessions.parquet

Sessions with the lowest hashes of their rows; products with the lowest hashes of their ids (in all locales: one id is one product in
several languages), and those that the kept sessions name.

m2_sessions: session int64 (row in the file, the header is row 1), locale, previous list[str] (ids, oldest first), next str (the purchase).
m2_products: locale (de, jp, uk, es, fr, it), product_id, title, brand, color, size, model, material, author, description, all str (""
where missing).
"""

from __future__ import annotations

import argparse

import polars as pl

from shopbench.files import run_program
from shopbench.pool import Pool, Tally, compact, table_facts
from shopbench.raw_csv import csv_frames
from shopbench.raw_lists import NUMPY_LIST, numpy_list
from shopbench.raw_text import plain_texts
from shopbench.tables import first_of_each, write_table

LOCALES = ["DE", "JP", "UK", "ES", "FR", "IT"]
# Our names of the products' texts, the file's names, and the longest text kept, in characters.
TEXTS = {
    "title": ("title", 400),
    "brand": ("brand", 100),
    "color": ("color", 100),
    "size": ("size", 100),
    "model": ("model", 100),
    "material": ("material", 100),
    "author": ("author", 100),
    "description": ("desc", 2_000),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", required=True, help="products_train.csv, plain or gzipped")
    parser.add_argument("--sessions", required=True, help="sessions_train.csv, plain or gzipped")
    parser.add_argument("--pool-products", type=int, required=True, help="products to keep beside those of the sessions")
    parser.add_argument("--pool-sessions", type=int, required=True, help="sessions to keep")
    parser.add_argument("--broken-share", type=float, required=True, help="share of broken rows from which a file is refused")
    parser.add_argument("--output-products", required=True, help="the table of products to write")
    parser.add_argument("--output-sessions", required=True, help="the table of sessions to write")
    arguments = parser.parse_args()

    session_tally = Tally(arguments.sessions, arguments.broken_share)
    sessions = read_sessions(arguments.sessions, arguments.pool_sessions, session_tally)
    named = set(sessions["previous"].explode()) | set(sessions["next"])
    product_tally = Tally(arguments.products, arguments.broken_share)
    products = read_products(arguments.products, arguments.pool_products, named, product_tally)
    outside = session_tally.sound_rows - sessions.height
    write_table(arguments.output_sessions, sessions, table_facts([session_tally], sessions.height, outside_pool=outside))
    outside = product_tally.sound_rows - products.height
    write_table(arguments.output_products, products, table_facts([product_tally], products.height, outside_pool=outside))


def read_sessions(path: str, size: int, tally: Tally) -> pl.DataFrame:
    """The pool's sessions in the order of the file."""
    pool = Pool("amazon_m2 sessions", size)
    for rows in csv_frames(path, ["prev_items", "next_item", "locale"], tally):
        rows = rows.with_columns(pl.col("next_item").str.strip_chars(), session="row")
        sound = tally.sound(
            rows,
            {
                "unknown locale": ~pl.col("locale").is_in(LOCALES),
                "prev_items is no list": ~pl.col("prev_items").str.contains(f"^{NUMPY_LIST}$"),
                "prev_items is empty": ~pl.col("prev_items").str.contains("['\"]"),
                "no next_item": pl.col("next_item") == "",
            },
        )
        pool.offer(sound, "session")
    tally.close()
    sessions = pool.rows()
    return sessions.select(
        "session",
        pl.col("locale").str.to_lowercase(),
        pl.Series("previous", [numpy_list(text) for text in sessions["prev_items"]], dtype=pl.List(pl.String)),
        pl.col("next_item").alias("next"),
    ).sort("session")


def read_products(path: str, size: int, named: set[str], tally: Tally) -> pl.DataFrame:
    """The pool's products and the named ones, sorted by locale and id, one of each."""
    pool = Pool("amazon_m2 products", size)
    pieces = []
    for rows in csv_frames(path, ["id", "locale", *(column for column, _ in TEXTS.values())], tally):
        rows = rows.with_columns(pl.col("id").str.strip_chars())
        sound = tally.sound(
            rows,
            {
                "unknown locale": ~pl.col("locale").is_in(LOCALES),
                "no id or no title": (pl.col("id") == "") | (pl.col("title").str.strip_chars() == ""),
            },
        )
        is_named = pl.Series([product in named for product in sound["id"]], dtype=pl.Boolean)
        pieces.append(compact(sound.filter(is_named)))
        pool.offer(sound.filter(~is_named), "id")
    tally.close()
    products = pl.concat([*pieces, pool.rows()])
    del pieces, pool
    texts = plain_texts(products, TEXTS)
    products = products.select(pl.col("locale").str.to_lowercase(), pl.col("id").alias("product_id")).with_columns(**texts)
    return first_of_each(products.filter(pl.col("title") != ""), "locale", "product_id")


if __name__ == "__main__":
    run_program(main)
