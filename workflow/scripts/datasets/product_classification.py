"""How a product relates to a query, in four statements.

From ECInstruct's Multiclass Product Classification.

Example:

    How relevant is the product 'Pawtica Large Black Wood Plant Pot, 60 cm' to the query 'lamp'?
    0. The product is relevant to the query, and satisfies all the query specifications.
    1. The product is somewhat relevant. It fails to fulfill some aspects of the query but the product can be used as a functional
      substitute.
    2. The product does not fulfill the query, but could be used in combination with a product exactly matching the query.
    3. The product is irrelevant to the query.
    Answer:
    -> 2
"""

from shopbench.dataset.ecinstruct_choice import choice_items
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "How relevant is the product '{product_title}' to the query '{query}'?\n{options}\nAnswer:",
    "Query: {query}\nProduct Title: {product_title}\nWhich statement describes their relation?\n{options}\nAnswer:",
    "A user searched for '{query}' and found '{product_title}'. Which of the following is true?\n{options}\nAnswer:",
    "Classify the product by its relevance to the query.\nProduct: {product_title}\nQuery: {query}\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    return choice_items(inputs, "product_classification", "query", WORDINGS, kind="query")
