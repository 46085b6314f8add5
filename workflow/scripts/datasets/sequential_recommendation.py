"""Which product a user buys next.

From ECInstruct's Sequential Recommendation: the right product of its up to twenty options, and five drawn of the others.

Example:

    Purchase history, oldest first:
    - Fiorata Compact Green Leather Socks, 38 EU
    - Fiorata Simple Red Cotton Socks, 44 EU
    Predict the next purchase.
    0. Dormira Large Blue Linen Blanket, 60 cm
    1. Lunavie Compact Yellow Herbal Soap, 150 g
    2. Kettmar Light Blue Glass Mug, 200 ml
    3. Velora Portable Black Organic Lipstick, 100 g
    4. Fiorata Premium Green Cotton Sandals, 44 EU
    5. Marwen Compact White Cotton Belt, 24 cm
    Answer:
    -> 4
"""

import json
from typing import Any

from shopbench.dataset.combinators import match_one
from shopbench.dataset.ecinstruct import answer_place, items
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten

WORDINGS = [
    "A user bought these products, in this order:\n{history}\nWhich of the following will the user buy next?\n{options}\nAnswer:",
    "Purchase history, oldest first:\n{history}\nPredict the next purchase.\n{options}\nAnswer:",
    "Given the purchases of a customer, which product should the shop recommend?\n{history}\n{options}\nAnswer:",
    "{history}\nAfter these purchases, which product is the customer most interested in?\n{options}\nAnswer:",
]
LAST_PURCHASES = 8
TITLE_CHARACTERS = 150
WRONG_OPTIONS = 5


def build(inputs: Inputs) -> Candidates:
    return Candidates(
        items(inputs, "sequential_recommendation", "history"), key=["item"], group=("ecinstruct", "history", "about"), ask=ask
    )


def ask(row: dict[str, Any], draw: Draw) -> Question:
    history = json.loads(row["fields"])["history"][-LAST_PURCHASES:]
    options = [shorten(option, TITLE_CHARACTERS) for option in json.loads(row["options"])]
    right = options[answer_place(json.loads(row["options"]), row["output"])]
    wrong = draw.some([option for option in options if option != right], WRONG_OPTIONS, "wrong")
    return match_one(
        draw, WORDINGS, right=right, wrong=wrong, history="\n".join(f"- {shorten(title, TITLE_CHARACTERS)}" for title in history)
    )
