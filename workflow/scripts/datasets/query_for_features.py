"""Which query was made for a product, known by its bullet points.

From ESCI: the product is an exact match of the right query; the wrong queries share a word with it where they can.

Example:

    Given the bullet points of a product, find the query it answers.
    色: 黒
    素材: スチール
    サイズ: 30 cm
    毎日の家庭での使用に。
    Queries:
    0. 大型 フライパン
    1. 黄色 まな板
    2. 大型 懐中電灯
    3. 大型 まな板
    Answer:
    -> 3
"""

from shopbench.dataset.esci import query_for
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "Which of the following queries matches a product with these features?\n{text}\n{options}\nAnswer:",
    "Features of a product:\n{text}\nSelect the search query that these features satisfy.\n{options}\nAnswer:",
    "A product page lists the following bullet points.\n{text}\nWhich query brought the customer to this page?\n{options}\nAnswer:",
    "Given the bullet points of a product, find the query it answers.\n{text}\nQueries:\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    return query_for(inputs, "bullets", WORDINGS)
