"""Make the tables `esci_judgements` and `esci_products` from the Shopping Queries (ESCI) Parquet files.

    python workflow/scripts/tabulate_esci.py --examples raw/esci/shopping_queries_dataset_examples.parquet \\
        --products raw/esci/shopping_queries_dataset_products.parquet --pool-judgements 500000 --broken-share 0.02 \\
        --output-judgements tables/esci_judgements.parquet --output-products tables/esci_products.parquet

The queries with the lowest hashes of their ids are kept with all their judgements, and the products that these judge.

esci_judgements: query_id int64, query, locale (us, es, jp), product_id, label (E, S, C, I), all else str; sorted by query and product.
esci_products: locale, product_id, title, description, bullets (one to a line), brand, color, all str ("" where missing); in the order of
the file.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from shopbench.files import run_program
from shopbench.pool import Pool, Tally, table_facts
from shopbench.raw_columns import blank, plain_column
from shopbench.raw_parquet import LONG_ROWS, SHORT_ROWS, parquet_pieces
from shopbench.table_pieces import MANY_ROWS, first_of_each, holds, joined_texts, write_pieces

EXAMPLES = {"query_id": "query_id", "query": "query", "product_locale": "locale", "product_id": "product_id", "esci_label": "label"}
# Our names of the products' texts, the file's names, and the longest text kept, in characters: what no prompt needs is not carried along.
TEXTS = {
    "title": ("product_title", 400),
    "description": ("product_description", 3_000),
    "bullets": ("product_bullet_point", 3_000),
    "brand": ("product_brand", 100),
    "color": ("product_color", 100),
}
LOCALES = ["us", "es", "jp"]
# From the best to the worst.
LABELS = ["E", "S", "C", "I"]
LONGEST_QUERY = 400
JUDGEMENTS = pa.schema([("query_id", pa.int64()), *((name, pa.string()) for name in ("query", "locale", "product_id", "label"))])
PRODUCTS = pa.schema([(name, pa.string()) for name in ("locale", "product_id", *TEXTS)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", required=True, help="shopping_queries_dataset_examples.parquet")
    parser.add_argument("--products", required=True, help="shopping_queries_dataset_products.parquet")
    parser.add_argument("--pool-judgements", type=int, required=True, help="judgements to keep, in whole queries")
    parser.add_argument("--broken-share", type=float, required=True, help="share of broken rows from which a file is refused")
    parser.add_argument("--output-judgements", required=True, help="the table of judgements to write")
    parser.add_argument("--output-products", required=True, help="the table of products to write")
    arguments = parser.parse_args()

    judgement_tally = Tally(arguments.examples, arguments.broken_share)
    product_tally = Tally(arguments.products, arguments.broken_share)
    judgements = read_judgements(arguments.examples, arguments.pool_judgements, Path(arguments.output_judgements).parent, judgement_tally)
    judged = product_keys(judgements)
    missing = set(judged)
    write_pieces(
        arguments.output_products,
        PRODUCTS,
        read_products(arguments.products, missing, product_tally),
        lambda rows: table_facts([product_tally], rows, outside_pool=product_tally.sound_rows - rows),
        few=["locale", "brand", "color"],
    )
    # Judgements of products that the file lacks are of no use.
    judgements = judgements.filter(pa.array([product not in missing for product in judged], pa.bool_()))
    write_pieces(
        arguments.output_judgements,
        JUDGEMENTS,
        [judgements],
        lambda rows: table_facts([judgement_tally], rows, outside_pool=judgement_tally.sound_rows - rows),
        few=["query", "locale", "label"],
        group_rows=MANY_ROWS,
    )


def read_judgements(path: str, size: int, folder: Path, tally: Tally) -> pa.Table:
    """The judgements of the pool's queries; a product judged twice for one query keeps its better label."""
    raw = pa.schema([(column, JUDGEMENTS.field(name).type) for column, name in EXAMPLES.items()])
    pool = Pool("esci", size, raw, folder)
    locales, labels = pa.array(LOCALES), pa.array(LABELS)
    for rows, numbers in parquet_pieces(path, raw, tally, SHORT_ROWS):
        sound = tally.sound(
            numbers,
            {
                "no query": blank(rows["query"]),
                "unknown locale": ~holds(pc.is_in(rows["product_locale"], locales)),
                "unknown label": ~holds(pc.is_in(rows["esci_label"], labels)),
                "no product": holds(pc.or_(rows["product_id"].is_null(), rows["query_id"].is_null())),
            },
        )
        pool.offer(rows.filter(pa.array(sound)), "query_id")
    tally.close()
    rows = pool.table().combine_chunks().rename_columns(list(EXAMPLES.values()))
    queries = plain_column(rows["query"].combine_chunks(), LONGEST_QUERY)
    rows = rows.set_column(rows.schema.get_field_index("query"), "query", queries).filter(pa.array(~blank(queries)))
    rows = rows.append_column("place", pc.index_in(rows["label"], labels))
    rows = rows.sort_by([(name, "ascending") for name in ("query_id", "product_id", "place", "locale", "query")])
    queries, products = rows["query_id"].combine_chunks(), rows["product_id"].combine_chunks()
    same = pc.and_(pc.equal(queries[1:], queries[:-1]), pc.equal(products[1:], products[:-1]))
    return rows.filter(pa.array([True, *(~holds(same)).tolist()][: rows.num_rows], pa.bool_())).select(JUDGEMENTS.names)


def read_products(path: str, missing: set[str], tally: Tally) -> Iterator[pa.Table]:
    """The products with the missing keys in the order of the file, texts made plain, one of each; takes their keys out of `missing`."""
    raw = pa.schema([(name, pa.string()) for name in ("product_locale", "product_id", *(column for column, _ in TEXTS.values()))])
    locales = pa.array(LOCALES)

    for rows, numbers in parquet_pieces(path, raw, tally, LONG_ROWS):
        sound = tally.sound(
            numbers,
            {
                "no title": blank(rows["product_title"]),
                "unknown locale": ~holds(pc.is_in(rows["product_locale"], locales)),
                "no product": holds(rows["product_id"].is_null()),
            },
        )
        keys = product_keys(rows, "product_locale")
        rows = rows.filter(pa.array([key in missing for key in keys] & sound))
        texts = {name: plain_column(rows[column], longest, name == "bullets") for name, (column, longest) in TEXTS.items()}
        products = pa.table({"locale": rows["product_locale"], "product_id": rows["product_id"], **texts}, schema=PRODUCTS)
        products = products.filter(pa.array(~blank(products["title"])))
        keys = product_keys(products)
        yield products.filter(first_of_each(keys, set()))
        missing.difference_update(keys)
    tally.close()


def product_keys(rows: pa.Table | pa.RecordBatch, locale: str = "locale") -> list[str]:
    """What names a product: its locale and id, as one text."""
    return joined_texts(rows[locale], rows["product_id"])


if __name__ == "__main__":
    run_program(main)
