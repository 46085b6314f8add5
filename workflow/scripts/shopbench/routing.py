"""The task type of a question, from what the challenge gives at inference: the prompt and `is_multiple_choice`.

Source: the published heuristics of Team NVIDIA's final submission (KDD Cup '24). On the challenge's 96 development questions they give the
labelled type, except for task 6: its keyphrases are scored as text but extracted as entities, on purpose. One thing is ours: phrases of
retrieval and ranking do not count in a question for entities that lists nothing.
"""

from __future__ import annotations

import re

# "3. a title", "3.a title", "3) a title" at the start of a line; "3.5 mm" is no option.
OPTION = re.compile(r"^[ \t]*(\d{1,3})[.)](?!\d)", re.MULTILINE)

RETRIEVAL_PHRASE = re.compile(
    r"\b(?:three|3) (?:comma[- ]separated )?(?:numbers|indices)\b"
    r"|\b(?:select|choose|pick) (?:the |exactly |any )?(?:three|3)\b",
    re.IGNORECASE,
)
RANKING_PHRASE = re.compile(r"\brespond with (?:only )?the ranking\b|\ba permutation of\b", re.IGNORECASE)
ENTITY_PHRASE = re.compile(r"\bextract (?:the |a |one )?key ?phrase|\boutput the entit(?:y|ies)\b|\bentity type\b", re.IGNORECASE)

# A ranking in the challenge has exactly this many candidates; longer lists are to be picked from.
RANKED = 5


def numbered_options(prompt: str) -> list[int]:
    """The numbers of the prompt's list of options: consecutive, from 0 or 1; empty without a list of at least two.

    Several lists can be open at once, since a review or a title may itself hold one: a number continues the list that grew last among those
    that wait for it. The list that ends last in the prompt is the options'.
    """
    lists: list[list[int]] = []
    for match in OPTION.finditer(prompt):
        number = int(match[1])
        waiting = [options for options in lists if options[-1] + 1 == number]
        if waiting:
            lists.remove(waiting[-1])
            lists.append([*waiting[-1], number])
        elif number in (0, 1):
            lists.append([number])
    long_enough = [options for options in lists if len(options) > 1]
    return long_enough[-1] if long_enough else []


def task_type(prompt: str, is_multiple_choice: bool) -> str:
    """One of the keys of `shopbench.chat.TASK_TYPES`."""
    if is_multiple_choice:
        return "multiple-choice"
    options = len(numbered_options(prompt))
    # A query may say "pick 3": where entities are asked for and nothing is listed, there is nothing to pick from or to rank.
    asks_entities = bool(ENTITY_PHRASE.search(prompt))
    picks = options or not asks_entities
    if options > RANKED or (picks and RETRIEVAL_PHRASE.search(prompt)):
        return "retrieval"
    if options == RANKED or (picks and RANKING_PHRASE.search(prompt)):
        return "ranking"
    return "named_entity_recognition" if asks_entities else "generation"
