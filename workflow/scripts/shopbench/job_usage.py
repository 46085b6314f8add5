"""What finished SLURM jobs used of what they had asked for, from the accounting database.

Jobs are found by their log files, logs/slurm/<rule or group>/<wildcards>/<job>.log, as not every site stores the comment that names a
job's rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shopbench.files import BadInput
from shopbench.slurm import LIVE, SEPARATOR, ask_slurm, seconds

FIELDS = ["JobIDRaw", "State", "Partition", "Start", "End", "ElapsedRaw", "TimelimitRaw", "TotalCPU", "AllocCPUS"]
FIELDS += ["ReqMem", "MaxRSS", "AllocTRES", "WorkDir"]
# sacct's own units: powers of 1024.
MEBIBYTES = {"K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0**2}
JOBS_AT_ONCE = 500


@dataclass(frozen=True)
class JobUsage:
    """One attempt at a job. Start and end are local times as ISO 8601; the others are seconds, MiB, CPUs and GPUs."""

    job: str
    rule: str
    state: str
    partition: str
    start: str
    end: str
    wall: float
    wall_limit: float
    cpu_time: float
    cpus: int
    memory: float
    memory_limit: float
    gpus: int


def logged_jobs(folder: Path) -> dict[str, str]:
    """Rule or group of every job that has a log file below `folder`."""
    return {log.stem: log.relative_to(folder).parts[0].partition("_")[2] for log in folder.rglob("*.log") if log.stem.isdigit()}


def usage_of(rules: dict[str, str], folder: Path) -> list[JobUsage]:
    """What accounting says of these jobs (job to rule) that ended and were started from `folder`, in the order of their numbers."""
    jobs = sorted(rules, key=int)
    lines: list[str] = []
    for start in range(0, len(jobs), JOBS_AT_ONCE):
        some = ",".join(jobs[start : start + JOBS_AT_ONCE])
        lines += ask_slurm(["sacct", "--noheader", "--parsable2", f"--format={','.join(FIELDS)}", f"--jobs={some}"]).splitlines()
    return parse_usage(lines, rules, folder.resolve())


def parse_usage(lines: Iterable[str], rules: dict[str, str], folder: Path) -> list[JobUsage]:
    """Jobs from lines of sacct: each job's own line, then those of its steps (<job>.batch, <job>.0, ...)."""
    rows: dict[str, list[list[str]]] = {}
    for line in lines:
        fields = line.split(SEPARATOR)
        if len(fields) != len(FIELDS):
            raise BadInput(f"sacct: {line!r} has {len(fields)} fields, not {len(FIELDS)}")
        rows.setdefault(fields[0].partition(".")[0], []).append(fields)
    return [one_job(job, rules[job], *rows[job]) for job in rows if is_ended(rows[job][0], folder)]


def is_ended(whole: Sequence[str], folder: Path) -> bool:
    """Whether a job's own line is of a job of this folder that is over."""
    return Path(whole[FIELDS.index("WorkDir")]).resolve() == folder and whole[1] not in LIVE


def one_job(job: str, rule: str, whole: Sequence[str], *steps: Sequence[str]) -> JobUsage:
    """A job from its own line and its steps'. Only a step shows that memory ran out: the job itself is then FAILED."""
    field = FIELDS.index
    out_of_memory = any(step[1].startswith("OUT_OF_ME") for step in steps)
    gpus = re.search(r"gres/gpu=(\d+)", whole[field("AllocTRES")])
    limit = whole[field("TimelimitRaw")]
    # The job's script waits while its steps run, one after the other in a group's job; all share the job's memory.
    script = sum(mebibytes(step[field("MaxRSS")]) for step in steps if step[0].endswith(".batch"))
    largest = max((mebibytes(step[field("MaxRSS")]) for step in steps if not step[0].endswith(".batch")), default=0.0)
    return JobUsage(
        job=job,
        rule=rule,
        state="OUT_OF_MEMORY" if out_of_memory else whole[1].split()[0],
        partition=whole[field("Partition")],
        start=whole[field("Start")],
        end=whole[field("End")],
        wall=float(whole[field("ElapsedRaw")]),
        wall_limit=60 * float(limit) if limit.isdigit() else float("inf"),
        cpu_time=seconds(whole[field("TotalCPU")]),
        cpus=int(whole[field("AllocCPUS")]),
        memory=script + largest,
        memory_limit=mebibytes(whole[field("ReqMem")]),
        gpus=int(gpus[1]) if gpus else 0,
    )


def mebibytes(text: str) -> float:
    """MiB of sacct's 400M, 1234K or 0; empty is 0."""
    found = re.match(r"([\d.]+)([KMGT]?)", text)
    return float(found[1]) * MEBIBYTES.get(found[2], 1 / 1024**2) if found else 0.0
