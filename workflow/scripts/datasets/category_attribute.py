"""Which product has the given attributes (Task 2).

From Amazon-M2, whose products have attributes but no categories: titles stand for them. The wrong products have another value of the
attribute. Where a language model wrote a question about an attribute, with categories to choose from, that question is asked.

Example:

    Which of the following products has the color 'グレー'?
    0. Trekkon プレミアム 赤 ゴム 懐中電灯, 400 lm
    1. Voltamo 大型 緑 シリコン 充電器, 900 W
    2. Marwen シンプル グレー コットン ベルト, 60 cm
    3. Luminor コンパクト 紫 木製 犬用リード, 20 cm
    Answer:
    -> 2
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import match_one
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten

WORDINGS = [
    "To which of these products may the attribute {attribute}: {value} belong?\n{options}\nAnswer:",
    "Which of the following products has the {attribute} '{value}'?\n{options}\nAnswer:",
    "A customer looks for something with this attribute.\n{attribute}: {value}\nWhich product fits?\n{options}\nAnswer:",
    "Select the product to which the attribute belongs.\nAttribute: {attribute}\nValue: {value}\nProducts:\n{options}\nAnswer:",
]
WRITTEN = ["{question}\n{options}\nAnswer:"]
ATTRIBUTES = ["color", "material", "size", "author"]
TITLE_CHARACTERS = 150
# Products to look at for each row.
PRODUCTS = 10


def build(inputs: Inputs) -> Candidates:
    frame = (
        inputs.some(inputs.table("m2_products", "locale", "product_id", "title", *ATTRIBUTES), "product_id", PRODUCTS)
        .with_columns(pl.col("title").map_elements(lambda title: shorten(title, TITLE_CHARACTERS), return_dtype=pl.String))
        .unpivot(ATTRIBUTES, index=["locale", "product_id", "title"], variable_name="attribute", value_name="value")
        .filter(pl.col("value") != "")
    )
    titles = Lookalikes(((locale, attribute), title) for locale, _, title, attribute, _ in frame.iter_rows())
    values: dict[tuple[str, str], set[str]] = {}
    for _, _, title, attribute, value in frame.iter_rows():
        values.setdefault((attribute, title), set()).add(value.casefold())

    written = inputs.made("attribute_questions")

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        if made := written.get((row["locale"], row["product_id"], row["attribute"])):
            draw.uses.add("build")
            return match_one(draw, WRITTEN, right=made["category"], wrong=made["others"], question=made["question"])
        value, attribute = row["value"].casefold(), row["attribute"]

        def may_have_it(title: str) -> bool:
            return value in title.casefold() or value in values[attribute, title]

        wrong = titles.wrong(draw, 3, [(row["locale"], attribute)], [row["title"]], unless=may_have_it)
        return match_one(draw, WORDINGS, right=row["title"], wrong=wrong, attribute=attribute, value=row["value"])

    return Candidates(frame, key=["locale", "product_id", "attribute"], group=("amazon_m2", "product", "product_id"), ask=ask)
