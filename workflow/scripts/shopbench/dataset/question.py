"""One question with its answer, the choices made for it, and the reasons for not asking it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from shopbench.hashing import hash64, pick, shuffled

Item = TypeVar("Item")
Truth = int | list[int] | list[float] | list[str] | str


class Skip(Exception):
    """This row cannot be asked about; the message is the reason, in words that hold for many rows (they are counted)."""


@dataclass(frozen=True)
class Question:
    """`truth` is what the challenge's development set calls output_field; `completion` is the answer that scores the most on it."""

    task_type: str
    prompt: str
    completion: str
    truth: Truth


class Draw:
    """Choices for one row: the same name gives the same choice, different names give independent ones.

    `rewordings` has what a language model made of the dataset's wordings; `uses` says what of a language model's went into the row:
    reword, and what a module adds (enrich, build).
    """

    def __init__(self, *keys: object, rewordings: Mapping[str, Sequence[str]] | None = None) -> None:
        self._keys = keys
        self._rewordings = rewordings or {}
        self.uses: set[str] = set()

    def number(self, *names: object) -> int:
        """Whole number in [0, 2**64)."""
        return hash64(*self._keys, *names)

    def pick(self, sequence: Sequence[Item], *names: object) -> Item:
        """One member, each with the same chance."""
        return pick(sequence, *self._keys, *names)

    def wording(self, wordings: Sequence[str]) -> str:
        """One of the wordings, or one of its rewordings, each of these with the same chance."""
        written = self.pick(wordings, "wording")
        chosen = self.pick([written, *self._rewordings.get(written, [])], "rewording")
        if chosen != written:
            self.uses.add("reword")
        return chosen

    def shuffled(self, sequence: Sequence[Item], *names: object) -> list[Item]:
        """All members, each order with the same chance."""
        return shuffled(sequence, *self._keys, *names)

    def some(self, sequence: Sequence[Item], count: int, *names: object) -> list[Item]:
        """`count` members (all of them, if there are fewer), in drawn order."""
        return self.shuffled(sequence, *names)[:count]
