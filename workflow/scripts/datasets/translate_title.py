"""A product's title in another language (Task 17).

From Amazon-M2, where one product id has a title in each locale that sells it. The row's locale is that of the answer.

Example:

    Translate the title of a product into French.
    Title: Pawtica コンパクト 緑 木製 パズル, 500 pcs
    Output:
    -> Pawtica compact vert bois puzzle, 500 pcs
"""

from typing import Any

from shopbench.dataset.combinators import generate
from shopbench.dataset.m2 import LANGUAGES, in_two_languages
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "An online shop has a product entitled '{title}'. Write the title under which a(n) {language} online shop would sell it.\nOutput:",
    "Translate the title of a product into {language}.\nTitle: {title}\nOutput:",
    "The product '{title}' will also be sold in a(n) {language} shop. What should its title be there?\nOutput:",
    "Source language: {source_language}\nTarget language: {language}\nProduct title: {title}\nTranslated title:",
]


def build(inputs: Inputs) -> Candidates:
    def ask(row: dict[str, Any], draw: Draw) -> Question:
        return generate(
            draw,
            WORDINGS,
            answer=row["target_text"],
            title=row["source_text"],
            language=LANGUAGES[row["to"]],
            source_language=LANGUAGES[row["from"]],
        )

    frame = in_two_languages(inputs, "title")
    return Candidates(frame, key=["product_id", "from", "to"], group=("amazon_m2", "product", "product_id"), ask=ask)
