"""MMLU: four-option questions, small enough for a tiny model to learn from.

Schema: the hub's cais/mmlu, config `all`, as Parquet: question, subject, choices, answer (0-3).
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shopbench.hashing import hash64, pick, shuffled
from shopbench.world import product, scaled
from shopbench.world_words import DEPARTMENT_TITLES, LANGUAGE_NAMES, LANGUAGES, MATERIALS_BY_DEPARTMENT, TYPES

# Questions of the real splits, and the fewest that are written.
SPLITS = {"test": (14_042, 300), "validation": (1_531, 60), "dev": (285, 57), "auxiliary_train": (99_842, 600)}
FILES = {f"all/{split}-00000-of-00001.parquet": split for split in SPLITS}
SCHEMA = pa.schema([("question", pa.string()), ("subject", pa.string()), ("choices", pa.list_(pa.string())), ("answer", pa.int64())])
BATCH_ROWS = 20_000
MATERIALS = tuple(dict.fromkeys(words for group in MATERIALS_BY_DEPARTMENT.values() for words in group))


def write(file: str, scale: float, seed: int, path: Path) -> None:
    split = FILES[file]
    rows = scaled(SPLITS[split][0], scale, SPLITS[split][1])
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for start in range(0, rows, BATCH_ROWS):
            batch = [_question(seed, split, index) for index in range(start, min(start + BATCH_ROWS, rows))]
            writer.write_table(pa.Table.from_pylist(batch, schema=SCHEMA))


def _question(seed: int, split: str, index: int) -> dict:
    key = (seed, "mmlu", split, index)
    subject = pick(("elementary_mathematics", "marketing", "miscellaneous", "global_facts"), *key, "subject")
    if subject == "elementary_mathematics":
        one, other = hash64(*key, "one") % 1000, hash64(*key, "other") % 1000
        question, right = f"What is the value of {one} + {other}?", str(one + other)
        wrong = [str(one + other + step) for step in (1, 2, 10)]
    elif subject == "marketing":
        item = product(seed, "mmlu", hash64(*key, "product") % 20_000)
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
    choices = shuffled([right, *wrong], *key, "choices")
    # The auxiliary questions name no subject.
    named = "" if split == "auxiliary_train" else subject
    return {"question": question, "subject": named, "choices": choices, "answer": choices.index(right)}
