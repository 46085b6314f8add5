"""Print what this folder's SLURM jobs used of what they had asked for, rule by rule: CPUs, memory, time, GPU-hours, and failures.

    python workflow/scripts/show_usage.py [--tsv usage.tsv]

    CPUs       the most that one job had, and the share of their time that was computed
    memory     the most that one job used (its script and its largest step, MiB; SLURM samples, so short peaks are missed), and the share of
               what it had asked for
    time       the longest job, and the share of its limit

Reads the log files' names below logs/slurm and SLURM's accounting (`sacct`); --tsv also leaves a table of all jobs.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections import Counter
from pathlib import Path

from shopbench.files import BadInput, run_program, whole_text
from shopbench.job_usage import JobUsage, logged_jobs, usage_of
from shopbench.text_table import text_table

COLUMNS = ["rule or group", "jobs", "not completed", "CPUs", "used", "memory MiB", "of asked", "longest", "of limit", "GPUs", "GPU-hours"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(), help="where Snakemake was started")
    parser.add_argument("--logs", type=Path, default=Path("logs/slurm"), help="folder of SLURM's log files, below --folder")
    parser.add_argument("--tsv", type=Path, help="a table of all jobs to write")
    args = parser.parse_args()
    rules = logged_jobs(args.folder / args.logs)
    if not rules:
        raise BadInput(f"{args.folder / args.logs}: no log file of a SLURM job; nothing was run here with --profile slurm")
    jobs = usage_of(rules, args.folder)
    by_rule: dict[str, list[JobUsage]] = {}
    for job in jobs:
        by_rule.setdefault(job.rule, []).append(job)
    print(text_table(COLUMNS, [row_of(rule, by_rule[rule]) for rule in sorted(by_rule)]))
    print(f"{len(jobs)} jobs, {sum(job.wall for job in jobs) / 3600:.1f} hours, {gpu_hours(jobs):.1f} GPU-hours")
    if args.tsv:
        write_jobs(args.tsv, jobs)


def gpu_hours(jobs: list[JobUsage]) -> float:
    return sum(job.gpus * job.wall for job in jobs) / 3600


def row_of(rule: str, jobs: list[JobUsage]) -> list[str]:
    """The row of one rule's jobs."""
    failures = Counter(job.state for job in jobs if job.state != "COMPLETED")
    hungriest = max(jobs, key=lambda job: job.memory)
    longest = max(jobs, key=lambda job: job.wall)
    available = sum(job.cpus * job.wall for job in jobs)
    return [
        rule,
        str(len(jobs)),
        ", ".join(f"{count} {state}" for state, count in sorted(failures.items())),
        str(max(job.cpus for job in jobs)),
        percent(sum(job.cpu_time for job in jobs), available),
        f"{hungriest.memory:.0f}",
        percent(hungriest.memory, hungriest.memory_limit),
        f"{longest.wall / 60:.1f} min",
        percent(longest.wall, longest.wall_limit),
        str(max(job.gpus for job in jobs) or ""),
        f"{gpu_hours(jobs):.1f}" if any(job.gpus for job in jobs) else "",
    ]


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""


def write_jobs(path: Path, jobs: list[JobUsage]) -> None:
    names = [field.name for field in dataclasses.fields(JobUsage)]
    with whole_text(path) as stream:
        stream.write("\t".join(names) + "\n")
        for job in jobs:
            stream.write("\t".join(str(getattr(job, name)) for name in names) + "\n")


if __name__ == "__main__":
    run_program(main)
