"""Which title belongs to a product, known by its description.

From ESCI's products. The wrong titles are of other brands' products judged for the same query.

Example:

    Product Description: Trekkon リュック: 白, ナイロン. 毎日の家庭での使用に。 素敵な贈り物。
    Select the title of this product.
    0. Trekkon 携帯用 白 ナイロン リュック, 2 l
    1. Rosdan シンプル グレー ミネラル ドライヤー, 20 W
    2. Wandrel プレミアム 白 ナイロン リュック, 1 l ★
    3. Zentrix 大型 紫 アルミ キーボード, 30 cm
    Answer:
    -> 0
"""

from shopbench.dataset.esci import title_for
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "Which of the following titles belongs to the product described here?\nProduct Description: {text}\n{options}\nAnswer:",
    "Product Description: {text}\nSelect the title of this product.\n{options}\nAnswer:",
    "A description has lost its title. Which one is it?\n{text}\n{options}\nAnswer:",
    "Match the description of a product with a title.\nDescription: {text}\nTitles:\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    return title_for(inputs, "description", WORDINGS)
