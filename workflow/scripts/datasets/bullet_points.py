"""Which 3 of 10 bullet points belong to a product.

From ESCI's products: three of its own bullet points among those of other products judged for the same query, none of which it has itself.

Example:

    Find the features of a product.
    Product: Fiorata プレミアム グレー レザー 靴下, 38 EU
    Feature List:
    1. 毎日の家庭での使用に。
    2. 素材: スチール
    3. サイズ: 200 ml
    4. サイズ: 250 ml
    5. サイズ: 38 EU
    6. 素材: レザー
    7. サイズ: 500 ml
    8. 色: 緑
    9. サイズ: 6 P
    10. 素材: ミネラル
    Answer with three numbers, separated by commas, and nothing else.
    Output:
    -> 1,5,6
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import pick_some
from shopbench.dataset.esci import QUERIES_OF_PRODUCTS, cut, judged, products
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.question import Draw, Question, Skip
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten

FORM = "Answer with three numbers, separated by commas, and nothing else."
WORDINGS = [
    "The product '{title}' is sold online. Select 3 bullet points of the list that describe it.\nBullet Point List:\n{options}\n"
    + FORM
    + "\nOutput:",
    "Product Title: {title}\nThe numbered list has ten features. Choose three that belong to this product.\n{options}\n"
    + FORM
    + "\nOutput:",
    "Three of the following bullet points stand on the page of '{title}', the others on pages of other products. Which three?\n{options}\n"
    + FORM
    + "\nOutput:",
    "Find the features of a product.\nProduct: {title}\nFeature List:\n{options}\n" + FORM + "\nOutput:",
]
BULLET_CHARACTERS = 150
WRONG = 7
# Pages of other products to take one bullet point each from: more than needed, as many points stand on several pages.
PAGES = 12


def build(inputs: Inputs) -> Candidates:
    judgements = judged(inputs, "title", "bullets", queries=QUERIES_OF_PRODUCTS)
    frame = products(judgements).filter(pl.col("bullets").str.count_matches("\n") >= 2)
    rows = judgements.select("query_id", "locale", "bullets").iter_rows()
    pages = Lookalikes((bucket, text) for query_id, locale, text in rows for bucket in (query_id, locale))

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        own = points(row["bullets"])
        if len(own) < 3:
            raise Skip("fewer than 3 bullet points")
        taken = {point.casefold() for point in own}
        wrong: list[str] = []
        for number, page in enumerate(pages.wrong(draw, PAGES, [row["query_id"], row["locale"]], [row["bullets"]])):
            new = [point for point in points(page) if point.casefold() not in taken]
            wrong += draw.some(new, 1, "wrong", number)
            taken |= {point.casefold() for point in wrong[-1:]}
            if len(wrong) == WRONG:
                break
        else:
            raise Skip("too few wrong options")
        return pick_some(draw, WORDINGS, right=draw.some(own, 3, "right"), wrong=wrong, title=cut(row["title"]))

    return Candidates(frame, key=["locale", "product_id"], group=("esci", "product", "product_id"), ask=ask)


def points(bullets: str) -> list[str]:
    """Bullet points as options, each once, in the product's order."""
    cut_points = (shorten(line, BULLET_CHARACTERS) for line in bullets.split("\n"))
    return list({point.casefold(): point for point in cut_points if point}.values())
