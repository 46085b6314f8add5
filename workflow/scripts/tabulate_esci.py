"""Make the tables `esci_judgements` and `esci_products` from the Shopping Queries (ESCI) Parquet files.

    python workflow/scripts/tabulate_esci.py --examples raw/esci/shopping_queries_dataset_examples.parquet \\
        --products raw/esci/shopping_queries_dataset_products.parquet --queries 60000 --broken-share 0.02 \\
        --output-judgements tables/esci_judgements.parquet --output-products tables/esci_products.parquet

The queries with the lowest hashes of their ids are kept with all their judgements, and the products that these judge.

esci_judgements: query_id int64, query, locale (us, es, jp), product_id, label (E, S, C, I), all else str; sorted by query and product.
esci_products: locale, product_id, title, description, bullets (one to a line), brand, color, all str ("" where missing); sorted by locale
and product.
"""

from __future__ import annotations

import argparse

import polars as pl

from shopbench.files import BadInput, progress, run_program
from shopbench.pool import Pool, Tally, table_facts
from shopbench.raw_text import plain_lines, plain_text
from shopbench.tables import scan_table, write_table

EXAMPLES = {"query_id": "query_id", "query": "query", "product_locale": "locale", "product_id": "product_id", "esci_label": "label"}
PRODUCTS = {
    "product_locale": "locale",
    "product_id": "product_id",
    "product_title": "title",
    "product_description": "description",
    "product_bullet_point": "bullets",
    "product_brand": "brand",
    "product_color": "color",
}
LOCALES = ["us", "es", "jp"]
LABELS = ["E", "S", "C", "I"]
# Longest text kept, in characters: what no prompt needs is not carried along.
LONGEST = {"title": 400, "description": 3_000, "bullets": 3_000, "brand": 100, "color": 100}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", required=True, help="shopping_queries_dataset_examples.parquet")
    parser.add_argument("--products", required=True, help="shopping_queries_dataset_products.parquet")
    parser.add_argument("--queries", type=int, required=True, help="queries to keep")
    parser.add_argument("--broken-share", type=float, required=True, help="share of broken rows from which a file is refused")
    parser.add_argument("--output-judgements", required=True, help="the table of judgements to write")
    parser.add_argument("--output-products", required=True, help="the table of products to write")
    arguments = parser.parse_args()

    try:
        judgements, judgement_facts = read_judgements(arguments.examples, arguments.queries, arguments.broken_share)
        products, product_facts = read_products(arguments.products, judgements, arguments.broken_share)
    except pl.exceptions.PolarsError as error:
        raise BadInput(f"{arguments.examples} or {arguments.products}: cannot be read ({error}); fetch them again") from None
    judgements = judgements.join(products, on=["locale", "product_id"], how="semi", maintain_order="left")
    judgement_facts |= {"rows_kept": judgements.height}
    write_table(arguments.output_judgements, judgements, judgement_facts)
    write_table(arguments.output_products, products, product_facts)


def read_judgements(path: str, queries: int, broken_share: float) -> tuple[pl.DataFrame, dict]:
    """The judgements of the pool's queries, and the facts of the file."""
    tally = Tally(path, broken_share)
    rows = scan_table(path, list(EXAMPLES)).rename(EXAMPLES).with_row_index("row", offset=1)
    count_broken(
        rows,
        {
            "no query": pl.col("query").fill_null("").str.strip_chars() == "",
            "unknown locale": ~pl.col("locale").is_in(LOCALES).fill_null(False),
            "unknown label": ~pl.col("label").is_in(LABELS).fill_null(False),
            "no product": pl.col("product_id").is_null() | pl.col("query_id").is_null(),
        },
        tally,
    )
    tally.close()
    sound = rows.filter(
        pl.col("query").str.strip_chars() != "",
        pl.col("locale").is_in(LOCALES),
        pl.col("label").is_in(LABELS),
        pl.col("product_id").is_not_null(),
        pl.col("query_id").is_not_null(),
    ).drop("row")
    pool = Pool("esci", queries)
    for query_id in sound.select(pl.col("query_id").unique()).collect(engine="streaming")["query_id"]:
        pool.offer(str(query_id), query_id)
    kept = pl.LazyFrame({"query_id": list(pool.rows())}, schema={"query_id": pl.Int64})
    judgements = sound.join(kept, on="query_id", how="semi").collect(engine="streaming")
    judgements = judgements.with_columns(pl.col("query").map_elements(plain_text, return_dtype=pl.String)).filter(pl.col("query") != "")
    # One product judged twice for one query keeps its better label: E < S < C < I in the order of LABELS.
    judgements = (
        judgements.with_columns(pl.col("label").replace_strict(LABELS, range(4), return_dtype=pl.Int8).alias("place"))
        .sort("query_id", "product_id", "place", "locale", "query")
        .unique(["query_id", "product_id"], keep="first", maintain_order=True)
        .select("query_id", "query", "locale", "product_id", "label")
    )
    facts = table_facts([tally], judgements.height, outside_pool=tally.read - tally.broken.total() - judgements.height)
    return judgements, facts


def read_products(path: str, judgements: pl.DataFrame, broken_share: float) -> tuple[pl.DataFrame, dict]:
    """The products that the judgements name, texts made plain, and the facts of the file."""
    tally = Tally(path, broken_share)
    rows = scan_table(path, list(PRODUCTS)).rename(PRODUCTS).with_row_index("row", offset=1)
    count_broken(
        rows,
        {
            "no title": pl.col("title").fill_null("").str.strip_chars() == "",
            "unknown locale": ~pl.col("locale").is_in(LOCALES).fill_null(False),
            "no product": pl.col("product_id").is_null(),
        },
        tally,
    )
    tally.close()
    judged = judgements.select("locale", "product_id").unique(maintain_order=True).lazy()
    products = rows.drop("row").join(judged, on=["locale", "product_id"], how="semi").collect(engine="streaming")
    progress(f"{path}: {products.height:,} products to clean")
    products = (
        products.with_columns(cleaned(column) for column in LONGEST)
        .filter(pl.col("title") != "")
        .sort("locale", "product_id", "title", "description")
        .unique(["locale", "product_id"], keep="first", maintain_order=True)
    )
    facts = table_facts([tally], products.height, outside_pool=tally.read - tally.broken.total() - products.height)
    return products, facts


def count_broken(rows: pl.LazyFrame, reasons: dict[str, pl.Expr], tally: Tally) -> None:
    """Put the number of rows, and of broken ones by their first reason, into the tally."""
    reason = pl.coalesce(*(pl.when(broken).then(pl.lit(name)) for name, broken in reasons.items()))
    counts = (
        rows.select("row", reason.alias("reason"))
        .group_by("reason")
        .agg(pl.len(), pl.col("row").min())
        .sort("row")
        .collect(engine="streaming")
    )
    for name, count, first in counts.iter_rows():
        tally.read += count
        if name is not None:
            tally.bad(name, first)
            tally.broken[name] += count - 1


def cleaned(column: str) -> pl.Expr:
    """The column made plain, missing values as "", cut to its longest; bullets keep their lines."""

    def clean(text: str | None) -> str:
        plain = "\n".join(plain_lines(text)) if column == "bullets" else plain_text(text)
        return plain[: LONGEST[column]].strip()

    return pl.col(column).map_elements(clean, return_dtype=pl.String, skip_nulls=False)


if __name__ == "__main__":
    run_program(main)
