"""Rank 5 products by relevance to a query (Task 12).

From ESCI: five judged products of one query, of as many labels as it has. The truth is the challenge's relevance weights.

Example:

    Which of these 5 products should a search for 'ケトル' show first, which second, and so on?
    1. Hesta モダン 紫 ガラス ケトル, 1 l ★
    2. 【Tornella クラシック 黒 ガラス マグカップ, 350 ml】
    3. Wandrel プレミアム 青 ゴム リュック, 20 l
    4. Tornella プレミアム 白 セラミック ケトル, 1 l
    5. Luminor プレミアム 青 木製 毛布, 60 cm
    Answer with a permutation of 1 to 5, commas between the numbers, each number once. Only respond with the ranking, without any other
      word.
    Output:
    -> 1,4,3,2,5
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
