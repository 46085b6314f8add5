"""From candidates to the rows of a dataset: which are asked, on which side of the split they fall, and that each is sound."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from shopbench.dataset.question import Draw, Question, Skip
from shopbench.files import BadInput
from shopbench.hash_columns import hash_columns
from shopbench.hashing import hash64, uniform
from shopbench.parsers import parse
from shopbench.tables import scan_table, table_name

_json = json.JSONEncoder(ensure_ascii=False).encode
COLUMNS = ["id", "dataset", "task_type", "track", "locale", "prompt", "completion", "group", "split", "source"]
PIECE_ROWS = 1_000
# Values of `Inputs.some` below which a small dataset would run short of hard negatives.
LEAST_SAMPLE = 500


@dataclass(frozen=True)
class Candidates:
    """What a dataset module hands over.

    frame: a row per possible question, with a column "locale".
    key: columns that name a row; together they are unique, and they go into the dataset's `source`.
    group: (source, kind, column): rows of one group are all trained on or all held out, in every dataset that names the same group.
    ask: makes the question of one row, or raises Skip.
    balance: a column whose values are sampled equally often, as far as they go.
    """

    frame: pl.DataFrame
    key: Sequence[str]
    group: tuple[str, str, str]
    ask: Callable[[dict[str, Any], Draw], Question]
    balance: str | None = None


class Inputs:
    """The tables that a module may read, how many rows it shall make, and the split (for what puts several groups into one question)."""

    def __init__(self, tables: Sequence[str | Path], dataset: str, size: int, validation_share: float) -> None:
        # A table may come in parts: reviews.All_Beauty.parquet, reviews.Gift_Cards.parquet.
        self._paths: dict[str, list[Path]] = {}
        for path in sorted(map(Path, tables)):
            self._paths.setdefault(table_name(path), []).append(path)
        self.dataset = dataset
        self.size = size
        self.validation_share = validation_share

    def table(self, name: str, *columns: str, **only: str) -> pl.DataFrame:
        """The named columns of a table; of the rows that have these values in other columns, if any are given."""
        if name not in self._paths:
            raise BadInput(f"table '{name}' is not among the inputs ({', '.join(sorted(self._paths))})")
        wanted = [pl.col(column) == value for column, value in only.items()]
        parts = (scan_table(path, [*columns, *only]).filter(*wanted).select(columns) for path in self._paths[name])
        return pl.concat([part.collect() for part in parts])

    def some(self, frame: pl.DataFrame, column: str, per_row: float) -> pl.DataFrame:
        """The frame's rows of a sample of the values in a column: `per_row` of them for each row that the dataset shall have.

        A pool is as large as the largest of its datasets needs: this spares the others from looking at all of it.
        """
        places = hash_columns([frame[column]], "some", self.dataset)
        ordered = np.sort(places)
        different = ordered[np.diff(ordered, prepend=~ordered[:1]) != 0]
        count = max(LEAST_SAMPLE, math.ceil(per_row * self.size))
        # Lists, here and below: polars loads numpy's masked arrays to read an array, which takes longer.
        return frame.filter(pl.Series((places <= different[count - 1]).tolist())) if len(different) > count else frame

    def side(self, source: str, kind: str, key: object) -> str:
        """The side of the split, "train" or "validation", of a group."""
        return split_of(group_name(source, kind, key), self.validation_share)


def group_name(source: str, kind: str, key: object) -> str:
    return f"{source}:{kind}:{key}"


def split_of(group: str, validation_share: float) -> str:
    """The side of a group: "validation" for this share of all groups. It depends on the group's name, not on dataset, seed or size."""
    return "validation" if uniform("split", group) < validation_share else "train"


