"""Which 3 of 10 products were clicked before a purchase.

From KDD Cup 2023's sessions (the files of Amazon-M2): three products of the session among others of the same shop.

Example:

    Purchase: Hesta Modern Green Glass Kettle, 30 l
    Which three of these products did the customer look at earlier in the session?
    1. Hesta Large Yellow Steel Kettle, 20 l
    2. Arbello Modern Yellow Wool Socks, 44 EU
    3. Brewick Modern Blue Glass Mug, 350 ml
    4. Kettmar Simple Green Ceramic Teapot, 20 l
    5. Campora Portable Red Nylon Backpack, 30 l
    6. Gartano Light Red Wood Plant Pot, 60 cm
    7. Lunavie Large Black Organic Nail Polish, 200 ml
    8. Brewick Simple Red Steel Teapot, 1 l
    9. Kettmar Light Green Steel Blender, 900 W
    10. Gartano Premium White Wood Lamp, 60 W
    Answer with three numbers, separated by commas, and nothing else.
    Output:
    -> 1,4,8
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import pick_some
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.question import Draw, Question, Skip
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten

FORM = "Answer with three numbers, separated by commas, and nothing else."
WORDINGS = [
    "A user of an online shop has bought '{title}'. This numbered list has 10 products. "
    "Select 3 products that the user had clicked on before.\n"
    "Product List:\n{options}\n" + FORM + "\nOutput:",
    "Purchase: {title}\nWhich three of these products did the customer look at earlier in the session?\n{options}\n" + FORM + "\nOutput:",
    "Suppose you bought '{title}' online. Choose three products that you most likely clicked on before.\nProduct List:\n{options}\n"
    + FORM
    + "\nOutput:",
    "Three of the following products belong to the session that ended with the purchase of '{title}'. Find them.\n{options}\n"
    + FORM
    + "\nOutput:",
]
TITLE_CHARACTERS = 150


def build(inputs: Inputs) -> Candidates:
    products = inputs.table("m2_products", "locale", "product_id", "title")
    titles = {(locale, product): shorten(title, TITLE_CHARACTERS) for locale, product, title in products.iter_rows()}
    others = Lookalikes((locale, title) for (locale, _), title in titles.items())
    sessions = inputs.table("m2_sessions", "session", "locale", "previous", "next").filter(pl.col("previous").list.n_unique() >= 3)

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        bought = titles.get((row["locale"], row["next"]))
        if bought is None:
            raise Skip("purchase without a title")
        clicked = {titles.get((row["locale"], product), "") for product in row["previous"]} - {"", bought}
        if len(clicked) < 3:
            raise Skip("fewer than 3 clicked titles")
        wrong = others.wrong(draw, 7, [row["locale"]], [bought, *clicked])
        return pick_some(draw, WORDINGS, right=draw.some(sorted(clicked), 3, "right"), wrong=wrong, title=bought)

    return Candidates(sessions, key=["session"], group=("amazon_m2", "product", "next"), ask=ask)
