"""Whether a product is an exact match, a substitute, a complement or irrelevant for a query.

From ESCI, the four labels equally often as far as they go; the options keep one order.

Example:

    What is the product 'Luminor 大型 グレー リネン ホース, 25 m' with respect to the query 'ホース'?
    0. exact
    1. substitute
    2. complement
    3. irrelevant
    Answer:
    -> 0
"""

from typing import Any

from shopbench.dataset.combinators import choose
from shopbench.dataset.esci import cut, judged
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "What is the product '{title}' with respect to the query '{query}'?\n{options}\nAnswer:",
    "Query: {query}\nProduct Title: {title}\nHow does the product relate to the query?\n{options}\nAnswer:",
    "A user searched for '{query}' and was shown '{title}'. What is this product for the user?\n{options}\nAnswer:",
    "Judge the result of a product search.\nQuery: {query}\nResult: {title}\n{options}\nAnswer:",
]
LABELS = ["E", "S", "C", "I"]
RELATIONS = ["exact", "substitute", "complement", "irrelevant"]


def build(inputs: Inputs) -> Candidates:
    def ask(row: dict[str, Any], draw: Draw) -> Question:
        return choose(draw, WORDINGS, options=RELATIONS, answer=LABELS.index(row["label"]), query=row["query"], title=cut(row["title"]))

    frame = judged(inputs, "title", queries=1.0)
    return Candidates(frame, key=["query_id", "product_id"], group=("esci", "query", "query_id"), ask=ask, balance="label")
