"""Which 3 of 10 products match a query exactly.

From ESCI: three exact matches among products judged complement or irrelevant for the same query, filled up with products of other queries.

Example:

    A user searches for 'norveste hat'. Select 3 products of the list that match the query exactly.
    Product List:
    1. Norveste Premium Yellow Cotton Hat, 24 cm
    2. Luminor Modern Red Wood Plant Pot, 24 cm
    3. Lindqua Modern Purple Cotton Scarf, 24 cm
    4. Marwen Light Yellow Wool Sandals, 40 EU
    5. Nexorin Modern White Aluminum Charger, 500 W
    6. Pawtica Compact Blue Linen Pet Bowl, 500 ml
    7. Panovia Simple Green Glass Knife, 60 cm
    8. Kettmar Large Red Steel Teapot, 20 l
    9. Norveste Portable Black Cotton Hat, 30 cm
    10. Norveste Modern Black Leather Hat, 60 cm
    Answer with three numbers, separated by commas, and nothing else.
    Output:
    -> 1,9,10
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
