"""From candidates to the rows of a dataset: which are asked, on which side of the split they fall, and that each is sound."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from shopbench.dataset.question import Draw, Question, Skip
from shopbench.files import BadInput
from shopbench.hash_columns import hash_columns
from shopbench.hashing import hash64, uniform
from shopbench.language_model.kept import kept_answers, rewordings
from shopbench.parsers import parse
from shopbench.tables import scan_table, table_name

_json = json.JSONEncoder(ensure_ascii=False).encode
COLUMNS = ["id", "dataset", "task_type", "track", "locale", "prompt", "completion", "group", "split", "source"]
PIECE_ROWS = 1_000
# The synthetic set of instructions said anew.
WORDINGS = "wordings"
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
    """The tables that a module may read, how many rows it shall make, the split (for what puts several groups into one question), and the
    synthetic sets of a language model that the dataset uses (none in a run without one)."""

    def __init__(
        self, tables: Sequence[str | Path], dataset: str, size: int, validation_share: float, synthetic: Sequence[str | Path] = ()
    ) -> None:
        # A table may come in parts: reviews.All_Beauty.parquet, reviews.Gift_Cards.parquet.
        self._paths: dict[str, list[Path]] = {}
        for path in sorted(map(Path, tables)):
            self._paths.setdefault(table_name(path), []).append(path)
        self._synthetic = {Path(path).stem: path for path in synthetic}
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

    def made(self, synthetic_set: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """What a language model wrote about seeds of this set, by their keys' values; {} where the run has no such set.

        There are no seeds of held-out groups, so no held-out row is made with a language model.
        """
        return kept_answers(self._synthetic[synthetic_set]) if synthetic_set in self._synthetic else {}

    def rewordings(self) -> dict[str, list[str]]:
        """What a language model made of the dataset's wordings, by wording."""
        return rewordings(self._synthetic[WORDINGS], self.dataset) if WORDINGS in self._synthetic else {}

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


@dataclass(frozen=True)
class Asked:
    """A candidate that was asked about: its row and keys, its group and side of the split, and what a language model did for it."""

    row: dict[str, Any]
    keys: dict[str, Any]
    group: str
    split: str
    question: Question
    uses: list[str]


def asked_in_order(
    candidates: Candidates,
    name: str,
    seed: int,
    validation_share: float,
    skipped: Counter[str],
    rewordings: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Asked]:
    """The questions of dataset `name` in the order in which it takes them; counts in `skipped`, by reason, the rows that cannot be
    asked."""
    source, kind, column = candidates.group
    for row in _in_hash_order(candidates, name, seed):
        keys = {key: row[key] for key in candidates.key}
        group = group_name(source, kind, row[column])
        split = split_of(group, validation_share)
        draw = Draw(seed, name, *keys.values(), rewordings=rewordings if split == "train" else None)
        try:
            question = candidates.ask(row, draw)
        except Skip as reason:
            skipped[str(reason)] += 1
            continue
        if draw.uses and split != "train":
            raise ValueError(f"dataset {name}, {keys}: a held-out row is made with a language model ({', '.join(sorted(draw.uses))})")
        yield Asked(row, keys, group, split, question, sorted(draw.uses))


def sample(
    candidates: Candidates,
    dataset: dict[str, Any],
    size: int,
    seed: int,
    validation_share: float,
    rewordings: Mapping[str, Sequence[str]] | None = None,
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The `size` candidates with the lowest hashes that can be asked, sorted by id, with COLUMNS (all str); and the facts of the file.

    `dataset` is the dataset's row of config/datasets.tsv. Too few candidates give a smaller dataset, said in the facts; no candidate at
    all is a BadInput.
    """
    name = dataset["dataset"]
    skipped: Counter[str] = Counter()
    rows: dict[str, tuple[str, ...]] = {}
    prompts: set[str] = set()
    helped: Counter[str] = Counter()
    for asked in asked_in_order(candidates, name, seed, validation_share, skipped, rewordings):
        question = asked.question
        check_question(question, dataset, asked.keys)
        if question.prompt in prompts:
            skipped["same prompt as another row"] += 1
            continue
        prompts.add(question.prompt)
        identity = f"{hash64('row', name, *asked.keys.values()):016x}"
        made_with = {"llm": asked.uses} if asked.uses else {}
        rows[identity] = (
            identity,
            name,
            question.task_type,
            dataset["track"],
            asked.row["locale"],
            question.prompt,
            question.completion,
            asked.group,
            asked.split,
            _json({"keys": asked.keys, "truth": question.truth} | made_with),
        )
        helped.update(asked.uses)
        helped["rows"] += bool(asked.uses)
        if len(rows) == size:
            break
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
        "llm": {key: helped[key] for key in ("rows", "build", "enrich", "reword")},
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
