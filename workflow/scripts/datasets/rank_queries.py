"""Rank 4 queries by relevance to a product: Task 12 backwards.

From ESCI: queries that judged the product, filled up with queries of other products, which count as irrelevant.

Example:

    Rank the following 4 queries by their relevance to the product 'Marwen 大型 黄色 レザー サンダル, 38 EU', the most relevant first.
    1. 黒 ティーポット
    2. 充電器
    3. テント
    4. 帽子 安い
    Answer with a permutation of 1 to 4, separated by commas. Only respond with the ranking, no other words.
    Output:
    -> 4,1,2,3
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import rank
from shopbench.dataset.esci import GAIN, cut, judged, queries_by_word, similar_queries
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs

FORM = "Answer with a permutation of 1 to 4, separated by commas. Only respond with the ranking, no other words."
WORDINGS = [
    "Rank the following 4 queries by their relevance to the product '{title}', the most relevant first.\n{options}\n" + FORM + "\nOutput:",
    "Product Title: {title}\nQueries:\n{options}\nSort the queries from the best to the worst match with this product. "
    + FORM
    + "\nOutput:",
    "A shop wants to know which searches should lead to '{title}'. Put these queries in order.\n{options}\n" + FORM + "\nOutput:",
    "Given a product and 4 numbered queries, rank the queries by how well the product answers them.\nProduct: {title}\n{options}\n"
    + FORM
    + "\nOutput:",
]


def build(inputs: Inputs) -> Candidates:
    products = (
        judged(inputs, "title", queries=1.0)
        .group_by("locale", "product_id", maintain_order=True)
        .agg(pl.col("title").first(), "query", "label")
    )
    queries = queries_by_word(inputs)

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        chosen = draw.some(list(zip(row["query"], row["label"], strict=True)), 3, "judged queries")
        known = [query for query, _ in chosen]
        others = similar_queries(queries, draw, 4 - len(known), row["locale"], known[0], " ".join([row["title"], *row["query"]]))
        relevance = [GAIN[label] for _, label in chosen] + [GAIN["I"]] * len(others)
        return rank(draw, WORDINGS, options=[*known, *others], relevance=relevance, title=cut(row["title"]))

    return Candidates(products, key=["locale", "product_id"], group=("esci", "product", "product_id"), ask=ask)
