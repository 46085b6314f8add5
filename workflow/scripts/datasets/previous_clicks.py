"""Which 3 of 10 products were clicked before a purchase.

From KDD Cup 2023's sessions (the files of Amazon-M2): three products of the session among others of the same shop.

Example:

    Purchase: Lunavie 携帯用 紫 オーガニック 香水, 350 ml
    Which three of these products did the customer look at earlier in the session?
    1. Lunavie クラシック 青 オーガニック 口紅, 75 g
    2. Lindqua 軽量 緑 ウール 帽子, 30 cm
    3. Brewick 大型 黒 セラミック ティーポット, 30 l
    4. Rosdan 携帯用 紫 オーガニック 香水, 200 ml
    5. Velora 携帯用 紫 ハーブ ドライヤー, 20 W
    6. Trekkon コンパクト 緑 ゴム リュック, 30 l
    7. Pawtica 軽量 赤 リネン パズル, 100 pcs
    8. Rosdan 軽量 黒 ミネラル 香水, 200 ml
    9. Lunavie モダン 緑 オーガニック 香水, 350 ml
    10. Kettmar 携帯用 白 ガラス 弁当箱, 250 ml
    Answer with three numbers, separated by commas, and nothing else.
    Output:
    -> 4,8,9
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
