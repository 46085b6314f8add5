"""config/datasets.tsv: what each of the 39 datasets is, apart from how its rows are made (that is its module's).

Read when Snakemake reads the workflow, so it needs the standard library alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shopbench.chat import TASK_TYPES
from shopbench.files import BadInput
from shopbench.tsv import read_rows

COLUMNS = ["dataset", "source", "task_type", "track", "size", "cluster", "metric", "llm", "module", "asks"]

# The words that a column may hold. `llm` says what a language model adds to the seed data in this project's build.
ALLOWED = {
    "source": {"amazon_m2", "amazon_reviews_2023", "ecinstruct", "alpaca_cleaned", "mmlu", "esci", "kdd_cup_2023"},
    "task_type": set(TASK_TYPES),
    "track": {"track1", "track2", "track3", "track4", "track5"},
    "cluster": {"existing", "new", "general"},
    "module": {"ready", "planned"},
}


def read_dataset_table(path: str | Path) -> dict[str, dict[str, Any]]:
    """Rows by dataset name, in file order; `size` is an int, all else str.

    Raises BadInput that names the file, the row (the header is row 1) and the column.
    """
    table: dict[str, dict[str, Any]] = {}
    for where, cells in read_rows(path, COLUMNS):
        row = _checked(cells, where)
        if row["dataset"] in table:
            raise BadInput(f"{where}, column dataset: '{row['dataset']}' stands there twice")
        table[row["dataset"]] = row
    return table


def _checked(cells: dict[str, str], where: str) -> dict[str, Any]:
    row: dict[str, Any] = dict(cells)
    for column, text in row.items():
        if not text.strip():
            raise BadInput(f"{where}, column {column}: empty")
        if text not in ALLOWED.get(column, {text}):
            raise BadInput(f"{where}, column {column}: '{text}' is none of {', '.join(sorted(ALLOWED[column]))}")
    if not row["dataset"].isidentifier() or not row["dataset"].islower():
        raise BadInput(f"{where}, column dataset: '{row['dataset']}' is not a snake_case name")
    if not row["size"].isdecimal() or int(row["size"]) < 1:
        raise BadInput(f"{where}, column size: '{row['size']}' is not a positive whole number")
    return row | {"size": int(row["size"])}
