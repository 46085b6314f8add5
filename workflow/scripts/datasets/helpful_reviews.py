"""Rank reviews of a product by helpfulness.

From Amazon Reviews 2023: five reviews of one product with their helpful votes. The truth falls in even steps from the most votes to the
fewest; equal votes are equally relevant. A product with many reviews is asked about more than once, always with other reviews.

Example:

    Here are 5 reviews of the product 'Arbello Simple White Cotton Hat, 20 cm'. Rank them by their helpfulness to other customers.
    Review List:
    1. Keeps me cozy. Absolutely perfect, I love it. ★
    2. Absolutely perfect, I love it.
    3. Hate the fit. Keeps me cozy. An average hat for everyday use.
    4. Great value for the money. Keeps me cozy. I am happy overall.
    5. I bought it last month. The best hat I ever had. ★
    Answer with a permutation of 1 to 5, separated by commas. Only respond with the ranking, without any other word.
    Output:
    -> 3,4,1,5,2
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import rank
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.reviews import reviews
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten
from shopbench.hash_columns import hash_columns

FORM = "Answer with a permutation of 1 to 5, separated by commas. Only respond with the ranking, without any other word."
WORDINGS = [
    "Here are 5 reviews of the product '{product}'. Rank them by their helpfulness to other customers.\nReview List:\n{options}\n"
    + FORM
    + "\nOutput:",
    "Product Title: {product}\nReview List:\n{options}\nSort these reviews from the most to the least helpful one. " + FORM + "\nOutput:",
    "Customers voted for the reviews of '{product}' that helped them. Put these reviews in the order of their votes.\n{options}\n"
    + FORM
    + "\nOutput:",
    "Which of the following reviews of '{product}' should a shop show first, because it helps most, which second, and so on?\n{options}\n"
    + FORM
    + "\nOutput:",
]
REVIEWS = 5
REVIEW_CHARACTERS = 250


def build(inputs: Inputs) -> Candidates:
    said = reviews(inputs, "text", "helpful_votes").filter(pl.col("text").str.len_chars() >= 20)
    # A hash of each review decides which five come together.
    said = said.with_columns(pl.Series("place", hash_columns([said["user_id"], said["product_id"], said["time"]], "helpful")))
    fives = (
        said.sort("product_id", "place", "user_id", "time")
        .with_columns((pl.int_range(pl.len()).over("product_id") // REVIEWS).alias("five"))
        .group_by("product_id", "five", maintain_order=True)
        .agg(pl.col("product_title").first(), pl.col("locale").first(), "text", "helpful_votes")
        .filter(pl.col("text").list.len() == REVIEWS)
    )
    return Candidates(fives, key=["product_id", "five"], group=("amazon_reviews_2023", "product", "product_id"), ask=ask)


def ask(row: dict[str, Any], draw: Draw) -> Question:
    steps = sorted(set(row["helpful_votes"]))
    relevance = [steps.index(votes) / max(1, len(steps) - 1) for votes in row["helpful_votes"]]
    texts = [shorten(text, REVIEW_CHARACTERS) for text in row["text"]]
    return rank(draw, WORDINGS, options=texts, relevance=relevance, product=shorten(row["product_title"], 150))
