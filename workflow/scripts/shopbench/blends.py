"""Which datasets a blend takes, and how many rows of each: the `blends` part of the config, looked up in the table of datasets.

Used when Snakemake reads the workflow, so it needs the standard library alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from shopbench.files import BadInput

SELECTORS = ("cluster", "source", "dataset")


def selections(
    blends: Mapping[str, Mapping[str, Any]],
    datasets: Mapping[str, Mapping[str, Any]],
    table: Mapping[str, Mapping[str, Any]],
    scale: float,
) -> dict[str, dict[str, int | None]]:
    """`select` for every blend of the config, caps multiplied by `scale` as the datasets' sizes are; a BadInput names the blend."""
    selected = {}
    for name, blend in blends.items():
        try:
            caps = select(blend, datasets, table)
        except BadInput as error:
            raise BadInput(f"config: blends.{name} {error}") from None
        selected[name] = {dataset: cap and max(1, round(cap * scale)) for dataset, cap in caps.items()}
    return selected


def select(
    blend: Mapping[str, Any],
    datasets: Mapping[str, Mapping[str, Any]],
    table: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, int | None]:
    """Most train rows to take of each dataset (None: all of them), in the order of `datasets`.

    `blend` is one entry of the config's `blends`: `take`, lines of one selector (cluster, source or dataset) with
    optional `rows`, and `without`, names of datasets to leave out. A dataset that several lines name gets the largest
    of their caps. `datasets` are the rows that this run builds, by name; `table` all rows there are (by default the
    same), so that a name which this run merely leaves out is no mistake.

    Raises BadInput for a name that `table` does not have, and for a blend that takes nothing.
    """
    table = table or datasets
    without = set(blend.get("without") or [])
    for name in without:
        _look_up(name, "dataset", table)
    caps: dict[str, int | None] = {}
    for line in blend["take"]:
        selector = _selector(line)
        _look_up(line[selector], selector, table)
        for name, row in datasets.items():
            if row[selector] == line[selector] and name not in without:
                caps[name] = _larger(caps[name], line.get("rows")) if name in caps else line.get("rows")
    if not caps:
        raise BadInput("takes no dataset that this run builds; mend its `take` and `without`, or datasets.exclude")
    return {name: caps[name] for name in datasets if name in caps}


def _selector(line: Mapping[str, Any]) -> str:
    given = [key for key in SELECTORS if key in line]
    if len(given) != 1:
        raise BadInput(f"has the take line {dict(line)}; a line needs exactly one of {', '.join(SELECTORS)}")
    return given[0]


def _look_up(name: str, selector: str, table: Mapping[str, Mapping[str, Any]]) -> None:
    known = sorted({str(row[selector]) for row in table.values()})
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        raise BadInput(f"names the {selector} '{name}', which config/datasets.tsv does not have; did you mean '{close[0]}'?")


def _larger(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else max(a, b)
