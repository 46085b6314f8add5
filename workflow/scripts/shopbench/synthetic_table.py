"""config/synthetic.tsv: the sets that a language model writes, one line each; config/datasets.tsv says which datasets use them.

Read when Snakemake reads the workflow, so it needs the standard library alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shopbench.files import BadInput
from shopbench.tsv import read_rows

COLUMNS = ["set", "use", "sources", "requests", "asks"]
USES = ("build", "enrich", "reword")
# In `llm` of config/datasets.tsv and in `sources`: none.
NONE = "no"


def read_synthetic_table(path: str | Path) -> dict[str, dict[str, Any]]:
    """Rows by set, in file order; `sources` is a list of sources, `requests` an int (0: as many as the datasets have wordings for).

    Raises BadInput that names the file, the row (the header is row 1) and the column.
    """
    table: dict[str, dict[str, Any]] = {}
    for where, cells in read_rows(path, COLUMNS):
        if cells["use"] not in USES:
            raise BadInput(f"{where}, column use: '{cells['use']}' is none of {', '.join(USES)}")
        if not cells["requests"].isdecimal():
            raise BadInput(f"{where}, column requests: '{cells['requests']}' is no whole number")
        if not cells["set"].isidentifier() or cells["set"] in table:
            raise BadInput(f"{where}, column set: '{cells['set']}' is no new snake_case name")
        table[cells["set"]] = {**cells, "sources": listed(cells["sources"]), "requests": int(cells["requests"])}
    return table


def listed(cell: str) -> list[str]:
    """The names in a cell, between commas; [] for "no"."""
    return [] if cell == NONE else [name.strip() for name in cell.split(",")]


def sets_of(
    datasets: Mapping[str, Mapping[str, Any]], table: Mapping[str, Mapping[str, Any]], only: Sequence[str] | None = None
) -> dict[str, list[str]]:
    """The synthetic sets that each dataset uses, of those in `only` (None: of all). Raises BadInput for one that `table` does not have."""
    used = {}
    for name in only or ():
        if name not in table:
            raise BadInput(f"config: language_model.sets: '{name}' is no set of config/synthetic.tsv ({', '.join(table)})")
    for name, row in datasets.items():
        used[name] = listed(row["llm"])
        for wanted in used[name]:
            if wanted not in table:
                where = f"config/datasets.tsv, dataset {name}, column llm"
                raise BadInput(f"{where}: '{wanted}' is no set of config/synthetic.tsv ({', '.join(table)}, or no)")
    return used if only is None else {name: [wanted for wanted in sets if wanted in only] for name, sets in used.items()}
