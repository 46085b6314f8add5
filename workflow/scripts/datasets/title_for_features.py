"""Which title belongs to a product, known by its bullet points.

From ESCI's products. The wrong titles are of other brands' products judged for the same query.

Example:

    Which of the following products has these features?
    色: グレー
    素材: ナイロン
    サイズ: 8 mm
    毎日の家庭での使用に。
    0. Casolo シンプル 黒 スチール ミキサー, 900 W
    1. 【Wandrel シンプル グレー ナイロン 自転車ロック, 8 mm】
    2. Hesta 大型 白 スチール ミキサー, 60 W
    3. Panovia モダン 黒 スチール ミキサー, 60 W
    Answer:
    -> 1
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
