"""ECInstruct's items, as its dataset modules use them."""

from __future__ import annotations

import msgspec
import polars as pl

from shopbench.dataset.question import Skip
from shopbench.dataset.sampling import Inputs
from shopbench.dataset.texts import text_key
from shopbench.raw_ecinstruct import letters

YES_NO = ["yes", "no"]


def items(inputs: Inputs, task: str, about: str) -> pl.DataFrame:
    """The items of a task: item (str key), about (key of the field that groups them), locale, fields, options, output.

    `fields` is a struct-free JSON text (its names differ by task); read it with json.loads. Items without the field `about` are left out.
    """
    table = inputs.table("ecinstruct", "item", "fields", "options", "output", task=task)
    subjects = [as_text(msgspec.json.decode(fields).get(about, "")) for fields in table["fields"]]
    return table.select(
        "item",
        pl.Series("about", [text_key(subject) if subject else "" for subject in subjects], dtype=pl.String),
        pl.lit("en").alias("locale"),
        "fields",
        "options",
        "output",
    ).filter(pl.col("about") != "")


def as_text(field: str | list[str]) -> str:
    """A field as one text."""
    return " ".join(field) if isinstance(field, list) else field


def answer_place(options: list[str], output: str) -> int:
    """Which option (from 0) an output names, by letter or by its text."""
    named = letters(output)
    if len(named) == 1 and named[0] < len(options):
        return named[0]
    texts = [option.casefold() for option in options]
    text = output.strip().rstrip(".").casefold()
    if text in texts:
        return texts.index(text)
    raise Skip("answer is none of the options")
