"""Which query was made for a product, known by its description.

From ESCI: the product is an exact match of the right query; the wrong queries share a word with it where they can.

Example:

    Match the description of a product with a query.
    Description: Hesta ケトル: 紫, セラミック. 毎日の家庭での使用に。 素敵な贈り物。
    Queries:
    0. スチール ミキサー
    1. ケトル
    2. 大型 フライパン
    3. 毛布
    Answer:
    -> 1
"""

from shopbench.dataset.esci import query_for
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "Which of the following queries matches the product described here?\nProduct Description: {text}\n{options}\nAnswer:",
    "Product Description: {text}\nSelect the search query for which this product should be shown.\n{options}\nAnswer:",
    "A shop describes a product like this:\n{text}\nWhat did the customer search for who found it?\n{options}\nAnswer:",
    "Match the description of a product with a query.\nDescription: {text}\nQueries:\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    return query_for(inputs, "description", WORDINGS)
