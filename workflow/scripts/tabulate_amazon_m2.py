"""Make the tables `m2_products` and `m2_sessions` from Amazon-M2 (the data of KDD Cup 2023).

    python workflow/scripts/tabulate_amazon_m2.py --products raw/amazon_m2/products_train.csv --sessions raw/amazon_m2/sessions_train.csv \\
        --pool-products 300000 --pool-sessions 60000 --broken-share 0.02 \\
        --output-products tables/m2_products.parquet --output-sessions tables/m2_sessions.parquet

Sessions with the lowest hashes of their rows; products with the lowest hashes of their ids (in all locales: one id is one product in
several languages), and those that the kept sessions name.

m2_sessions: session int64 (row in the file, the header is row 1), locale, previous list[str] (ids, oldest first), next str (the purchase).
m2_products: locale (de, jp, uk, es, fr, it), product_id, title, brand, color, size, model, material, author, description, all str (""
where missing); in the order of the file.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopbench.files import run_program
from shopbench.pool import Pool, Tally, table_facts
from shopbench.raw_columns import blank, plain_column
from shopbench.raw_csv import csv_pieces
from shopbench.raw_lists import EMPTY_LIST, NUMPY_LIST, numpy_list
from shopbench.table_pieces import MANY_ROWS, first_of_each, holds, joined_texts, write_pieces

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
SESSIONS = pa.schema([("session", pa.int64()), ("locale", pa.string()), ("previous", pa.list_(pa.string())), ("next", pa.string())])
PRODUCTS = pa.schema([(name, pa.string()) for name in ("locale", "product_id", *TEXTS)])


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
    folder = Path(arguments.output_products).parent
    sessions = read_sessions(arguments.sessions, arguments.pool_sessions, folder, session_tally)
    named = {*sessions["previous"].combine_chunks().flatten().to_pylist(), *sessions["next"].to_pylist()}
    product_tally = Tally(arguments.products, arguments.broken_share)
    write_pieces(
        arguments.output_products,
        PRODUCTS,
        read_products(arguments.products, arguments.pool_products, named, folder, product_tally),
        lambda rows: table_facts([product_tally], rows, outside_pool=product_tally.sound_rows - rows),
        few=["locale", "brand", "color", "size", "model", "material", "author"],
    )
    write_pieces(
        arguments.output_sessions,
        SESSIONS,
        [sessions],
        lambda rows: table_facts([session_tally], rows, outside_pool=session_tally.sound_rows - rows),
        few=["locale"],
        group_rows=MANY_ROWS,
    )


def read_sessions(path: str, size: int, folder: Path, tally: Tally) -> pa.Table:
    """The pool's sessions in the order of the file."""
    raw = pa.schema([("session", pa.int64()), *((name, pa.string()) for name in ("prev_items", "next_item", "locale"))])
    pool = Pool("amazon_m2 sessions", size, raw, folder)
    locales = pa.array(LOCALES)
    for rows, numbers in csv_pieces(path, ["prev_items", "next_item", "locale"], tally):
        following = pc.utf8_trim_whitespace(rows["next_item"])
        sound = tally.sound(
            numbers,
            {
                "unknown locale": ~holds(pc.is_in(rows["locale"], locales)),
                "prev_items is no list": ~holds(pc.match_substring_regex(rows["prev_items"], NUMPY_LIST)),
                "prev_items is empty": holds(pc.match_substring_regex(rows["prev_items"], EMPTY_LIST)),
                "no next_item": blank(following),
            },
        )
        columns = [pa.array(numbers), rows["prev_items"], following, rows["locale"]]
        pool.offer(pa.RecordBatch.from_arrays(columns, schema=raw).filter(pa.array(sound)), "session")
    tally.close()
    sessions = pool.table()
    previous = pa.array([numpy_list(text) for text in sessions["prev_items"].to_pylist()], SESSIONS.field("previous").type)
    return pa.table([sessions["session"], pc.utf8_lower(sessions["locale"]), previous, sessions["next_item"]], schema=SESSIONS)


def read_products(path: str, size: int, named: set[str], folder: Path, tally: Tally) -> Iterator[pa.Table]:
    """The pool's products and the named ones in the order of the file, the first of each id in each locale."""
    columns = ["id", "locale", *(column for column, _ in TEXTS.values())]
    pool = Pool("amazon_m2 products", size, pa.schema([(column, pa.string()) for column in columns]), folder)
    locales = pa.array(LOCALES)
    for rows, numbers in csv_pieces(path, columns, tally):
        rows = rows.set_column(0, "id", pc.utf8_trim_whitespace(rows["id"]))
        sound = tally.sound(
            numbers,
            {
                "unknown locale": ~holds(pc.is_in(rows["locale"], locales)),
                "no id or no title": blank(rows["id"]) | blank(rows["title"]),
            },
        )
        rows = rows.filter(pa.array(sound))
        pool.offer(rows, "id", needed=np.fromiter((product in named for product in rows["id"].to_pylist()), np.bool_, rows.num_rows))
    tally.close()
    seen: set[str] = set()
    for kept in pool.pieces():
        texts = {name: plain_column(kept[column].combine_chunks(), longest) for name, (column, longest) in TEXTS.items()}
        products = pa.table({"locale": pc.utf8_lower(kept["locale"]), "product_id": kept["id"], **texts}, schema=PRODUCTS)
        products = products.filter(pa.array(~blank(products["title"])))
        yield products.filter(first_of_each(joined_texts(products["locale"], products["product_id"]), seen))


if __name__ == "__main__":
    run_program(main)
