"""Which query was made for a product, known by its title.

From ESCI: the product is an exact match of the right query; the wrong queries share a word with it where they can.

Example:

    Product Title: 【Pixelar 軽量 紫 シリコン キーボード, 20 cm】
    Select the search query that this product matches best.
    0. 黒 ティーポット
    1. ホース
    2. 黄色 キーボード 新品
    3. キーボード
    Answer:
    -> 3
"""

from shopbench.dataset.esci import query_for
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "Which of the following queries leads a customer to the product '{text}'?\n{options}\nAnswer:",
    "A customer bought the product below. Which query did the customer most likely type?\nProduct Title: {text}\n{options}\nAnswer:",
    "Product Title: {text}\nSelect the search query that this product matches best.\n{options}\nAnswer:",
    "Given the title of a product, find the query it answers.\nTitle: {text}\nQueries:\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    return query_for(inputs, "title", WORDINGS)
