"""What the baselines share: the settings, the pool that decides the rows, and our own questions, so that their output is ours exactly."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow/scripts"))

from shopbench.dataset.sampling import LEAST_SAMPLE, Candidates, Inputs, sample
from shopbench.dataset_table import read_dataset_table
from shopbench.hash_columns import hash_columns
from shopbench.modules import load_module
from shopbench.tables import write_table

ROOT = Path(__file__).resolve().parents[2]


class Empty(Inputs):
    """Tables without rows: a module's way of asking does not depend on them in the datasets that are compared."""

    def table(self, name: str, *columns: str, **only: str) -> pl.DataFrame:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))


def below(values: Sequence[Any], limit: Callable[[np.ndarray], Any], *keys: object) -> np.ndarray:
    """Which values have hashes up to a limit that follows from all hashes."""
    places = hash_columns([pl.Series(values)], *keys)
    return places <= limit(places)


def pooled(values: Sequence[Any], source: str, size: int) -> np.ndarray:
    """Mask of the rows in the pool (shopbench/pool.py)."""

    def limit(places: np.ndarray) -> Any:
        groups, counts = np.unique(places, return_counts=True)
        return groups[min(int(np.searchsorted(np.cumsum(counts), size)), len(groups) - 1)]

    return below(values, limit, "pool", source)


def some(values: Sequence[Any], dataset: str, size: int, per_row: float) -> np.ndarray:
    """Mask of the rows that `Inputs.some` keeps."""

    def limit(places: np.ndarray) -> Any:
        groups = np.unique(places)
        return groups[min(max(LEAST_SAMPLE, math.ceil(per_row * size)), len(groups)) - 1]

    return below(values, limit, "some", dataset)


def finish(dataset: str, frame: pl.DataFrame, settings: dict[str, Any], output: str) -> None:
    """Ask about the candidates as our module does, and write the dataset."""
    row = read_dataset_table(ROOT / "config/datasets.tsv")[dataset]
    candidates: Candidates = load_module(ROOT / f"workflow/scripts/datasets/{dataset}.py").build(Empty([], dataset, settings["size"], 0.0))
    asked = Candidates(frame, candidates.key, candidates.group, candidates.ask, candidates.balance)
    table, facts = sample(asked, row, settings["size"], settings["seed"], settings["validation_share"])
    write_table(output, table, facts)


def run(frames: dict[str, Callable[[Path, dict[str, Any]], pl.DataFrame]]) -> None:
    """The command line of a baseline: `frames` makes each dataset's candidates from the raw files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", required=True, choices=frames)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--settings", type=json.loads, required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    finish(arguments.dataset, frames[arguments.dataset](arguments.raw, arguments.settings), arguments.settings, arguments.output)
