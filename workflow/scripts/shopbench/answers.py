"""Answers that survive a kill: kept one a line as they come, found again by the question's text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shopbench.closure import imports_of
from shopbench.engine import Answer, Ask
from shopbench.files import MANIFEST, Parts, digest_of, read_json, sha256_of

ANSWERS, STARTS = "answers.jsonl", "starts.jsonl"


class KeptAnswers:
    """Answers of one model, adapter and group of settings, which together name the folder; a changed program starts anew."""

    def __init__(self, root: Path, rule: str, program: Path, model: Path, adapter: Path | None, *settings: Any) -> None:
        sources = [sha256_of(file) for file in imports_of(program.parent, program.name)]
        manifests = [read_json(folder / MANIFEST) for folder in (model, adapter) if folder]
        self._parts = Parts(root, rule, sources, manifests, settings)
        self._answers = {row["question"]: Answer(**row["answer"]) for row in self._parts.rows(ANSWERS)}

    def __getitem__(self, ask: Ask) -> Answer:
        return self._answers[_key(ask)]

    def missing(self, asks: Sequence[Ask]) -> list[Ask]:
        """The different questions without an answer, in their order."""
        return [ask for ask in dict.fromkeys(asks) if _key(ask) not in self._answers]

    def add(self, ask: Ask, answer: Answer) -> None:
        self._answers[_key(ask)] = answer
        self._parts.append(ANSWERS, {"question": _key(ask), "answer": asdict(answer)})

    def record_start(self, seconds: float) -> None:
        self._parts.append(STARTS, {"seconds": seconds})

    def start(self) -> float:
        """Seconds of the last engine start."""
        return self._parts.rows(STARTS)[-1]["seconds"]

    def discard(self) -> None:
        self._parts.discard()


def _key(ask: Ask) -> str:
    return digest_of(ask.prompt, ask.is_multiple_choice)
