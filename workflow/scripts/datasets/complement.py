"""Which category complements a product type best (Task 10).

From Amazon Reviews 2023: the right type was bought with the given one by at least two users, the wrong ones by none.
A language model adds pairs: which of some types it would buy with a given one; the wrong ones are those that it passed over.

Example:

    A customer has bought a(n) pillow. Which of these would go with it?
    0. socks
    1. blanket
    2. handbag
    3. soap
    Answer:
    -> 1
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import match_one
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.reviews import reviews
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "Which of these product categories complements the product type {type} best?\n{options}\nAnswer:",
    "A customer has bought a(n) {type}. Which of these would go with it?\n{options}\nAnswer:",
    "Product type: {type}\nSelect the category that is most often bought together with it.\n{options}\nAnswer:",
    "In which category should a shop make an offer to someone who bought '{product}', a(n) {type}?\n{options}\nAnswer:",
]
LEAST_USERS = 2


def build(inputs: Inputs) -> Candidates:
    bought = reviews(inputs).filter(pl.col("type") != "").select("user_id", "product_id", "product_title", "type", "locale")
    bought = bought.unique(["user_id", "product_id"], keep="first", maintain_order=True)
    second = bought.select("user_id", pl.col("type").alias("with")).unique(maintain_order=True)
    together = bought.join(second, on="user_id", maintain_order="left_right").filter(pl.col("type") != pl.col("with"))
    users = together.group_by("type", "with", maintain_order=True).agg(pl.col("user_id").n_unique().alias("users"))
    partners: dict[str, set[str]] = {}
    for product_type, other in users.select("type", "with").iter_rows():
        partners.setdefault(product_type, set()).add(other)
    types = Lookalikes(("all", product_type) for product_type in bought["type"])

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        known = partners.get(row["type"], set())
        if row["passed_over"]:
            draw.uses.add("enrich")
        options = Lookalikes(("all", other) for other in row["passed_over"]) if row["passed_over"] else types
        wrong = options.wrong(draw, 3, ["all"], [row["type"], row["with"]], unless=lambda other: other in known)
        return match_one(draw, WORDINGS, right=row["with"], wrong=wrong, type=row["type"], product=row["product_title"])

    pairs = together.join(users.filter(pl.col("users") >= LEAST_USERS), on=["type", "with"], maintain_order="left")
    # One question for a product and its partner type, whoever bought them.
    pairs = pl.concat([pairs.with_columns(passed_over=pl.lit([], pl.List(pl.String))), made_pairs(inputs, bought)], how="diagonal")
    pairs = pairs.unique(["product_id", "with"], keep="first", maintain_order=True)
    return Candidates(pairs, key=["product_id", "with"], group=("amazon_reviews_2023", "product", "product_id"), ask=ask)


def made_pairs(inputs: Inputs, bought: pl.DataFrame) -> pl.DataFrame:
    """The products on the train side of the split, each with the types that a language model would buy with its own."""
    answers = [(keys[0], answer["complement"], answer["others"]) for keys, answer in inputs.made("complements").items()]
    schema: dict[str, Any] = {"type": pl.String, "with": pl.String, "passed_over": pl.List(pl.String)}
    products = bought.select("product_id", "product_title", "type", "locale").unique("product_id", keep="first", maintain_order=True)
    side = [inputs.side("amazon_reviews_2023", "product", product) for product in products["product_id"]]
    products = products.filter(pl.Series(side, dtype=pl.String) == "train")
    return products.join(pl.DataFrame(answers, schema=schema, orient="row"), on="type", maintain_order="left")
