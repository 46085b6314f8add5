"""Rank query-product pairs from most to least related.

From ESCI: four pairs of different queries, one of each label; all of their queries are on one side of the split.

Example:

    Rank the following pairs of a query and a product from the most to the least related.
    1. Query: ケトル | Product: Panovia 軽量 黒 セラミック ティーポット, 20 l
    2. Query: 紫 ティーポット | Product: Panovia モダン 黒 スチール ティーポット, 20 l
    3. Query: 帽子 安い | Product: Luminor モダン 緑 竹 犬用リード, 30 cm
    4. Query: 帽子 安い | Product: Norveste シンプル 黄色 ウール 帽子, 24 cm
    Answer with a permutation of 1 to 4, separated by commas. Only respond with the ranking, no other words.
    Output:
    -> 4,2,1,3
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import rank
from shopbench.dataset.esci import GAIN, judged
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten

FORM = "Answer with a permutation of 1 to 4, separated by commas. Only respond with the ranking, no other words."
WORDINGS = [
    "Rank the following pairs of a query and a product from the most to the least related.\n{options}\n" + FORM + "\nOutput:",
    "Each line below has a search query and a product that was shown for it. Put the best result first and the worst last.\n{options}\n"
    + FORM
    + "\nOutput:",
    "Query-product pairs:\n{options}\nSort the pairs by how well the product fits its query. " + FORM + "\nOutput:",
    "In which of these pairs does the product match the query best, in which second best, and so on?\n{options}\n" + FORM + "\nOutput:",
]
TITLE_CHARACTERS = 120


def build(inputs: Inputs) -> Candidates:
    judgements = judged(inputs, "title")
    sides = {query_id: inputs.side("esci", "query", query_id) for query_id in judgements["query_id"].unique()}
    rows = judgements.select("query_id", "locale", "label", "query", "title").iter_rows()
    pairs = Lookalikes(((sides[query_id], locale, label), shown(query, title)) for query_id, locale, label, query, title in rows)

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        others = [label for label in GAIN if label != row["label"]]
        options = [shown(row["query"], row["title"])]
        for label in others:
            options += pairs.wrong(draw, 1, [(sides[row["query_id"]], row["locale"], label)], options)
        return rank(draw, WORDINGS, options=options, relevance=[GAIN[label] for label in [row["label"], *others]])

    one_of_each_query = judgements.filter(pl.col("label") == "E").unique("query_id", keep="first", maintain_order=True)
    return Candidates(one_of_each_query, key=["query_id"], group=("esci", "query", "query_id"), ask=ask)


def shown(query: str, title: str) -> str:
    """A pair as an option."""
    return f"Query: {query} | Product: {shorten(title, TITLE_CHARACTERS)}"
