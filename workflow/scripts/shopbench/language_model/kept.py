"""What datasets read of a synthetic set: the answers that were kept, by the keys of their seeds. Standard library alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shopbench.files import BadInput

KEPT = "kept"


def kept_lines(path: str | Path) -> Iterator[dict[str, Any]]:
    """The lines of a synthetic set whose verdict is "kept", in the file's order. A broken line is a BadInput that names it."""
    try:
        with Path(path).open(encoding="utf-8") as stream:
            for number, text in enumerate(stream, start=1):
                try:
                    line = json.loads(text)
                    verdict = line["verdict"]
                except (ValueError, KeyError, TypeError):
                    raise BadInput(f"{path}, line {number}: no line of a synthetic set; delete the file and run again") from None
                if verdict == KEPT:
                    yield line
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None


def kept_answers(path: str | Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Answers as their validator left them, by the values of their seed's keys."""
    return {tuple(line["seed"]["keys"].values()): line["made"] for line in kept_lines(path)}


def rewordings(path: str | Path, dataset: str) -> dict[str, list[str]]:
    """New wordings of a dataset's instructions, by the wording that they say anew."""
    found: dict[str, list[str]] = {}
    for line in kept_lines(path):
        if line["seed"]["keys"]["dataset"] == dataset:
            found.setdefault(line["seed"]["facts"]["wording"], []).append(line["made"]["wording"])
    return found