def sample(
    candidates: Candidates, dataset: dict[str, Any], size: int, seed: int, validation_share: float
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The `size` candidates with the lowest hashes that can be asked, sorted by id, with COLUMNS (all str); and the facts of the file.

    `dataset` is the dataset's row of config/datasets.tsv. Too few candidates give a smaller dataset, said in the facts; no candidate at
    all is a BadInput.
    """
    name = dataset["dataset"]
    source, kind, column = candidates.group
    skipped: Counter[str] = Counter()
    rows: dict[str, tuple[str, ...]] = {}
    prompts: set[str] = set()
    for source_row in _in_hash_order(candidates, name, seed):
        if len(rows) == size:
            break
        keys = {key: source_row[key] for key in candidates.key}
        try:
            question = candidates.ask(source_row, Draw(seed, name, *keys.values()))
        except Skip as reason:
            skipped[str(reason)] += 1
            continue
        check_question(question, dataset, keys)
        if question.prompt in prompts:
            skipped["same prompt as another row"] += 1
            continue
        prompts.add(question.prompt)
        identity = f"{hash64('row', name, *keys.values()):016x}"
        group = group_name(source, kind, source_row[column])
        kept_keys = _json({"keys": keys, "truth": question.truth})
        rows[identity] = (
            identity,
            name,
            question.task_type,
            dataset["track"],
            source_row["locale"],
            question.prompt,
            question.completion,
            group,
            split_of(group, validation_share),
            kept_keys,
        )
    if not rows:
        raise BadInput(
            f"dataset {name}: none of {candidates.frame.height} candidates can be asked ({dict(skipped)}); enlarge sources.pools"
        )
    columns = zip(*(rows[identity] for identity in sorted(rows)), strict=True)
    table = pl.DataFrame([pl.Series(name, values, dtype=pl.String) for name, values in zip(COLUMNS, columns, strict=True)])
    facts = {
        "rows": table.height,
        "wanted": size,
        "shortfall": size - table.height,
        "candidates": candidates.frame.height,
        "skipped": dict(sorted(skipped.items())),
        "validation_rows": int((table["split"] == "validation").sum()),
    }
    return table, facts


def check_question(question: Question, dataset: dict[str, Any], keys: dict[str, Any]) -> None:
    """Raise BadInput unless the question is of the dataset's type and the challenge's parser reads its completion as its truth."""
    where = f"dataset {dataset['dataset']}, {keys}"
    if question.task_type != dataset["task_type"]:
        raise BadInput(f"{where}: the module asks {question.task_type}, config/datasets.tsv says {dataset['task_type']}")
    if not question.prompt.strip():
        raise BadInput(f"{where}: the prompt is empty")
    parsed = parse(question.completion, question.task_type)
    expected = _best_order(question.truth) if question.task_type == "ranking" else question.truth
    # The parsers cut a text at 5,000 characters, which is no fault of a long one.
    if parsed != expected and not (question.task_type == "generation" and str(expected).startswith(str(parsed))):
        raise BadInput(f"{where}: the completion {question.completion[:60]!r} is read as {parsed!r}, not as {expected!r}")


def _best_order(relevance: Any) -> list[int]:
    """Places (from 1) by falling relevance, equals in order."""
    return sorted(range(1, len(relevance) + 1), key=lambda place: -relevance[place - 1])


def _in_hash_order(candidates: Candidates, name: str, seed: int) -> Iterator[dict[str, Any]]:
    """The rows by the hash of their keys; with `balance`, the first of every stratum come before the second of any."""
    frame, key = candidates.frame, list(candidates.key)
    hashes = hash_columns([frame[column] for column in key], seed, name, "sample")
    order = np.argsort(hashes, kind="stable")
    # Different hashes are of different keys, and quicker to compare.
    if (np.diff(hashes[order]) == 0).any() and frame.select(key).is_duplicated().any():
        raise ValueError(f"dataset {name}: the columns {', '.join(key)} do not name a candidate uniquely")
    places = order.tolist()
    if candidates.balance:
        turns = frame.select(candidates.balance)[places].select(pl.int_range(pl.len()).over(candidates.balance))
        places = order[np.argsort(turns.to_series().to_numpy(), kind="stable")].tolist()
    for start in range(0, frame.height, PIECE_ROWS):
        yield from frame[places[start : start + PIECE_ROWS]].iter_rows(named=True)
