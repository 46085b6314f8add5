"""Alpaca-Cleaned: instructions of any kind, small enough for a tiny model to learn from.

Schema: the hub's yahma/alpaca-cleaned, alpaca_data_cleaned.json, a JSON array of {instruction, input, output}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from shopbench.hashing import hash64, pick, uniform
from shopbench.simulators import counted, unseen
from shopbench.world import explanation_of, lengthened, product, review_of, scaled
from shopbench.world_words import ADJECTIVES, COLORS, LANGUAGE_NAMES, LANGUAGES

FILES = ("alpaca_data_cleaned.json",)
ROWS, LEAST_ROWS = 51_760, 400
# Share of the outputs that end in odd Unicode.
ODD_SHARE = 0.002
# Bytes that an output is longer on average where texts are as long as real ones.
ADDED_BYTES = 660


def write(file: str, scale: float, seed: int, path: Path, real_text: bool = False) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        separator = "[\n"
        for row in counted(_rows(scale, seed, ADDED_BYTES if real_text else 0)):
            stream.write(separator + json.dumps(row, ensure_ascii=False))
            separator = ",\n"
        stream.write("\n]\n")


def _rows(scale: float, seed: int, added: int) -> Iterator[dict[str, str]]:
    """No instruction comes twice, as the dataset takes the whole file and each prompt once."""
    seen: set[int] = set()
    for index in range(scaled(ROWS, scale, LEAST_ROWS)):
        row = unseen(partial(_instruction, seed, index), _prompt, seen)
        if uniform(seed, "alpaca", index, "odd") < ODD_SHARE:
            row["output"] += "\u00a0\u2605"
        row["output"] = lengthened(row["output"], added, seed, "alpaca", index, "output")
        yield row


def _prompt(row: dict[str, str]) -> str:
    return f"{row['instruction']}\n{row['input']}"


def _instruction(seed: int, index: int, attempt: int) -> dict[str, str]:
    key = (seed, "alpaca", index, attempt) if attempt else (seed, "alpaca", index)
    item = product(seed, "alpaca", index)
    form = pick(("explain", "translate", "sort", "review", "describe", "add"), *key, "form")
    if form == "explain":
        return _row(f"Explain what a {item.kind.name} is.", "", explanation_of(item.kind))
    if form == "translate":
        language = pick(LANGUAGES[1:], *key, "language")
        words = pick((*COLORS, *ADJECTIVES), *key, "word")
        return _row(f"Translate the word into {LANGUAGE_NAMES[language]}.", words[0], words[LANGUAGES.index(language)])
    if form == "sort":
        numbers = [hash64(*key, position) % 100 for position in range(4)]
        return _row("Sort the numbers in ascending order.", ", ".join(map(str, numbers)), ", ".join(map(str, sorted(numbers))))
    if form == "review":
        written = review_of(item, "", *key)
        tone = "positive" if written.rating > 3 else "negative" if written.rating < 3 else "neutral"
        return _row("Is the tone of this text positive, negative or neutral?", written.text, tone.capitalize() + ".")
    if form == "describe":
        return _row("Write a short product description.", item.title(), item.description())
    one, other = hash64(*key, "one") % 100, hash64(*key, "other") % 100
    return _row(f"Add {one} and {other}.", "", f"{one} + {other} = {one + other}")


def _row(instruction: str, text: str, output: str) -> dict[str, str]:
    return {"instruction": instruction, "input": text, "output": output}
