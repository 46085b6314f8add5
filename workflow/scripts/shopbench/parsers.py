"""The challenge's five parsers: from a response's text to what the metrics compare.

They follow the KDD Cup 2024 starter kit's rules, quirks included, because a response is worth what the challenge's
own parser makes of it. Nothing here raises on a bad response: a response that cannot be read becomes the value that
scores nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

MAX_CHARACTERS = 5_000
MAX_RANKED = 5
MAX_RETRIEVED = 3
NO_CHOICE = -1

Parsed = int | list[int] | list[str] | str


def parse(response: str, task_type: str) -> Parsed:
    """Cut the response to 5,000 characters and read it as `task_type` (a key of `PARSERS`; any other raises KeyError)."""
    return PARSERS[task_type](response[:MAX_CHARACTERS])


def parse_choice(response: str) -> int:
    """Multiple choice: the digit that the stripped response begins with, else -1. So "10" is 1, and "Answer: 2" is -1."""
    try:
        return int(response.strip()[:1])
    except ValueError:
        return NO_CHOICE


def parse_ranking(response: str) -> list[int]:
    """Ranking: the first 5 of the listed numbers that are at most 5 (0 stays); with any number twice, the empty list."""
    ranked = [number for number in _listed_numbers(response) if number <= MAX_RANKED][:MAX_RANKED]
    return ranked if len(set(ranked)) == len(ranked) else []


def parse_retrieval(response: str) -> list[int]:
    """Retrieval: the first 3 of the listed numbers, with no upper bound, duplicates kept."""
    return _listed_numbers(response)[:MAX_RETRIEVED]


def parse_entities(response: str) -> list[str]:
    """Entities: a Python list literal of strings as it is; anything else split on commas, stripped, empty pieces dropped."""
    try:
        entities = ast.literal_eval(response)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        entities = None
    if isinstance(entities, list) and all(isinstance(entity, str) for entity in entities):
        return entities
    return [piece.strip() for piece in response.split(",") if piece.strip()]


def parse_text(response: str) -> str:
    """Generation: the response, stripped."""
    return response.strip()


def _listed_numbers(response: str) -> list[int]:
    """Numbers between commas, once all but digits, commas and spaces has vanished.

    Newlines and minus signs vanish too: "1\\n2" is 12 and "-3" is 3. A piece that is then no integer ("", "1 2") is skipped.
    """
    return whole_numbers("".join(c for c in response if c.isnumeric() or c in ", "))


def whole_numbers(text: str) -> list[int]:
    """Pieces between commas that are integers as they stand, white space around them aside."""
    numbers = []
    for piece in text.split(","):
        try:
            numbers.append(int(piece))
        except ValueError:
            continue
    return numbers


PARSERS: dict[str, Callable[[str], Parsed]] = {
    "multiple-choice": parse_choice,
    "ranking": parse_ranking,
    "retrieval": parse_retrieval,
    "named_entity_recognition": parse_entities,
    "generation": parse_text,
}
