"""Whether two listings are the same product.

From ECInstruct's Product Matching, each pair in both orders: the source has 2,528 pairs, and the published size is twice the 2,022 of its
training part.

Example:

    Product 1: Panovia Light Blue Steel Mug, 500 ml (model M00F31)
    Product 2: Panovia mug M00BF1 blue 500 ml
    Are the two products the same?
    0. yes
    1. no
    Answer:
    -> 1
"""

import json
from dataclasses import replace

import polars as pl

from shopbench.dataset.ecinstruct import YES_NO
from shopbench.dataset.ecinstruct_choice import choice_items
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "Do these two listings describe the same product?\nProduct 1: {product_1}\nProduct 2: {product_2}\n{options}\nAnswer:",
    "Product 1: {product_1}\nProduct 2: {product_2}\nAre the two products the same?\n{options}\nAnswer:",
    "A price comparison site found two offers. Can they be put on one page, because they are of one product?\n"
    "{product_1}\n{product_2}\n{options}\nAnswer:",
    "Match the following products.\nFirst: {product_1}\nSecond: {product_2}\nIs it one product?\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    candidates = choice_items(inputs, "product_matching", "product 1", WORDINGS, kind="product", options=YES_NO)
    # Both orders keep the group of the first, so that a pair is on one side of the split.
    pairs = candidates.frame.with_columns(pl.lit("as it stands").alias("order"))
    turned = pl.col("fields").map_elements(turn, return_dtype=pl.String)
    frame = pl.concat([pairs, pairs.with_columns(turned, pl.lit("turned").alias("order"))])
    return replace(candidates, frame=frame, key=["item", "order"])


def turn(fields: str) -> str:
    """The fields of a pair with its products exchanged."""
    pair = json.loads(fields)
    return json.dumps({"product 1": pair["product 2"], "product 2": pair["product 1"]}, ensure_ascii=False)
