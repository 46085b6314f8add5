"""MMLU: four-option questions, small enough for a tiny model to learn from.

Schema: the hub's cais/mmlu, config `all`, as Parquet: question, subject, choices, answer (0-3).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shopbench.hashing import hash64, pick, shuffled
from shopbench.simulators import counted, unseen
from shopbench.world import product, scaled
from shopbench.world_words import DEPARTMENT_TITLES, LANGUAGE_NAMES, LANGUAGES, MATERIALS_BY_DEPARTMENT, TYPES

# Questions of the real splits, and the fewest that are written.
SPLITS = {"test": (14_042, 300), "validation": (1_531, 60), "dev": (285, 57), "auxiliary_train": (99_842, 600)}
FILES = {f"all/{split}-00000-of-00001.parquet": split for split in SPLITS}
SCHEMA = pa.schema([("question", pa.string()), ("subject", pa.string()), ("choices", pa.list_(pa.string())), ("answer", pa.int64())])
BATCH_ROWS = 20_000
# Products asked about, and the ones that are named to make a question another one: these have model numbers, which no two titles share.
PRODUCTS, NAMED_PRODUCTS = 20_000, 1_000_000
MATERIALS = tuple(dict.fromkeys(words for group in MATERIALS_BY_DEPARTMENT.values() for words in group))


def write(file: str, scale: float, seed: int, path: Path, real_text: bool = False) -> None:
    remaining = counted(_questions(FILES[file], scale, seed))
    with pq.ParquetWriter(path, SCHEMA) as writer:
        while batch := list(islice(remaining, BATCH_ROWS)):
            writer.write_table(pa.Table.from_pylist(batch, schema=SCHEMA))


def _questions(wanted: str, scale: float, seed: int) -> Iterator[dict]:
    """Questions of one split. No question stands twice in any of them, so the splits before it are made as well."""
    seen: set[int] = set()
    for split, (real, least) in SPLITS.items():
        for index in range(scaled(real, scale, least)):
            row = unseen(partial(_question, seed, split, index), lambda row: row["question"], seen)
            if split == wanted:
                yield row
        if split == wanted:
            return


def _question(seed: int, split: str, index: int, attempt: int) -> dict:
    key = (seed, "mmlu", split, index, attempt) if attempt else (seed, "mmlu", split, index)
    subject = pick(("elementary_mathematics", "marketing", "miscellaneous", "global_facts"), *key, "subject")
    if subject == "elementary_mathematics":
        one, other = hash64(*key, "one") % 1000, hash64(*key, "other") % 1000
        question, right = f"What is the value of {one} + {other}?", str(one + other)
        wrong = [str(one + other + step) for step in (1, 2, 10)]
    elif subject == "marketing":
        item = product(seed, "mmlu", hash64(*key, "product") % PRODUCTS)
        question, right = f"In which department does a shop sell '{item.title()}'?", DEPARTMENT_TITLES[item.kind.department]
        wrong = shuffled([title for title in DEPARTMENT_TITLES.values() if title != right], *key, "wrong")[:3]
    elif subject == "miscellaneous":
        kind = pick(TYPES, *key, "type")
        question, right = f"Which of these is {kind.explanation}?", kind.name
        wrong = [other.name for other in shuffled([other for other in TYPES if other is not kind], *key, "wrong")[:3]]
    else:
        words, language = pick(MATERIALS, *key, "material"), pick(LANGUAGES[1:], *key, "language")
        question, right = f"What is the material called {words[0]} in {LANGUAGE_NAMES[language]}?", words[LANGUAGES.index(language)]
        others = {other[LANGUAGES.index(language)] for other in MATERIALS} - {right}
        wrong = shuffled(sorted(others), *key, "wrong")[:3]
    if attempt and subject != "elementary_mathematics":
        shown = product(seed, "mmlu", PRODUCTS + hash64(*key, "shown") % NAMED_PRODUCTS)
        question = f"A shop sells '{shown.title()}'. {question}"
    choices = shuffled([right, *wrong], *key, "choices")
    # The auxiliary questions name no subject.
    named = "" if split == "auxiliary_train" else subject
    return {"question": question, "subject": named, "choices": choices, "answer": choices.index(right)}
