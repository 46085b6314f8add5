"""ECInstruct's rows, whose fields hide JSON, Python lists and lettered options in strings, made plain.

Task names are spelt in more than one way in the authors' own files, so they are matched by their words.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, NamedTuple

from shopbench.raw_lists import json_object, python_list
from shopbench.raw_text import plain_text

# Our names of the tasks, and the words that tell each from the others.
TASK_WORDS = {
    "attribute_extraction": ({"attribute", "value"},),
    "product_relation": ({"relation"},),
    "product_matching": ({"matching"},),
    "sentiment_analysis": ({"sentiment"},),
    "sequential_recommendation": ({"sequential"},),
    "product_classification": ({"multiclass"}, {"multi", "class"}),
    "product_substitute": ({"substitute"},),
    "query_product_rank": ({"query", "rank"}, {"query", "ranking"}),
    "answerability": ({"answerability"},),
    "answer_generation": ({"answer", "generation"},),
}

# Tasks whose input is one text or one list, with the name under which `read_item` gives it.
TEXT_TASKS = {"sentiment_analysis": "review"}
LIST_TASKS = {"sequential_recommendation": "history"}

_NUMBER = re.compile(r"^\d+(?:st|nd|rd|th)?\s*[:.)]\s*")
_LETTER = re.compile(r"^\s*([A-Z])\s*[:.)]\s*(.*)$", re.DOTALL)


class Item(NamedTuple):
    """One item: `fields` by lower-case names without punctuation at their ends, `options` without letters, `output` as it stands."""

    task: str
    fields: dict[str, Any]
    options: list[str]
    output: str


class BrokenItem(ValueError):
    """The reason why an item cannot be read, in a few words."""


@cache
def task_name(text: object) -> str | None:
    """Our name of a task, for any spelling ("Multi-class Product Classification", "Multiclass_Product_Classification", ...)."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text) if isinstance(text, str) else ""
    words = set(re.findall(r"[a-z]+", spaced.lower()))
    for name, alternatives in TASK_WORDS.items():
        if any(needed <= words for needed in alternatives):
            return name
    return None


def read_item(task: str | None, fields: str | None, options: str | None, output: str | None) -> Item:
    """The plain item of a raw one's fields `task`, `input`, `options` and `output`; BrokenItem says what is wrong with it."""
    name = task_name(task)
    if name is None:
        raise BrokenItem("unknown task")
    if output is None or not output.strip():
        raise BrokenItem("no output")
    return Item(name, read_fields(name, fields), read_options(options), output.strip())


def read_fields(task: str, text: object) -> dict[str, Any]:
    """The parts of an item's input; texts made plain, lists of texts with their letters taken off."""
    if not isinstance(text, str) or not text.strip():
        raise BrokenItem("no input")
    if task in TEXT_TASKS:
        return {TEXT_TASKS[task]: plain_text(text)}
    if task in LIST_TASKS:
        history = python_list(text)
        if not history:
            raise BrokenItem("input is no list")
        return {LIST_TASKS[task]: [_NUMBER.sub("", plain_text(item)) for item in history]}
    parts = json_object(text)
    if not parts:
        raise BrokenItem("input is no JSON object")
    return {name.strip().strip(":").lower(): _plain_part(part) for name, part in parts.items()}


def _plain_part(part: Any) -> str | list[str]:
    """Text or list of texts; a list may itself be written as text."""
    listed = part if isinstance(part, list) else python_list(part)
    if listed is not None:
        return [without_letter(item) for item in listed]
    return plain_text(part) if isinstance(part, str) else "" if part is None else plain_text(json.dumps(part, ensure_ascii=False))


def read_options(text: object) -> list[str]:
    """Options without their letters, in order; [] where the task has none. They come as a list in text, or one to a line."""
    if not isinstance(text, str) or not text.strip():
        return []
    listed = python_list(text)
    if listed is None:
        listed = [line for line in text.splitlines() if line.strip()]
    return [without_letter(option) for option in listed]


def without_letter(text: object) -> str:
    """ "B: positive" -> "positive"; a text without such a letter stays. Made plain."""
    plain = plain_text(text)
    lettered = _LETTER.match(plain)
    return lettered.group(2).strip() if lettered else plain


def letters(output: str) -> list[int]:
    """Places (from 0) of the letters that an answer names: "A: very positive" -> [0], "C,A,B" -> [2, 0, 1], "yes" -> []."""
    lettered = _LETTER.match(output)
    if lettered:
        return [ord(lettered.group(1)) - ord("A")]
    pieces = [piece.strip().rstrip(".") for piece in output.split(",")]
    if not all(len(piece) == 1 and "A" <= piece <= "Z" for piece in pieces):
        return []
    return [ord(piece) - ord("A") for piece in pieces]
