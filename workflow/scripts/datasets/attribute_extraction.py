"""The values of an attribute in a product's text.

From ECInstruct's Attribute Value Extraction: one attribute of an item, in the field that the answer names as its source.

Example:

    Entity type: color
    product title: Casabri Portable Blue Linen Blanket, 30 cm
    Output the entity directly, without its entity type. Separate several entities with commas, and explain nothing.
    Output:
    -> Blue
"""

import json
from typing import Any

import polars as pl

from shopbench.dataset.combinators import extract
from shopbench.dataset.ecinstruct import as_text, items
from shopbench.dataset.question import Draw, Question, Skip
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten
from shopbench.raw_lists import python_list

FORM = "Output the entity directly, without its entity type. Separate several entities with commas, and explain nothing."
WORDINGS = [
    "You are a linguist and help an online shop. Find the phrases of the {field} that belong to the entity type '{attribute}'.\n"
    + FORM
    + "\n{field}: {text}\nOutput:",
    "{field}: {text}\nWhich words of it give the entity type '{attribute}'? " + FORM + "\nOutput:",
    "Find the {attribute} of a product in its {field}.\n{text}\n" + FORM + "\nOutput:",
    "Entity type: {attribute}\n{field}: {text}\n" + FORM + "\nOutput:",
]
TEXT_CHARACTERS = 800


def build(inputs: Inputs) -> Candidates:
    frame = items(inputs, "attribute_extraction", "product title")
    rows = [
        {
            "item": row["item"],
            "about": row["about"],
            "locale": row["locale"],
            "fields": row["fields"],
            "attribute": attribute,
            "field": field,
            "values": values,
        }
        for row in frame.iter_rows(named=True)
        for (attribute, field), values in values_by_source(row["output"]).items()
    ]
    schema = dict.fromkeys(["item", "about", "locale", "fields", "attribute", "field"], pl.String) | {"values": pl.List(pl.String)}
    found = pl.DataFrame(rows, schema=schema)
    return Candidates(found, key=["item", "attribute", "field"], group=("ecinstruct", "product", "about"), ask=ask)


def values_by_source(output: str) -> dict[tuple[str, str], list[str]]:
    """Values of each (attribute, field) of an answer, without those that it gives as "None"; {} if it is no list of objects."""
    values: dict[tuple[str, str], list[str]] = {}
    for entry in python_list(output) or []:
        texts = [entry.get(name) for name in ("attribute", "source", "value")] if isinstance(entry, dict) else [None]
        if all(isinstance(text, str) and text.strip().casefold() not in ("", "none") for text in texts):
            attribute, field, value = (str(text).strip() for text in texts)
            values.setdefault((attribute.casefold(), field.casefold()), []).append(value)
    return values


def ask(row: dict[str, Any], draw: Draw) -> Question:
    text = as_text(json.loads(row["fields"]).get(row["field"], ""))
    if not text:
        raise Skip("no field of the source's name")
    return extract(
        draw, WORDINGS, text=shorten(text, TEXT_CHARACTERS), entities=row["values"], attribute=row["attribute"].lower(), field=row["field"]
    )
