"""Which product, shown with its brand and colour, matches a query.

From ESCI: like title_for_query, with brand and colour beside the title and a substitute among the wrong products where there is one.
Where a language model put the query into a customer's words, these are asked.

Example:

    Which of the following products fulfils all that the query 'スチール ミキサー' asks for?
    0. Hesta シンプル 黒 スチール ミキサー, 20 W (brand: Hesta, color: 黒)
    1. Kettmar 軽量 緑 スチール マグカップ, 350 ml (brand: Kettmar)
    2. Casolo クラシック 黄色 スチール まな板, 20 cm (brand: Casolo, color: 黄色)
    3. Zentrix プレミアム 黄色 シリコン モニター台, 20 cm ★ (color: 黄色)
    Answer:
    -> 0
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import match_one
from shopbench.dataset.esci import all_words_in, cut, judged
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "Which of the following products fulfils all that the query '{query}' asks for?\n{options}\nAnswer:",
    "A customer typed '{query}'. Pick the product that is exactly what the customer wants.\n{options}\nAnswer:",
    "Query: {query}\nOnly one of these products is an exact match. Which one?\n{options}\nAnswer:",
    "Compare the products with the query and choose the one that matches it.\nQuery: {query}\n{options}\nAnswer:",
]
WRITTEN = ["{question}\n{options}\nAnswer:"]


def build(inputs: Inputs) -> Candidates:
    judgements = judged(inputs, "title", "brand", "color", queries=1.0).with_columns(
        pl.struct("title", "brand", "color").map_elements(shown, return_dtype=pl.String).alias("shown")
    )
    other = judgements.filter(pl.col("label") != "E").select("query_id", "locale", "label", "shown").iter_rows()
    products = Lookalikes((bucket, shown) for query_id, locale, label, shown in other for bucket in ((query_id, label), locale))

    written = inputs.made("query_questions")

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        substitutes = draw.some(products[row["query_id"], "S"], 1, "substitute")
        buckets = [(row["query_id"], "C"), (row["query_id"], "I"), row["locale"]]
        taken = [row["shown"], *substitutes]
        others = products.wrong(draw, 3 - len(substitutes), buckets, taken, unless=lambda product: all_words_in(row["query"], product))
        wrong = [*substitutes, *others]
        if made := written.get((row["query_id"], row["product_id"])):
            draw.uses.add("build")
            return match_one(draw, WRITTEN, right=row["shown"], wrong=wrong, question=made["question"])
        return match_one(draw, WORDINGS, right=row["shown"], wrong=wrong, query=row["query"])

    exact = judgements.filter(pl.col("label") == "E")
    return Candidates(exact, key=["query_id", "product_id"], group=("esci", "query", "query_id"), ask=ask)


def shown(product: dict[str, str]) -> str:
    """Title, and in brackets what is known of brand and colour."""
    known = [f"{name}: {product[column]}" for name, column in (("brand", "brand"), ("color", "color")) if product[column]]
    return f"{cut(product['title'])} ({', '.join(known)})" if known else cut(product["title"])
