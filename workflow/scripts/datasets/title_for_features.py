"""Which title belongs to a product, known by its bullet points.

From ESCI's products. The wrong titles are of other brands' products judged for the same query.

Example:

    Which of the following products has these features?
    Color: red
    Material: wool
    Size: 44 EU
    Season: spring
    Made for daily use at home.
    0. Lindqua Light Red Wool Socks, 44 EU
    1. Fiorata Modern Red Wool Socks, 42 EU
    2. Fiorata Simple Yellow Cotton Socks, 40 EU
    3. Arbello Light Green Wool Socks, 42 EU
    Answer:
    -> 0
"""

from shopbench.dataset.esci import title_for
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "Which of the following products has these features?\n{text}\n{options}\nAnswer:",
    "Features:\n{text}\nSelect the title of the product that they describe.\n{options}\nAnswer:",
    "A product page lists the following bullet points. What is the title on that page?\n{text}\n{options}\nAnswer:",
    "Match the bullet points of a product with a title.\n{text}\nTitles:\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    return title_for(inputs, "bullets", WORDINGS)
