"""What the modules of synthetic sets draw seeds from: the run's tables, the datasets' own questions, their wordings.

No seed is of a held-out group: evaluation never meets a row that a language model helped to make.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import polars as pl

from shopbench.dataset.sampling import Asked, Inputs, asked_in_order
from shopbench.hash_columns import hash_columns
from shopbench.hashing import hash64


@dataclass(frozen=True)
class Seed:
    """What one request is about: `keys` name it, `fields` go into the prompt, `facts` are for the validator and the datasets alone."""

    keys: dict[str, Any]
    fields: dict[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)

    def line(self, synthetic_set: str) -> dict[str, Any]:
        """The seed as its file has it."""
        identity = f"{hash64('seed', synthetic_set, *self.keys.values()):016x}"
        return {"id": identity, "keys": self.keys, "fields": self.fields, "facts": self.facts}


@dataclass(frozen=True)
class SeedSource:
    """Where a module's `seeds` finds its seeds.

    name is the set's; count how many are wanted; rewordings how many for each wording; rows what the set needs of config/datasets.tsv
    (size to build, task_type and asks to re-word), and modules the modules, by the datasets that use it; tables the files of its sources;
    scale that of the datasets.
    """

    name: str
    count: int
    rewordings: int
    rows: Mapping[str, dict[str, Any]]
    modules: Mapping[str, ModuleType]
    tables: Sequence[str]
    scale: float
    seed: int
    validation_share: float

    @property
    def inputs(self) -> Inputs:
        """The set's tables, and the split."""
        return Inputs(self.tables, self.name, self.count, self.validation_share)

    def asked(self, dataset: str) -> Iterator[Asked]:
        """The questions on the train side that a dataset asks by rules, in the order in which it takes them."""
        size = max(1, round(self.rows[dataset]["size"] * self.scale))
        candidates = self.modules[dataset].build(Inputs(self.tables, dataset, size, self.validation_share))
        questions = asked_in_order(candidates, dataset, self.seed, self.validation_share, Counter())
        return (asked for asked in questions if asked.split == "train")

    def train_rows(self, frame: pl.DataFrame, key: Sequence[str], group: tuple[str | None, str, str]) -> Iterator[dict[str, Any]]:
        """The rows whose group is on the train side, by the hash of their keys. The group is (source or None, kind, column); with None, the
        source is the row's own."""
        source, kind, column = group
        inputs = self.inputs
        order = pl.Series("order", hash_columns([frame[name] for name in key], self.seed, self.name), dtype=pl.UInt64)
        for row in frame.with_columns(order).sort("order").drop("order").iter_rows(named=True):
            if inputs.side(source or row["source"], kind, row[column]) == "train":
                yield row

    def wordings(self) -> Iterator[tuple[str, str]]:
        """(dataset, wording) of every wording of the set's datasets: the lists of their modules whose names end in WORDINGS."""
        for dataset, module in self.modules.items():
            for name in sorted(vars(module)):
                if name.endswith("WORDINGS"):
                    yield from ((dataset, wording) for wording in dict.fromkeys(getattr(module, name)))
