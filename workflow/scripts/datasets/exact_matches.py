"""Which 3 of 10 products match a query exactly.

From ESCI: three exact matches among products judged complement or irrelevant for the same query, filled up with products of other queries.

Example:

    Query: 毛布
    The list has 10 products, and three of them are exactly what the query asks for. Which?
    1. Dormira プレミアム 青 木製 毛布, 60 cm
    2. Lindqua 携帯用 白 コットン ベルト, 30 cm
    3. Luminor クラシック 白 リネン 毛布, 20 cm
    4. Casabri 携帯用 黒 リネン 毛布, 20 cm
    5. Dormira プレミアム 紫 リネン ランプ, 60 W
    6. Brewick 大型 黒 スチール まな板, 30 cm
    7. Hesta 大型 緑 スチール フライパン, 60 cm
    8. Rosdan モダン 紫 ミネラル ドライヤー, 900 W
    9. Pelluma クラシック 青 ハーブ シャンプー, 500 ml
    10. Pelluma 軽量 グレー ハーブ マニキュア, 200 ml
    Answer with three numbers, separated by commas, and nothing else.
    Output:
    -> 1,3,4
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import pick_some
from shopbench.dataset.esci import all_words_in, by_query, cut, judged, titles_by_query
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs

FORM = "Answer with three numbers, separated by commas, and nothing else."
WORDINGS = [
    "A user searches for '{query}'. Select 3 products of the list that match the query exactly.\nProduct List:\n{options}\n"
    + FORM
    + "\nOutput:",
    "Query: {query}\nThe list has 10 products, and three of them are exactly what the query asks for. Which?\n{options}\n"
    + FORM
    + "\nOutput:",
    "You are a shopping assistant. Find the three products that fulfil the query '{query}' in the following numbered list.\n{options}\n"
    + FORM
    + "\nOutput:",
    "Which three of these products should be shown to someone who searches for '{query}'?\nProduct List:\n{options}\n" + FORM + "\nOutput:",
]


def build(inputs: Inputs) -> Candidates:
    judgements = judged(inputs, "title")
    exact = by_query(judgements.filter(pl.col("label") == "E")).filter(pl.col("title").list.n_unique() >= 3)
    wrong_titles = titles_by_query(judgements.filter(pl.col("label").is_in(["C", "I"])))

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        titles = [cut(title) for title in row["title"]]
        wrong = wrong_titles.wrong(
            draw, 7, [row["query_id"], row["locale"]], titles, unless=lambda title: all_words_in(row["query"], title)
        )
        return pick_some(draw, WORDINGS, right=draw.some(sorted(set(titles)), 3, "right"), wrong=wrong, query=row["query"])

    return Candidates(exact, key=["query_id"], group=("esci", "query", "query_id"), ask=ask)
