"""Which 3 of 15 products the buyer of a product likes too (Task 14).

From Amazon Reviews 2023: products of one category that one user rated 4 or 5, among products of the category that the user did not review.

Example:

    Bought: Velora Modern Yellow Herbal Shampoo, 200 ml
    Recommend three products from the list to this customer.
    Product List:
    1. Osanta Portable Purple Mineral Soap, 150 g
    2. Rosdan Large Yellow Mineral Shampoo, 200 ml
    3. Velora Classic Yellow Herbal Lipstick, 50 g
    4. Osanta Light Red Mineral Soap, 150 g
    5. Rosdan Classic Yellow Herbal Perfume, 200 ml
    6. Velora Modern Black Herbal Shampoo, 200 ml
    7. Pelluma Large Yellow Organic Soap, 100 g
    8. Pelluma Premium Red Mineral Soap, 50 g
    9. Rosdan Light Red Mineral Hair Dryer, 20 W
    10. Velora Modern Black Mineral Shampoo, 250 ml
    11. Velora Light Gray Herbal Hair Dryer, 500 W
    12. Lunavie Simple Red Mineral Face Cream, 250 ml
    13. Velora Compact Purple Mineral Shampoo, 200 ml
    14. Lunavie Large Purple Organic Soap, 100 g
    15. Mirelle Portable Green Mineral Lipstick, 50 g
    Answer with the three numbers of the products, separated by commas. Give nothing but the result.
    Output:
    -> 4,7,10
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import pick_some
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.question import Draw, Question, Skip
from shopbench.dataset.reviews import reviews
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten

FORM = "Answer with the three numbers of the products, separated by commas. Give nothing but the result."
WORDINGS = [
    "A customer of an online shop bought '{title}' a moment ago. "
    "Select 3 of the 15 products in this numbered list that the customer may buy as well.\n"
    "Product List:\n{options}\n" + FORM + "\nOutput:",
    "You are a shopping assistant, and a user is about to buy '{title}'. Which products of the numbered list would the user take too?\n"
    "Product List:\n{options}\n" + FORM + "\nOutput:",
    "A customer likes '{title}'. Which three of these products will the customer like as well?\nProduct List:\n{options}\n"
    + FORM
    + "\nOutput:",
    "Bought: {title}\nRecommend three products from the list to this customer.\nProduct List:\n{options}\n" + FORM + "\nOutput:",
]
LIKED = 4
TITLE_CHARACTERS = 150


def build(inputs: Inputs) -> Candidates:
    titles = pl.col("product_title").map_elements(lambda title: shorten(title, TITLE_CHARACTERS), return_dtype=pl.String)
    said = reviews(inputs, "rating").with_columns(titles).sort("user_id", "category", "time", "product_id")
    others = Lookalikes(said.select("category", "product_title").iter_rows())
    seen = said.group_by("user_id", "category", maintain_order=True).agg(pl.col("product_title").alias("seen"))
    liked = (
        said.filter(pl.col("rating") >= LIKED)
        .group_by("user_id", "category", maintain_order=True)
        .agg(pl.col("product_title").alias("liked"))
    )
    users = liked.join(seen, on=["user_id", "category"], maintain_order="left").with_columns(pl.lit("en").alias("locale"))

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        liked = list(dict.fromkeys(row["liked"]))
        if len(liked) < 4:
            raise Skip("user who likes fewer than 4 products")
        wrong = others.wrong(draw, 12, [row["category"]], row["seen"])
        return pick_some(draw, WORDINGS, right=liked[1:4], wrong=wrong, title=liked[0])

    enough = users.filter(pl.col("liked").list.n_unique() >= 4)
    return Candidates(enough, key=["user_id", "category"], group=("amazon_reviews_2023", "user", "user_id"), ask=ask)
