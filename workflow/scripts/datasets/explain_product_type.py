"""What kind of product this is, in one sentence (Task 1).

From Amazon-M2's English descriptions: the first sentence that says what "a" something "is", else the first sentence; the product's title,
and its type where the sentence names it or a language model did, are given.

Example:

    Instructions: Say what this category of products is
    Input: hat
    Output:
    -> A hat is a cover for the head that gives shade and warmth.
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import generate
from shopbench.dataset.m2 import DEFINITION
from shopbench.dataset.question import Draw, Question, Skip
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import sentences, shorten

TYPE_WORDINGS = [
    "Instructions: Say what this category of products is\nInput: {type}\nOutput:",
    "Instructions: Explain the name of this product category\nInput: {type}\nProduct Title: {title}\nOutput:",
    "The product '{title}' is a(n) {type}. Explain in one sentence what that is.\nOutput:",
    "Product Title: {title}\nProduct Type: {type}\nWhat is this type of product?\nOutput:",
]
TITLE_WORDINGS = [
    "Instructions: Say what this product is\nInput: {title}\nOutput:",
    "Describe the product '{title}' in one sentence.\nOutput:",
    "Product Title: {title}\nWhat kind of product is this?\nOutput:",
    "A customer does not know what '{title}' is. Explain it in one sentence.\nOutput:",
]
WORDS = range(5, 41)


def build(inputs: Inputs) -> Candidates:
    types = inputs.made("product_types")

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        found = sentences(row["description"])
        title = shorten(row["title"], 200)
        for sentence in found:
            definition = DEFINITION.match(sentence)
            if definition and len(sentence.split()) in WORDS:
                return generate(draw, TYPE_WORDINGS, answer=sentence, title=title, type=definition.group(1))
        if not found or len(found[0].split()) not in WORDS:
            raise Skip("first sentence too short or too long")
        if made := types.get(("amazon_m2", row["product_id"])):
            draw.uses.add("enrich")
            return generate(draw, TYPE_WORDINGS, answer=found[0], title=title, type=made["type"])
        return generate(draw, TITLE_WORDINGS, answer=found[0], title=title)

    products = inputs.table("m2_products", "locale", "product_id", "title", "description")
    return Candidates(
        products.filter(pl.col("locale") == "uk", pl.col("description") != ""),
        key=["locale", "product_id"],
        group=("amazon_m2", "product", "product_id"),
        ask=ask,
    )
