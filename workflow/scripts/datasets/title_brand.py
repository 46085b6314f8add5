"""Which brand a product's title is of.

From ESCI's products. The wrong brands are of products judged for the same query; none of them stands in the title.

Example:

    An online shop sells 'Osanta 携帯用 紫 ミネラル 石鹸, 75 g'. Which brand is it of?
    0. Osanta
    1. Zentrix
    2. Pelluma
    3. Lunavie
    Answer:
    -> 0
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import match_one
from shopbench.dataset.esci import QUERIES_OF_PRODUCTS, cut, judged, products
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "An online shop sells '{title}'. Which brand is it of?\n{options}\nAnswer:",
    "Which of the following brands makes the product below?\nProduct Title: {title}\n{options}\nAnswer:",
    "Read the title of a product and name its brand.\nTitle: {title}\nBrands:\n{options}\nAnswer:",
    "A seller forgot to fill in the brand of '{title}'. Which one should be entered?\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    judgements = judged(inputs, "title", "brand", queries=QUERIES_OF_PRODUCTS)
    frame = products(judgements).filter(pl.col("brand") != "")
    rows = judgements.select("query_id", "locale", "brand").iter_rows()
    brands = Lookalikes((bucket, brand) for query_id, locale, brand in rows for bucket in (query_id, locale))

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        title = row["title"].casefold()
        wrong = brands.wrong(draw, 3, [row["query_id"], row["locale"]], [row["brand"]], unless=lambda brand: brand.casefold() in title)
        return match_one(draw, WORDINGS, right=row["brand"], wrong=wrong, title=cut(row["title"]))

    return Candidates(frame, key=["locale", "product_id"], group=("esci", "product", "product_id"), ask=ask)
