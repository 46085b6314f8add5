"""Make the tables `m2_products` and `m2_sessions` from Amazon-M2 (the data of KDD Cup 2023).

    python workflow/scripts/tabulate_amazon_m2.py --products raw/amazon_m2/products_train.csv --sessions raw/amazon_m2/sessions_train.csv \\
        --pool-products 400000 --pool-sessions 200000 --broken-share 0.02 \\
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
from shopbench.pool import Pool, Tally, table_facts
from shopbench.raw_csv import csv_rows
from shopbench.raw_lists import numpy_list
from shopbench.raw_text import plain_text
from shopbench.tables import write_table

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
PRODUCT_SCHEMA = dict.fromkeys(["locale", "product_id", *TEXTS], pl.String)
SESSION_SCHEMA: dict = {"session": pl.Int64, "locale": pl.String, "previous": pl.List(pl.String), "next": pl.String}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", required=True, help="products_train.csv")
    parser.add_argument("--sessions", required=True, help="sessions_train.csv")
    parser.add_argument("--pool-products", type=int, required=True, help="products to keep beside those of the sessions")
    parser.add_argument("--pool-sessions", type=int, required=True, help="sessions to keep")
    parser.add_argument("--broken-share", type=float, required=True, help="share of broken rows from which a file is refused")
    parser.add_argument("--output-products", required=True, help="the table of products to write")
    parser.add_argument("--output-sessions", required=True, help="the table of sessions to write")
    arguments = parser.parse_args()

    sessions, session_facts = read_sessions(arguments.sessions, arguments.pool_sessions, arguments.broken_share)
    named = {item for _, _, previous, last in sessions for item in (*previous, last)}
    products, product_facts = read_products(arguments.products, arguments.pool_products, named, arguments.broken_share)
    write_table(arguments.output_sessions, pl.DataFrame(sessions, schema=SESSION_SCHEMA, orient="row"), session_facts)
    write_table(arguments.output_products, pl.DataFrame(products, schema=PRODUCT_SCHEMA, orient="row"), product_facts)


def read_sessions(path: str, size: int, broken_share: float) -> tuple[list[tuple], dict]:
    """The pool's sessions in the order of the file, and the facts of the file."""
    tally = Tally(path, broken_share)
    pool = Pool("amazon_m2 sessions", size)
    for number, row in csv_rows(path, ["prev_items", "next_item", "locale"]):
        tally.row()
        if row is None:
            tally.bad("wrong number of cells", number)
        elif row["locale"] not in LOCALES:
            tally.bad("unknown locale", number)
        elif not (previous := numpy_list(row["prev_items"])):
            tally.bad("prev_items is no list", number)
        elif not row["next_item"].strip():
            tally.bad("no next_item", number)
        else:
            pool.offer(str(number), (number, row["locale"].lower(), previous, row["next_item"].strip()))
    tally.close()
    sessions = sorted(pool.rows())
    return sessions, table_facts([tally], len(sessions), outside_pool=tally.read - tally.broken.total() - len(sessions))


def read_products(path: str, size: int, named: set[str], broken_share: float) -> tuple[list[tuple], dict]:
    """The pool's products and the named ones, sorted by locale and id, one of each, and the facts of the file."""
    tally = Tally(path, broken_share)
    pool = Pool("amazon_m2 products", size)
    kept: dict[tuple[str, str], tuple] = {}
    for number, row in csv_rows(path, ["id", "locale", *(column for column, _ in TEXTS.values())]):
        tally.row()
        if row is None:
            tally.bad("wrong number of cells", number)
        elif row["locale"] not in LOCALES:
            tally.bad("unknown locale", number)
        elif not row["id"].strip() or not row["title"].strip():
            tally.bad("no id or no title", number)
        else:
            product = product_of(row)
            locale, identity, *_ = product
            if identity in named:
                kept.setdefault((locale, identity), product)
            else:
                pool.offer(identity, product)
    tally.close()
    for product in pool.rows():
        kept.setdefault((product[0], product[1]), product)
    products = [kept[key] for key in sorted(kept) if kept[key][2]]
    return products, table_facts([tally], len(products), outside_pool=tally.read - tally.broken.total() - len(products))


def product_of(row: dict[str, str]) -> tuple[str, ...]:
    """A row of PRODUCT_SCHEMA, texts made plain and cut."""
    texts = (plain_text(row[column])[:longest].strip() for column, longest in TEXTS.values())
    return row["locale"].lower(), row["id"].strip(), *texts


if __name__ == "__main__":
    run_program(main)
