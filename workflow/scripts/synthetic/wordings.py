"""An instruction in other words (re-words).

Seeds: every wording of every dataset that uses the set, as many times as language_model.rewordings says, each time in another manner. Kept
wordings stand beside the written one, each drawn as often. They keep its fields, its last word and its form, so that a question is routed
to its task type as before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import Formatter
from typing import Any

from shopbench.dataset.combinators import numbered
from shopbench.language_model.seeding import Seed, SeedSource
from shopbench.language_model.verdicts import Reject, in_language, length_within, no_copy, require
from shopbench.routing import task_type

NEW_TEXT = "wording"
MANNERS = [
    "as a short command",
    "as a question",
    "as a polite request of a customer",
    "as a note of a shop's employee to a colleague",
    "with the material first and the instruction after it",
    "with the instruction first and the material after it",
    "in plain words, as to a newcomer",
    "in one flowing sentence before the material",
]
# Lines of a list that each form of question has at least (ECInstruct ranks two, rank_queries four): how it is routed depends on them.
LISTED = {"multiple-choice": 2, "retrieval": 2, "ranking": 4}
FIRST = {"multiple-choice": 0, "retrieval": 1, "ranking": 1}
OPTIONS = re.compile(r"^\{options\}$", re.MULTILINE)


def seeds(source: SeedSource) -> Iterator[Seed]:
    for dataset, wording in source.wordings():
        for number, manner in enumerate(MANNERS[: source.rewordings]):
            row = source.rows[dataset]
            facts = {"wording": wording, "task_type": row["task_type"]}
            keys = {"dataset": dataset, "wording": wording, "number": number}
            yield Seed(keys, {"instruction": wording, "asks": row["asks"], "manner": manner}, facts)


def judge(seed: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The same fields once each, `{options}` and the last line where they stood, other words in English, the same task type."""
    written, wording = seed["facts"]["wording"], answer["wording"].strip()
    require(sorted(fields_of(wording)) == sorted(fields_of(written)), "other fields than the seed's")
    require(wording.split()[-1:] == written.split()[-1:], "other last word than the seed's")
    require(bool(OPTIONS.search(written)) == bool(OPTIONS.search(wording)), "options not on lines of their own")
    prose, written_prose = (re.sub(r"\{\w+\}", " ", text) for text in (wording, written))
    length_within(prose, 3, 2 * len(written_prose.split()) + 25)
    in_language(prose, "en")
    no_copy(prose, written_prose)
    require(not re.search(r"^\s*\d+[.)]", prose, re.MULTILINE), "a list of its own")
    kind = seed["facts"]["task_type"]
    require(task_type(filled(wording, kind), kind == "multiple-choice") == kind, "routed to another task type")
    return {"wording": wording}


def fields_of(wording: str) -> list[str]:
    """Names of the {fields}, in order. A conversion, a format or a lone brace is no wording of ours."""
    try:
        parts = list(Formatter().parse(wording))
    except ValueError:
        raise Reject("braces that are no field") from None
    fields = [(name, form, conversion) for _, name, form, conversion in parts if name is not None]
    if any(form or conversion or not name.isidentifier() for name, form, conversion in fields):
        raise Reject("braces that are no field")
    require(not any(set("{}") & set(text) for text, *_ in parts), "braces that are no field")
    return [name for name, _, _ in fields]


def filled(wording: str, kind: str) -> str:
    """The wording with a plain word in every field and a list in {options}."""
    options = numbered(["thing"] * LISTED.get(kind, 0), FIRST.get(kind, 0))
    return wording.format(**dict.fromkeys(fields_of(wording), "thing") | {"options": options})
