"""Print this folder's jobs in SLURM's queue: which rule each is for, where it runs, how long, on which GPUs, and where its log is.

    python workflow/scripts/show_jobs.py

Waiting and running jobs, and those that failed in the last minutes (as long as SLURM's controller remembers them), from `squeue` alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from shopbench.files import run_program
from shopbench.slurm import QueuedJob, queue
from shopbench.text_table import text_table

COLUMNS = ["job", "rule", "wildcards", "state", "elapsed", "limit", "partition", "node", "GPUs", "log"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(), help="where Snakemake was started")
    parser.add_argument("--logs", type=Path, default=Path("logs/slurm"), help="folder of SLURM's log files, below --folder")
    args = parser.parse_args()
    jobs = [job for job in queue(args.folder) if job.state != "COMPLETED"]
    if not jobs:
        print("no jobs of this folder wait or run, and none has failed in the last minutes")
        return
    print(text_table(COLUMNS, [row_of(job, args.folder / args.logs) for job in jobs]))


def row_of(job: QueuedJob, logs: Path) -> list[str]:
    log = next((str(path) for path in logs.rglob(f"{job.job}.log")), "")
    return [job.job, job.rule, job.wildcards, job.state, job.elapsed, job.limit, job.partition, job.node, job.gpus, log]


if __name__ == "__main__":
    run_program(main)
