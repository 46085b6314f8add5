"""A table of datasets of some clusters: what each one asks, how many rows the paper has and how many were built here.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/dataset_table.py --run '{"name": "demo", "simulated": true}' \\
      --datasets results/demo/datasets/*.parquet --register config/datasets.tsv --clusters existing general \\
      --table dataset_table.tsv

Reads the counts in the Parquet files' metadata and config/datasets.tsv. Leaves a table with a row per line of the register whose cluster
is asked for, columns number (of all lines), dataset, source, asks, task_type, track, cluster, llm, published_rows, wanted_rows, rows,
train, validation, shortfall, skipped (candidates that could not be asked), and a last row of sums. A dataset that was not built has empty
cells.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from shopbench.dataset_table import read_dataset_table
from shopbench.files import run_program
from shopbench.report_data import figure_arguments, label, write_table
from shopbench.tables import facts_of

COLUMNS = [
    "number",
    "dataset",
    "source",
    "asks",
    "task_type",
    "track",
    "cluster",
    "llm",
    "published_rows",
    "wanted_rows",
    "rows",
    "train",
    "validation",
    "shortfall",
    "skipped",
]
SUMMED = ["published_rows", "wanted_rows", "rows", "train", "validation", "shortfall", "skipped"]


def table_rows(register: dict[str, dict[str, Any]], built: dict[str, dict[str, Any]], clusters: list[str]) -> list[dict[str, Any]]:
    """A row per dataset of the register in these clusters, then the sums. `built` has the facts of the built datasets' files."""
    rows = []
    for number, (name, entry) in enumerate(register.items(), start=1):
        if entry["cluster"] not in clusters:
            continue
        facts = built.get(name)
        counts: dict[str, Any] = dict.fromkeys(["wanted_rows", "rows", "train", "validation", "shortfall", "skipped"])
        if facts:
            held_out = facts["validation_rows"]
            counts = {
                "wanted_rows": facts["wanted"],
                "rows": facts["rows"],
                "train": facts["rows"] - held_out,
                "validation": held_out,
                "shortfall": facts["shortfall"],
                "skipped": sum(facts["skipped"].values()),
            }
        words = {key: entry[key] for key in ("asks", "task_type", "track", "cluster", "llm")}
        rows.append(
            {"number": number, "dataset": name, "source": label(entry["source"]), **words, "published_rows": entry["size"], **counts}
        )
    sums = {column: sum(row[column] or 0 for row in rows) for column in SUMMED}
    return [*rows, {**dict.fromkeys(COLUMNS), "dataset": f"{sum(row['rows'] is not None for row in rows)} of {len(rows)} datasets", **sums}]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", required=True, help="the built datasets (Parquet, named by dataset)")
    parser.add_argument("--register", required=True, help="config/datasets.tsv")
    parser.add_argument("--clusters", nargs="+", required=True, choices=["existing", "general", "new"], help="clusters to list")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    built = {Path(path).stem: facts_of(path) for path in args.datasets}
    write_table(args.table, COLUMNS, table_rows(read_dataset_table(args.register), built, args.clusters))


if __name__ == "__main__":
    run_program(main)
