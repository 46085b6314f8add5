"""Which description is of the same product in another language (Task 18).

From Amazon-M2, where one product id has a description in each locale that sells it. One wrong description is in the right one's language.

Example:

    Product description: Pawtica rompecabezas: verde, madera. Hecho para el uso diario en casa. Un buen regalo.
    Find the description of the same product in another language.
    0. Brewick teiera: nero, ceramica. Fatto per l'uso quotidiano a casa. Un bel regalo.
    1. Hesta padella: verde, ceramica. Fatto per l'uso quotidiano a casa. Un bel regalo.
    2. Pawtica パズル: 緑, 木製. 毎日の家庭での使用に。 素敵な贈り物。
    3. Hesta ケトル: 紫, セラミック. 毎日の家庭での使用に。 素敵な贈り物。
    Answer:
    -> 2
"""

from typing import Any

from shopbench.dataset.combinators import match_one
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.m2 import LANGUAGES, in_two_languages
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten

WORDINGS = [
    "An online shop describes a product as '{text}'. Which of these descriptions may be of the same product, "
    "in a different language?\n{options}\nAnswer:",
    "Product description: {text}\nFind the description of the same product in another language.\n{options}\nAnswer:",
    "One of the following texts describes the product below in another language. Which one?\n{text}\n{options}\nAnswer:",
    "Two shops in two countries sell the same product. The first says: {text}\nWhat does the second say?\n{options}\nAnswer:",
]
CHARACTERS = 250


def build(inputs: Inputs) -> Candidates:
    frame = in_two_languages(inputs, "description")
    rows = frame.select("to", "target_text").iter_rows()
    others = Lookalikes((locale, shorten(text, CHARACTERS)) for locale, text in rows)

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        right = shorten(row["target_text"], CHARACTERS)
        shown = shorten(row["source_text"], CHARACTERS)
        same_language = others.wrong(draw, 1, [row["to"]], [right, shown])
        foreign = [locale for locale in draw.shuffled(sorted(LANGUAGES), "languages") if locale not in (row["from"], row["to"])]
        wrong = same_language + others.wrong(draw, 2, [*foreign, row["to"]], [right, shown, *same_language])
        return match_one(draw, WORDINGS, right=right, wrong=wrong, text=shown)

    return Candidates(frame, key=["product_id", "from", "to"], group=("amazon_m2", "product", "product_id"), ask=ask)
