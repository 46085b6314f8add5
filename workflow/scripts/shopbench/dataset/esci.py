"""ESCI's judgements and products, as its dataset modules use them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import polars as pl

from shopbench.dataset.combinators import match_one
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten, words

# The challenge's relevance weights of exact, substitute, complement, irrelevant.
GAIN = {"E": 1.0, "S": 0.1, "C": 0.01, "I": 0.0}
TITLE_CHARACTERS = 200
TEXT_CHARACTERS = 600


# Queries to look at for each row of a dataset whose rows are queries, and of one whose rows are products, of which a query has many.
QUERIES, QUERIES_OF_PRODUCTS = 3.0, 0.5


def judged(inputs: Inputs, *product_columns: str, queries: float = QUERIES) -> pl.DataFrame:
    """A row per judgement (query_id, query, locale, product_id, label) with the named columns of its product, in the table's order.

    All judgements of a sample of the queries: so many for each row that the dataset shall have.
    """
    judgements = inputs.some(inputs.table("esci_judgements", "query_id", "query", "locale", "product_id", "label"), "query_id", queries)
    products = inputs.table("esci_products", "locale", "product_id", *product_columns)
    return judgements.join(products, on=["locale", "product_id"], how="inner", maintain_order="left")


def products(judgements: pl.DataFrame) -> pl.DataFrame:
    """A row per product of these judgements, and the lowest query_id that judged it."""
    return judgements.unique(["locale", "product_id"], keep="first", maintain_order=True)


def queries_by_word(inputs: Inputs) -> Lookalikes:
    """All queries, in buckets (locale, word) and (locale,)."""
    queries = inputs.table("esci_judgements", "locale", "query").unique(maintain_order=True)
    return Lookalikes(
        (bucket, query) for locale, query in queries.iter_rows() for bucket in [(locale,), *((locale, word) for word in words(query))]
    )


def similar_queries(pool: Lookalikes, draw: Draw, count: int, locale: str, query: str, text: str) -> list[str]:
    """Wrong queries for a product: they share a word with the right one where they can, and not all of their words stand in its text."""
    shared = [(locale, word) for word in draw.shuffled(sorted(set(words(query))), "shared word")]
    return pool.wrong(draw, count, [*shared, (locale,)], [query], unless=lambda other: all_words_in(other, text))


def all_words_in(query: str, text: str) -> bool:
    """Whether every word of the query stands somewhere in the text (inside words too: Japanese has no spaces)."""
    folded = text.casefold()
    return all(word in folded for word in words(query))


def query_for(inputs: Inputs, column: str, wordings: Sequence[str]) -> Candidates:
    """Which of four queries was made for a product, of which the text in `column` is shown as {text}."""
    pairs = judged(inputs, "title", *({column} - {"title"}), queries=1.0).filter(
        pl.col("label") == "E", pl.col(column).str.len_chars() >= 20
    )
    queries = queries_by_word(inputs)

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        wrong = similar_queries(queries, draw, 3, row["locale"], row["query"], f"{row['title']} {row[column]}")
        return match_one(draw, wordings, right=row["query"], wrong=wrong, text=shorten(row[column], TEXT_CHARACTERS))

    return Candidates(pairs, key=["query_id", "product_id"], group=("esci", "query", "query_id"), ask=ask)


def title_for(inputs: Inputs, column: str, wordings: Sequence[str]) -> Candidates:
    """Which of four titles belongs to a product, of which the text in `column` is shown as {text}; the wrong ones answer the same query."""
    judgements = judged(inputs, "title", "brand", column, queries=QUERIES_OF_PRODUCTS)
    frame = products(judgements).filter(pl.col(column).str.len_chars() >= 20)
    titles = titles_by_query(judgements)

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        brand = row["brand"].casefold()
        # Another title of the brand may be the same product in another colour.
        wrong = titles.wrong(
            draw, 3, [row["query_id"], row["locale"]], [cut(row["title"])], lambda title: bool(brand) and brand in title.casefold()
        )
        return match_one(draw, wordings, right=cut(row["title"]), wrong=wrong, text=shorten(row[column], TEXT_CHARACTERS))

    return Candidates(frame, key=["locale", "product_id"], group=("esci", "product", "product_id"), ask=ask)


def titles_by_query(judgements: pl.DataFrame, show: Callable[[str], str] | None = None) -> Lookalikes:
    """Titles of judged products, in buckets query_id and locale."""
    rows: Iterable[tuple] = judgements.select("query_id", "locale", "title").iter_rows()
    show = show or cut
    return Lookalikes((bucket, show(title)) for query_id, locale, title in rows for bucket in (query_id, locale))


def by_query(judgements: pl.DataFrame) -> pl.DataFrame:
    """A row per query (query_id, query, locale) with the lists product_id, title, label of its judgements."""
    return judgements.group_by("query_id", "locale", maintain_order=True).agg(pl.col("query").first(), "product_id", "title", "label")


def cut(title: str) -> str:
    """A title as an option."""
    return shorten(title, TITLE_CHARACTERS)
