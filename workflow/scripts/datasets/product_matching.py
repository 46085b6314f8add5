"""Whether two listings are the same product.

From ECInstruct's Product Matching.

Example:

    Product 1: Pelluma Modern Red Organic Soap, 50 g (model M00445)
    Product 2: Lunavie soap M0019H red 75 g
    Are the two products the same?
    0. yes
    1. no
    Answer:
    -> 1
"""

from shopbench.dataset.ecinstruct import YES_NO
from shopbench.dataset.ecinstruct_choice import choice_items
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "Do these two listings describe the same product?\nProduct 1: {product_1}\nProduct 2: {product_2}\n{options}\nAnswer:",
    "Product 1: {product_1}\nProduct 2: {product_2}\nAre the two products the same?\n{options}\nAnswer:",
    "A price comparison site found two offers. Can they be put on one page, because they are of one product?\n"
    "{product_1}\n{product_2}\n{options}\nAnswer:",
    "Match the following products.\nFirst: {product_1}\nSecond: {product_2}\nIs it one product?\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    return choice_items(inputs, "product_matching", "product 1", WORDINGS, kind="product", options=YES_NO)
