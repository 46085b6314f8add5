"""Shopping MMLU's own reading of a response, where it differs from the challenge's.

It cleans nothing away: a number in brackets is no number, a minus sign stays, duplicates stay, and no response is cut. Which text a
type reads differs too. The metrics are the challenge's.

    multiple choice     without the spaces around it (newlines stay); its first character, if a digit
    ranking             the first line after leading newlines; whole pieces between commas that are integers, up to the candidates' number
    retrieval           all of it; whole pieces between commas that are integers, the first 3
    entities            the first line after leading newlines, split on commas; a blank between two commas is an entity, and a wrong one
    generation          as it is

Its scorer stops with an error at a ranking with a negative number further from zero than there are candidates, at a task whose ideal
ranking earns nothing, and at a task of entities without any answer; here each of them earns 0.

Source of the rules: Y. Jin et al., Shopping MMLU, NeurIPS 2024; github.com/KL4805/ShoppingMMLU, its evaluation of a skill.
"""

from __future__ import annotations

from collections.abc import Callable

from shopbench.parsers import MAX_RETRIEVED, NO_CHOICE, Parsed, whole_numbers


def parse(response: str, task_type: str) -> Parsed:
    """Read the response as `task_type` (a key of `PARSERS`; any other raises KeyError)."""
    return PARSERS[task_type](response)


def parse_choice(response: str) -> int:
    """Multiple choice: the digit that follows leading spaces, else -1. So "\\n2" is -1."""
    first = response.strip(" ")[:1]
    return int(first) if first.isascii() and first.isdigit() else NO_CHOICE


def parse_ranking(response: str) -> list[int]:
    """Ranking: all integers of the first line; none is dropped for its size or its return, and the metric cuts the list."""
    return whole_numbers(_first_line(response))


def parse_retrieval(response: str) -> list[int]:
    """Retrieval: the first 3 integers of the whole response: "1\\n2,3" has one, 3."""
    return whole_numbers(response)[:MAX_RETRIEVED]


def parse_entities(response: str) -> list[str]:
    """Entities: the first line split on commas, empty pieces dropped; a Python list is text like any other."""
    return [piece for piece in _first_line(response).strip(" ").split(",") if piece]


def parse_text(response: str) -> str:
    """Generation: the response as it is."""
    return response


def _first_line(response: str) -> str:
    return response.lstrip("\n").split("\n")[0]


PARSERS: dict[str, Callable[[str], Parsed]] = {
    "multiple-choice": parse_choice,
    "ranking": parse_ranking,
    "retrieval": parse_retrieval,
    "named_entity_recognition": parse_entities,
    "generation": parse_text,
}
