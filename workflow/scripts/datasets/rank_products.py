"""Rank 5 products by relevance to a query (Task 12).

From ESCI: five judged products of one query, of as many labels as it has. The truth is the challenge's relevance weights.

Example:

    Which of these 5 products should a search for 'socks' show first, which second, and so on?
    1. Tessaro Light Blue Wool Sandals, 40 EU
    2. Arbello Modern Blue Wool Socks, 42 EU
    3. Lindqua Compact Red Cotton Socks, 38 EU
    4. Dormira Classic Black Wood Pillow, 30 cm
    5. Fiorata Light Yellow Cotton Socks, 44 EU
    Answer with a permutation of 1 to 5, commas between the numbers, each number once. Only respond with the ranking, without any
    other word.
    Output:
    -> 2,3,5,1,4
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import rank
from shopbench.dataset.esci import GAIN, by_query, cut, judged
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs

FORM = (
    "Answer with a permutation of 1 to 5, commas between the numbers, each number once. "
    "Only respond with the ranking, without any other word."
)
WORDINGS = [
    "Someone searches an online shop for '{query}'. Rank the 5 products of this numbered list by how relevant they are to the search.\n"
    "Product List:\n{options}\n" + FORM + "\nOutput:",
    "You are a shopping assistant and sort products for the customers' queries. The query is '{query}', and the list has 5 products.\n"
    "Product List:\n{options}\n" + FORM + "\nOutput:",
    "Query: {query}\nProducts:\n{options}\nSort these 5 products from the most to the least relevant for the query. " + FORM + "\nOutput:",
    "Which of these 5 products should a search for '{query}' show first, which second, and so on?\n{options}\n" + FORM + "\nOutput:",
]


def build(inputs: Inputs) -> Candidates:
    queries = by_query(judged(inputs, "title")).filter(pl.col("label").list.len() >= 5, pl.col("label").list.n_unique() >= 2)

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        chosen = of_many_labels(row["label"], 5, draw)
        titles = [cut(row["title"][place]) for place in chosen]
        relevance = [GAIN[row["label"][place]] for place in chosen]
        return rank(draw, WORDINGS, options=titles, relevance=relevance, query=row["query"])

    return Candidates(queries, key=["query_id"], group=("esci", "query", "query_id"), ask=ask)


def of_many_labels(labels: list[str], count: int, draw: Draw) -> list[int]:
    """`count` drawn places of the list: one of each label first, then any."""
    order = draw.shuffled(range(len(labels)), "candidates")
    first_of_label = [place for n, place in enumerate(order) if labels[place] not in {labels[earlier] for earlier in order[:n]}]
    rest = [place for place in order if place not in first_of_label]
    return [*first_of_label, *rest][:count]
