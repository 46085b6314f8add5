"""An instruction of any kind, as in Alpaca-Cleaned: general knowledge that keeps a model from forgetting what it knew.

The whole file, layout kept. Items without an answer are left out.

Example:

    Add 56 and 9.
    -> 56 + 9 = 65
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import generate
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import text_key

BARE_WORDINGS = [
    "{instruction}",
    "{instruction}\nOutput:",
    "Instructions: {instruction}\nOutput:",
    "Follow the instruction.\n{instruction}",
]
INPUT_WORDINGS = [
    "{instruction}\n{input}",
    "{instruction}\nInput: {input}\nOutput:",
    "Instructions: {instruction}\nInput: {input}\nOutput:",
    "Follow the instruction.\n{instruction}\n\n{input}",
]


def build(inputs: Inputs) -> Candidates:
    table = inputs.table("alpaca", "number", "instruction", "input", "output")
    names = [text_key(f"{instruction} {given}") for instruction, given in table.select("instruction", "input").iter_rows()]
    frame = table.with_columns(pl.Series("name", names, dtype=pl.String), pl.lit("en").alias("locale"))
    return Candidates(frame, key=["number"], group=("alpaca_cleaned", "instruction", "name"), ask=ask)


def ask(row: dict[str, Any], draw: Draw) -> Question:
    wordings = INPUT_WORDINGS if row["input"] else BARE_WORDINGS
    return generate(draw, wordings, answer=row["output"], instruction=row["instruction"], input=row["input"])
