"""Which products of a list suit a query best.

From ECInstruct's Query Product Rank, asked as retrieval: of the ranking that it gives the first half counts, three products at most.

Example:

    A user searched for 'puzzle'. Pick three of these products at most that should stand at the top. Give only the numbers.
    1. Norveste Light Red Wool Hat, 30 cm
    2. Homelia Classic Purple Wood Lamp, 60 W
    3. Pawtica Light Green Linen Puzzle, 1000 pcs
    Output:
    -> 3
"""

import json
from typing import Any

from shopbench.dataset.combinators import MOST_RETRIEVED, pick_some
from shopbench.dataset.ecinstruct import items
from shopbench.dataset.question import Draw, Question, Skip
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten
from shopbench.raw_ecinstruct import letters

WORDINGS = [
    "Which products of the following numbered list suit the query '{query}' best? "
    "Answer with at most three numbers, separated by commas, and nothing else."
    "\nProduct List:\n{options}\nOutput:",
    "Query: {query}\nProduct List:\n{options}\nSelect three products or fewer that match the query best. "
    "Output only their numbers, separated by commas.\nOutput:",
    "A user searched for '{query}'. Pick three of these products at most that should stand at the top. "
    "Give only the numbers.\n{options}\nOutput:",
    "Find the most relevant products for a query. Answer with up to three numbers, separated by commas.\n"
    "Query: {query}\n{options}\nOutput:",
]
TITLE_CHARACTERS = 150


def build(inputs: Inputs) -> Candidates:
    return Candidates(items(inputs, "query_product_rank", "query"), key=["item"], group=("ecinstruct", "query", "about"), ask=ask)


def ask(row: dict[str, Any], draw: Draw) -> Question:
    fields = json.loads(row["fields"])
    titles = [shorten(title, TITLE_CHARACTERS) for title in fields.get("product list", [])]
    order = letters(row["output"])
    if sorted(order) != list(range(len(titles))):
        raise Skip("output is no ranking of the list")
    best = order[: min(MOST_RETRIEVED, len(titles) // 2)]
    return pick_some(
        draw,
        WORDINGS,
        right=[titles[place] for place in best],
        wrong=[title for place, title in enumerate(titles) if place not in best],
        query=fields["query"],
    )
