"""Make the tables `esci_judgements` and `esci_products` from the Shopping Queries (ESCI) Parquet files.

    python workflow/scripts/tabulate_esci.py --examples raw/esci/shopping_queries_dataset_examples.parquet \\
        --products raw/esci/shopping_queries_dataset_products.parquet --pool-judgements 500000 --broken-share 0.02 \\
        --output-judgements tables/esci_judgements.parquet --output-products tables/esci_products.parquet

The queries with the lowest hashes of their ids are kept with all their judgements, and the products that these judge.

esci_judgements: query_id int64, query, locale (us, es, jp), product_id, label (E, S, C, I), all else str; sorted by query and product.
esci_products: locale, product_id, title, description, bullets (one to a line), brand, color, all str ("" where missing); sorted by locale
and product.
"""

from __future__ import annotations

import argparse

import polars as pl

from shopbench.files import BadInput, run_program
from shopbench.pool import Tally, first_reason, pooled_groups, table_facts
from shopbench.raw_text import plain_column, plain_texts
from shopbench.tables import first_of_each, scan_table, write_table

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
    try:
        judgements = read_judgements(arguments.examples, arguments.pool_judgements, judgement_tally)
        products = read_products(arguments.products, judgements["product_id"].unique(), product_tally)
    except pl.exceptions.PolarsError as error:
        raise BadInput(f"{arguments.examples} or {arguments.products}: cannot be read ({error}); fetch them again") from None
    # Judgements of products that the file lacks, and products of the same id in a locale where nothing was judged, are of no use.
    judgements = judgements.join(products, on=["locale", "product_id"], how="semi", maintain_order="left")
    products = products.join(judgements, on=["locale", "product_id"], how="semi", maintain_order="left")
    outside = judgement_tally.sound_rows - judgements.height
    write_table(arguments.output_judgements, judgements, table_facts([judgement_tally], judgements.height, outside_pool=outside))
    outside = product_tally.sound_rows - products.height
    write_table(arguments.output_products, products, table_facts([product_tally], products.height, outside_pool=outside))


def read_judgements(path: str, size: int, tally: Tally) -> pl.DataFrame:
    """The judgements of the pool's queries; a product judged twice for one query keeps its better label."""
    rows = scan_table(path, list(EXAMPLES)).rename(EXAMPLES)
    reasons = {
        "no query": pl.col("query").fill_null("").str.strip_chars() == "",
        "unknown locale": ~pl.col("locale").is_in(LOCALES).fill_null(False),
        "unknown label": ~pl.col("label").is_in(LABELS).fill_null(False),
        "no product": pl.col("product_id").is_null() | pl.col("query_id").is_null(),
    }
    tally.judge(rows, reasons)
    tally.close()
    sound = rows.filter(first_reason(reasons).is_null())
    queries = pooled_groups(sound.group_by("query_id").len().collect(engine="streaming"), "query_id", "esci", size)
    judgements = sound.filter(pl.col("query_id").is_in(queries.implode())).collect(engine="streaming")
    return (
        judgements.with_columns(
            plain_column(judgements["query"], LONGEST_QUERY),
            pl.col("label").replace_strict(LABELS, range(len(LABELS)), return_dtype=pl.Int8).alias("place"),
        )
        .filter(pl.col("query") != "")
        .sort("query_id", "product_id", "place", "locale", "query")
        .unique(["query_id", "product_id"], keep="first", maintain_order=True)
        .select("query_id", "query", "locale", "product_id", "label")
    )


def read_products(path: str, judged: pl.Series, tally: Tally) -> pl.DataFrame:
    """The judged products, texts made plain, one of each."""
    rows = scan_table(path, ["product_locale", "product_id", *(column for column, _ in TEXTS.values())])
    reasons = {
        "no title": pl.col("product_title").fill_null("").str.strip_chars() == "",
        "unknown locale": ~pl.col("product_locale").is_in(LOCALES).fill_null(False),
        "no product": pl.col("product_id").is_null(),
    }
    tally.judge(rows, reasons)
    tally.close()
    # By id alone, so that the reader unpacks the texts of these products only.
    products = rows.filter(pl.col("product_id").is_in(judged.implode())).collect(engine="streaming")
    products = products.filter(first_reason(reasons).is_null())
    texts = plain_texts(products, TEXTS, lines=["bullets"])
    products = products.rename({"product_locale": "locale"}).select("locale", "product_id").with_columns(**texts)
    return first_of_each(products.filter(pl.col("title") != ""), "locale", "product_id")


if __name__ == "__main__":
    run_program(main)
