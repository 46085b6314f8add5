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


def choice_items(inputs: Inputs, task: str, about: str, wordings: Sequence[str], *, kind: str, options: Sequence[str] = ()) -> Candidates:
    """Questions about the items of `task`, grouped by their field `about`.

    Options are the item's own, else `options`; they keep their order, which means something (a scale, yes before no). The wordings name the
    item's fields with "_" for spaces.
    """

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        fields = {name.replace(" ", "_"): shorten(as_text(field), FIELD_CHARACTERS) for name, field in json.loads(row["fields"]).items()}
        own = json.loads(row["options"]) or list(options)
        return choose(draw, wordings, options=own, answer=answer_place(own, row["output"]), **fields)

    return Candidates(items(inputs, task, about), key=["item"], group=("ecinstruct", kind, "about"), ask=ask)
