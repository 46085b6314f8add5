"""How two products relate.

From ECInstruct's Product Relation Prediction.

Example:

    How does product 2 go with product 1?
    Product 1: Dormira Classic Red Wood Pillow, 30 cm
    Product 2: Dormira Simple Red Linen Pillow, 24 cm
    0. Users who buy product 1 may also buy product 2.
    1. Users who view product 1 may also view product 2.
    2. The product 1 is similar with the product 2.
    Answer:
    -> 1
"""

from shopbench.dataset.ecinstruct_choice import choice_items
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "Which statement is true of these two products?\nProduct 1: {product_1}\nProduct 2: {product_2}\n{options}\nAnswer:",
    "Product 1: {product_1}\nProduct 2: {product_2}\nWhat do customers do with these two products?\n{options}\nAnswer:",
    "Given the titles of two products, predict how they relate.\nFirst, product 1: {product_1}\nThen, "
    "product 2: {product_2}\n{options}\nAnswer:",
    "How does product 2 go with product 1?\nProduct 1: {product_1}\nProduct 2: {product_2}\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    return choice_items(inputs, "product_relation", "product 1", WORDINGS, kind="product")
