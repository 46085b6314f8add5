"""Which product a user buys next.

From ECInstruct's Sequential Recommendation: the right product of its up to twenty options, and five drawn of the others.

Example:

    - Hesta Portable Black Ceramic Kettle, 1 l
    - Tornella Large White Glass Kettle, 30 l
    After these purchases, which product is the customer most interested in?
    0. Kettmar Light Blue Glass Mug, 250 ml
    1. Pelluma Large Red Herbal Shampoo, 500 ml
    2. Homelia Simple Red Linen Pillow, 30 cm
    3. Luminor Modern Blue Wood Dog Leash, 30 cm
    4. Altivor Simple Black Titanium Helmet, 20 cm
    5. Brewick Compact White Ceramic Teapot, 1 l
    Answer:
    -> 5
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
