"""What the run took: jobs, hours, GPU-hours, memory, failures and retries, rule by rule.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/run_summary.py --run '{"name": "demo", "simulated": true}' \\
      --benchmarks logs/demo/benchmarks --logs logs/demo --table run_summary.tsv

Reads Snakemake's benchmark files and its own logs in .snakemake/log, as they are when it runs. Leaves a table with columns rule, jobs,
hours, cpu_hours, gpus (of one job), gpu_hours, longest_minutes, memory_mib (the largest job's), failures (attempts, whatever came of the
job later), retries, and a last row of sums. Rules without a benchmark (the report's own) take seconds and are listed only if they failed.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from shopbench.files import run_program
from shopbench.report_data import figure_arguments, write_table
from shopbench.run_record import RuleRecord, run_record

COLUMNS = ["rule", "jobs", "hours", "cpu_hours", "gpus", "gpu_hours", "longest_minutes", "memory_mib", "failures", "retries"]
DIGITS = {"hours": 3, "cpu_hours": 3, "gpu_hours": 3, "longest_minutes": 1, "memory_mib": 0}
SUMMED = ["jobs", "hours", "cpu_hours", "gpu_hours", "failures", "retries"]


def table_rows(records: dict[str, RuleRecord]) -> list[dict[str, Any]]:
    """A row per rule, then the sums and, of what does not add up, the largest."""
    rows = [{"rule": rule, **dataclasses.asdict(record)} for rule, record in records.items()]
    sums = {column: sum(row[column] for row in rows) for column in SUMMED}
    largest = {column: max((row[column] for row in rows), default=0) for column in ("gpus", "longest_minutes", "memory_mib")}
    return [
        {**row, **{key: f"{row[key]:.{digits}f}" for key, digits in DIGITS.items()}} for row in [*rows, {"rule": "all", **sums, **largest}]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmarks", required=True, type=Path, help="folder of the run's benchmark files")
    parser.add_argument("--logs", required=True, help="folder of the run's logs, as its jobs name it")
    parser.add_argument("--snakemake", type=Path, default=Path(".snakemake/log"), help="folder of Snakemake's own logs")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    write_table(args.table, COLUMNS, table_rows(run_record(args.benchmarks, args.snakemake, args.logs)))


if __name__ == "__main__":
    run_program(main)
