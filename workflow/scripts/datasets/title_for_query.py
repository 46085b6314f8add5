"""Which product title a query looks for.

From ESCI: the right title is an exact match, the wrong ones were judged complement or irrelevant for the same query, or come from other
queries.

Example:

    Query: ケトル
    Select the product that satisfies the query.
    0. Luminor 大型 グレー リネン ホース, 25 m
    1. Velora プレミアム 白 ミネラル 口紅, 50 g
    2. 【Tornella コンパクト 緑 ガラス ケトル, 20 l】
    3. Dormira プレミアム 紫 リネン ランプ, 60 W
    Answer:
    -> 2
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import match_one
from shopbench.dataset.esci import all_words_in, cut, judged, titles_by_query
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "A user searched for '{query}'. Which of the following products is the user looking for?\n{options}\nAnswer:",
    "Which of the following product titles matches the query '{query}' best?\n{options}\nAnswer:",
    "Query: {query}\nSelect the product that satisfies the query.\n{options}\nAnswer:",
    "Given a search query, find the product that a shop should show first.\nQuery: {query}\nProducts:\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    judgements = judged(inputs, "title", queries=1.0)
    wrong_titles = titles_by_query(judgements.filter(pl.col("label").is_in(["C", "I"])))

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        right = cut(row["title"])
        wrong = wrong_titles.wrong(
            draw, 3, [row["query_id"], row["locale"]], [right], unless=lambda title: all_words_in(row["query"], title)
        )
        return match_one(draw, WORDINGS, right=right, wrong=wrong, query=row["query"])

    exact = judgements.filter(pl.col("label") == "E")
    return Candidates(exact, key=["query_id", "product_id"], group=("esci", "query", "query_id"), ask=ask)
