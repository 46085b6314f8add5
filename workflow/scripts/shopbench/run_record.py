"""What a run's jobs cost and how often they failed, from the files that Snakemake keeps: benchmarks and its own log files.

A benchmark file has the time and memory of the attempt that succeeded. Which GPUs a job asked for, which attempts failed and which were
tried again stand in Snakemake's logs (.snakemake/log), the same under every executor.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# What counts in Snakemake's log: a job's lines, a failed job's, those of a failed group of jobs (which of them failed is not said), and a
# new attempt.
EVENT = re.compile(
    r"^(?P<indent> *)(?P<failed>Error in )?(?:local)?rule (?P<rule>\w+):\n(?P<body>(?:(?P=indent) {4}.*\n)+)"
    r"|^ {4}jobs:\n(?P<group>(?: {8}.*\n)+)"
    r"|^Trying to restart job (?P<retried>\S+)\.$",
    re.M,
)


@dataclass
class RuleRecord:
    """All jobs of a rule. Hours are wall time, memory is the largest resident set of any of them (MiB), GPUs the most that one had."""

    jobs: int = 0
    hours: float = 0.0
    cpu_hours: float = 0.0
    gpu_hours: float = 0.0
    longest_minutes: float = 0.0
    memory_mib: float = 0.0
    gpus: int = 0
    failures: int = 0
    retries: int = 0


@dataclass
class LogRecord:
    """What Snakemake's logs say of one run: GPUs by benchmark file, failed attempts and new attempts by rule."""

    gpus: dict[str, int] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)


def read_logs(folder: Path, logs: str) -> LogRecord:
    """The record of the jobs whose log files lie below `logs`, from every Snakemake log in `folder`, oldest first."""
    record = LogRecord()
    for path in sorted(folder.glob("*.snakemake.log")):
        rule_of: dict[str, str] = {}
        failed_group = None
        for event in EVENT.finditer(path.read_text(encoding="utf-8", errors="replace")):
            if event["retried"]:
                # A group's number stands in no other line; its error precedes the new attempt.
                rule = rule_of.get(event["retried"]) if event["retried"].isdigit() else failed_group
                record.retries.update([rule] if rule else [])
            elif event["group"]:
                ours = f" log: {logs}/" in event["group"]
                failed_group = " + ".join(sorted(set(re.findall(r"^ {8}rule (\w+):", event["group"], re.M)))) if ours else None
                record.failures.update([failed_group] if failed_group else [])
            else:
                told = dict(re.findall(r"^ +(\w+): (.*)$", event["body"], re.M))
                if not told.get("log", "").startswith(f"{logs}/"):
                    continue
                rule_of[told.get("jobid", "")] = event["rule"]
                if event["failed"]:
                    record.failures[event["rule"]] += 1
                elif "benchmark" in told:
                    asked = re.search(r"\bgpu=(\d+)", told.get("resources", ""))
                    record.gpus[told["benchmark"]] = int(asked[1]) if asked else 0
    return record


def benchmarks(folder: Path) -> Iterator[tuple[str, Path, dict[str, str]]]:
    """(rule, file, its row) of every benchmark file: <folder>/<rule>.tsv or <folder>/<rule>/<wildcards>.tsv."""
    for path in sorted(folder.rglob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                yield path.relative_to(folder).with_suffix("").parts[0], path, row


def run_record(benchmark_folder: Path, snakemake_logs: Path, logs: str) -> dict[str, RuleRecord]:
    """By rule, in alphabetical order, what its timed jobs used and how often any failed."""
    told = read_logs(snakemake_logs, logs)
    records: defaultdict[str, RuleRecord] = defaultdict(RuleRecord)
    for rule, path, row in benchmarks(benchmark_folder):
        record, hours = records[rule], float(row["s"]) / 3600
        gpus = told.gpus.get(str(path), 0)
        record.jobs += 1
        record.hours += hours
        record.cpu_hours += number(row["cpu_time"]) / 3600
        record.gpu_hours += gpus * hours
        record.longest_minutes = max(record.longest_minutes, 60 * hours)
        record.memory_mib = max(record.memory_mib, number(row["max_rss"]))
        record.gpus = max(record.gpus, gpus)
    for rule, count in told.failures.items():
        records[rule].failures = count
    for rule, count in told.retries.items():
        records[rule].retries = count
    return dict(sorted(records.items()))


def number(text: str) -> float:
    """A benchmark's number; a job too short to be looked at has NA or -."""
    return float(text) if re.fullmatch(r"[\d.]+", text) else 0.0
