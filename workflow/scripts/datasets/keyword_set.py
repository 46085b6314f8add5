"""Which set of keywords suits a product, in the product's language (Task 16).

From ESCI's products in three languages: the keywords are the rarest words of the title that other titles have too. The wrong sets are
other products'; where they can, they share a word with the right one.

Example:

    Which keywords would help customers to find this product?
    Product Title: Hesta 軽量 緑 セラミック ケトル, 20 l
    0. hesta, コンパクト, セラミック, ティーポット
    1. hesta, ケトル, セラミック, 軽量
    2. hesta, ガラス, ケトル, モダン
    3. hesta, スチール, ミキサー, 大型
    Answer:
    -> 1
"""

from collections import Counter
from typing import Any

import polars as pl

from shopbench.dataset.combinators import match_one
from shopbench.dataset.esci import QUERIES_OF_PRODUCTS, cut, judged, products
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten, words

WORDINGS = [
    "Here is a product. Which of these keyword sets suits it best?\nProduct Title: {title}\n{options}\nAnswer:",
    "Which set of phrases sums up this product?\nProduct Title: {title}\nProduct Description: {description}\n{options}\nAnswer:",
    "Which keywords would help customers to find this product?\nProduct Title: {title}\n{options}\nAnswer:",
    "Choose the keyword set that belongs to the product.\nTitle: {title}\nDescription: {description}\nKeyword sets:\n{options}\nAnswer:",
]
KEYWORDS = 4
DESCRIPTION_CHARACTERS = 400


def build(inputs: Inputs) -> Candidates:
    frame = products(judged(inputs, "title", "description", queries=QUERIES_OF_PRODUCTS))
    used = Counter((locale, word) for locale, title in frame.select("locale", "title").iter_rows() for word in set(words(title)))
    sets = [keywords(locale, title, used) for locale, title in frame.select("locale", "title").iter_rows()]
    frame = frame.with_columns(pl.Series("keywords", sets, dtype=pl.String)).filter(pl.col("keywords") != "")
    others = Lookalikes(
        (bucket, found)
        for locale, found in frame.select("locale", "keywords").iter_rows()
        for bucket in [(locale,), *((locale, w) for w in found.split(", "))]
    )

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        own = row["keywords"].split(", ")
        shared = [(row["locale"], word) for word in draw.shuffled(own, "shared word")]
        wrong = others.wrong(
            draw, 3, [*shared, (row["locale"],)], [row["keywords"]], unless=lambda found: set(found.split(", ")) <= set(words(row["title"]))
        )
        description = shorten(row["description"], DESCRIPTION_CHARACTERS) or row["title"]
        return match_one(draw, WORDINGS, right=row["keywords"], wrong=wrong, title=cut(row["title"]), description=description)

    return Candidates(frame, key=["locale", "product_id"], group=("esci", "product", "product_id"), ask=ask, balance="locale")


def keywords(locale: str, title: str, used: Counter[tuple[str, str]]) -> str:
    """The four rarest words of a title that more than one title has, in alphabetical order; "" if there are fewer."""
    shared = [word for word in set(words(title)) if used[locale, word] > 1 and len(word) > 1 and not any(c.isdigit() for c in word)]
    rarest = sorted(shared, key=lambda word: (used[locale, word], word))[:KEYWORDS]
    return ", ".join(sorted(rarest)) if len(rarest) == KEYWORDS else ""
