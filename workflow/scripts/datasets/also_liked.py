"""Which 3 of 15 products the buyer of a product likes too (Task 14).

From Amazon Reviews 2023: products of one category that one user rated 4 or 5, among products of the category that the user did not review.

Example:

    A customer likes 'Velora Simple Black Mineral Perfume, 350 ml'. Which three of these products will the customer like as well?
    Product List:
    1. Arbello Simple Gray Cotton Shirt, 44 EU
    2. Velora Compact Green Organic Perfume, 200 ml
    3. Norveste Classic White Cotton Scarf, 30 cm
    4. Altivor Light White Rubber Sleeping Bag, 30 cm
    5. Audova Simple Black Silicone Charger, 500 W
    6. Rosdan Premium Purple Herbal Soap, 75 g
    7. Tornella Large Green Ceramic Kettle, 2 l
    8. Velora Large Blue Organic Lipstick, 50 g
    9. Nexorin Light Gray Plastic Headphones, 20 h
    10. Kettmar Large Black Glass Cutting Board, 60 cm
    11. Arbello Simple Green Cotton Shirt, 44 EU
    12. Panovia Compact Green Glass Mug, 350 ml
    13. Kettmar Compact White Glass Lunch Box, 250 ml
    14. Lunavie Classic Black Mineral Conditioner, 250 ml
    15. Rosdan Large Green Herbal Shampoo, 350 ml
    Answer with the three numbers of the products, separated by commas. Give nothing but the result.
    Output:
    -> 2,6,8
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
