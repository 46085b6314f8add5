"""How many stars, 1 to 5, the writer of a review gave (Task 15).

From Amazon Reviews 2023, the five ratings equally often as far as they go.

Example:

    Review title: Quite nice
    Review text: I am happy overall.
    Give the rating that goes with this review, where 1 is very negative and 5 very positive.
    Answer:
    -> 4
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import rate
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.reviews import KEY, TEXT_CHARACTERS, reviews
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten

WORDINGS = [
    "Instructions: Rate this product review on a scale from 1 (very negative) to 5 (very positive).\n"
    "Input: the review of a(n) {kind} product\n{title}\n{text}\nOutput:\nAnswer:",
    "How many stars from 1 to 5 did the writer of this review give?\nProduct: {product}\nReview: {title}. {text}\nAnswer:",
    "Read the review of a(n) {kind} product and estimate its rating, a number from 1 (worst) to 5 (best).\n{title}\n{text}\nAnswer:",
    "Review title: {title}\nReview text: {text}\nGive the rating that goes with this review, "
    "where 1 is very negative and 5 very positive.\nAnswer:",
]
LEAST_CHARACTERS = 10


def build(inputs: Inputs) -> Candidates:
    frame = reviews(inputs, "title", "text", "rating").filter(pl.col("text").str.len_chars() >= LEAST_CHARACTERS)
    return Candidates(frame, key=KEY, group=("amazon_reviews_2023", "product", "product_id"), ask=ask, balance="rating")


def ask(row: dict[str, Any], draw: Draw) -> Question:
    text = shorten(row["text"], TEXT_CHARACTERS)
    product = shorten(row["product_title"], 150)
    return rate(draw, WORDINGS, rating=row["rating"], kind=row["kind"], title=row["title"], text=text, product=product)
