"""Which title belongs to a product, known by its description.

From ESCI's products. The wrong titles are of other brands' products judged for the same query.

Example:

    Product Description: Altivor esterilla: negro, nailon. Hecho para el uso diario en casa. Un buen regalo.
    Select the title of this product.
    0. Ridgen ligero negro goma esterilla, 10 mm
    1. Nexorin moderno amarillo aluminio cargador, 900 W
    2. Altivor grande negro nailon esterilla, 8 mm
    3. Summita moderno azul goma esterilla, 10 mm
    Answer:
    -> 2
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
