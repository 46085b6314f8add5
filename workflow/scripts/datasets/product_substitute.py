"""Whether a product is a substitute for what a query asks.

From ECInstruct's Product Substitute Identification.

Example:

    A customer searched for 'lamp'. Would 'Homelia Light Red Linen Lamp, 500 W' do instead?
    0. yes
    1. no
    Answer:
    -> 1
"""

from shopbench.dataset.ecinstruct import YES_NO
from shopbench.dataset.ecinstruct_choice import choice_items
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "Is the product '{product}' a substitute for what the query '{query}' asks for?\n{options}\nAnswer:",
    "Query: {query}\nProduct: {product}\nIs the product somewhat relevant, "
    "so that it can serve as a functional substitute?\n{options}\nAnswer:",
    "A customer searched for '{query}'. Would '{product}' do instead?\n{options}\nAnswer:",
    "Decide whether the product can replace what was searched.\nSearch: {query}\nProduct: {product}\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    return choice_items(inputs, "product_substitute", "query", WORDINGS, kind="query", options=YES_NO)
