"""What was read from the raw files: rows read, kept, broken (by reason) and not needed, for each table made from them.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/raw_table.py --run '{"name": "demo", "simulated": true}' \\
      --tables results/demo/tables/*.parquet --table raw_table.tsv

Reads the facts in the Parquet files' metadata. Leaves a table with columns table, files, rows_read, rows_kept, broken, broken_because,
not_needed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from shopbench.files import run_program
from shopbench.report_data import figure_arguments, write_table
from shopbench.tables import facts_of

COLUMNS = ["table", "files", "rows_read", "rows_kept", "broken", "broken_because", "not_needed"]


def table_row(path: str) -> dict[str, Any]:
    """One table's counts."""
    facts = facts_of(path)
    broken = facts["broken"]
    return {
        "table": Path(path).stem,
        "files": len(facts["files"]),
        "rows_read": facts["rows_read"],
        "rows_kept": facts["rows_kept"],
        "broken": sum(broken.values()),
        "broken_because": "; ".join(f"{reason}: {count}" for reason, count in broken.items()),
        "not_needed": sum(facts["skipped"].values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", required=True, help="tables made from the raw files (Parquet)")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    write_table(args.table, COLUMNS, [table_row(path) for path in args.tables])


if __name__ == "__main__":
    run_program(main)
