"""ECInstruct's multiple choice tasks, which differ only in their fields, options and words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from shopbench.dataset.combinators import choose
from shopbench.dataset.ecinstruct import answer_place, as_text, items
from shopbench.dataset.question import Draw, Question
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten

FIELD_CHARACTERS = 800


def choice_items(
    inputs: Inputs, task: str, about: str, wordings: Sequence[str], *, kind: str, options: Sequence[str] = (), written: str | None = None
) -> Candidates:
    """Questions about the items of `task`, grouped by their field `about`.

    Options are the item's own, else `options`; they keep their order, which means something (a scale, yes before no). The wordings name
    the item's fields with "_" for spaces. `written` is a synthetic set whose answers take the place of an item's fields, its own answer
    standing.
    """
    answers = inputs.made(written) if written else {}

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        fields = {name.replace(" ", "_"): shorten(as_text(field), FIELD_CHARACTERS) for name, field in fields_of(row).items()}
        if made := answers.get((row["item"],)):
            draw.uses.add("build")
            fields |= made
        own = json.loads(row["options"]) or list(options)
        return choose(draw, wordings, options=own, answer=answer_place(own, row["output"]), **fields)

    return Candidates(items(inputs, task, about), key=["item"], group=("ecinstruct", kind, "about"), ask=ask)


def fields_of(row: dict[str, Any]) -> dict[str, Any]:
    """An item's fields, by name: texts or lists of texts."""
    fields: dict[str, Any] = json.loads(row["fields"])
    return fields
