"""SLURM as this pipeline uses it: the site file, and the jobs that Snakemake's executor has in the queue.

The executor names a job after its run, and says in the job's comment which rule and wildcards it is for.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shopbench.files import BadInput

# States in which a job may still write.
LIVE = ("PENDING", "CONFIGURED", "CONFIGURING", "RUNNING", "SUSPENDED", "COMPLETING", "STOPPED", "REQUEUED", "REQUEUE_HOLD", "RESIZING")
SITE_VARIABLE = "SNAKEMAKE_SLURM_PARTITIONS"
ALONGSIDE = "SHOPBENCH_ALONGSIDE"
# A client that finds no controller tries for a minute; one that does answers at once.
PATIENCE_SECONDS = 20
JOB_ARRAYS = (
    "slurm-array-jobs: refused. A failing task of an array has deleted the finished output of another task, as the executor mixes up "
    "their states; take the option away (small jobs are grouped instead, see profiles/slurm/config.yaml)"
)
# Between two fields of squeue's and sacct's output; in no name or comment of ours.
SEPARATOR = "|"


@dataclass(frozen=True)
class QueuedJob:
    """A job of this pipeline as `squeue` shows it. Times are as SLURM prints them, [days-]hours:minutes:seconds."""

    job: str
    rule: str
    wildcards: str
    state: str
    elapsed: str
    limit: str
    partition: str
    node: str
    gpus: str
    folder: Path


# squeue's fields with the widths that it cuts them to.
SQUEUE_FIELDS = {
    "JobID": 20,
    "State": 20,
    "TimeUsed": 20,
    "TimeLimit": 20,
    "Partition": 64,
    "NodeList": 256,
    "tres-alloc": 256,
    "WorkDir": 1024,
    "Comment": 1024,
}
SQUEUE_FORMAT = ",".join(f"{field}:{width}{SEPARATOR}" for field, width in SQUEUE_FIELDS.items())


def site_file() -> Path:
    """Where this site's partitions, account and QOS stand: what the executor's own variable names, or the file beside the profile."""
    return Path(os.environ.get(SITE_VARIABLE) or "profiles/slurm/partitions.yaml")


def read_site(path: Path) -> dict[str, Any]:
    """A site file: `partitions`, and `account` and `qos` or None.

    Raises `BadInput` if the file is not there, is not YAML, or has other keys.
    """
    try:
        site = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such site file; {SITE_VARIABLE} names it") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: not YAML ({error})") from None
    if not isinstance(site, dict) or not isinstance(site.get("partitions"), dict) or not site["partitions"]:
        raise BadInput(f"{path}: no partitions; write a line for each below `partitions:`, as in profiles/slurm/partitions.yaml")
    if unknown := sorted(set(site) - {"account", "qos", "partitions"}):
        raise BadInput(f"{path}: {unknown[0]}: no such key; there are account, qos and partitions")
    return {"account": None, "qos": None, **site}


def site_resources(path: Path) -> dict[str, str]:
    """The default resources that a site file sets: `slurm_account` and `qos`, where they are not null."""
    site = read_site(path)
    named = {"slurm_account": site["account"], "qos": site["qos"]}
    return {resource: str(value) for resource, value in named.items() if value is not None}


def rule_and_wildcards(comment: str) -> tuple[str, str] | None:
    """What the executor's comment names, or None if a job is not one of its jobs."""
    found = re.fullmatch(r"rule_(?P<rule>.+?)(?:_wildcards_(?P<wildcards>.*))?", comment)
    return (found["rule"], found["wildcards"] or "") if found else None


def gpus_of(tres: str) -> str:
    """'a100:8' of what SLURM allocated, for example 'cpu=64,mem=480000M,node=1,gres/gpu:a100=8'; '' without GPUs."""
    found = re.search(r"gres/gpu:(\w+=\d+)", tres) or re.search(r"gres/gpu=(\d+)", tres)
    return found[1].replace("=", ":") if found else ""


def parse_queue(text: str) -> list[QueuedJob]:
    """The executor's jobs among lines of `squeue` in SQUEUE_FORMAT."""
    jobs = []
    for line in text.splitlines():
        job, state, elapsed, limit, partition, node, tres, folder, comment = (field.strip() for field in line.split(SEPARATOR)[:-1])
        if named := rule_and_wildcards(comment):
            jobs.append(QueuedJob(job, *named, state, elapsed, limit, partition, node, gpus_of(tres), Path(folder)))
    return jobs


def seconds(text: str) -> float:
    """Seconds of SLURM's minutes, minutes:seconds, hours:minutes:seconds or days-hours[:minutes[:seconds]]; seconds may have a fraction."""
    days, _, clock = text.rpartition("-")
    parts = [float(part) for part in clock.split(":")]
    # Without days and hours, the first part is minutes.
    hours, minutes, rest = [*([] if days or len(parts) == 3 else [0]), *parts, 0, 0][:3]
    return 86_400 * int(days or 0) + 3600 * hours + 60 * minutes + rest


def ask_slurm(command: Sequence[str]) -> str:
    """What one of SLURM's client programs prints. Raises `BadInput` if it is not here, does not answer or refuses."""
    name = command[0]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise BadInput(f"{name}: not found, so there is no SLURM here; run this on a login node of the cluster") from None
    except subprocess.TimeoutExpired:
        raise BadInput(f"{name}: no answer in {PATIENCE_SECONDS} s; SLURM's controller is down or out of reach, try again later") from None
    if answer.returncode:
        said = (answer.stderr or answer.stdout).strip().splitlines() or ["no message"]
        raise BadInput(f"{name}: {said[-1]}; run this on a login node of the cluster while SLURM is up")
    return answer.stdout


def queue(folder: Path) -> list[QueuedJob]:
    """This user's jobs that were started from `folder`, ended ones too while SLURM's controller remembers them (minutes)."""
    lines = ask_slurm(["squeue", "--noheader", "--states=all", f"--user={os.getuid()}", f"--Format={SQUEUE_FORMAT}"])
    here = folder.resolve()
    return [job for job in parse_queue(lines) if job.folder.resolve() == here]


def check_alone(folder: Path, must_know: bool = True) -> None:
    """Raise `BadInput` while jobs of an earlier Snakemake in `folder` run or wait: two jobs would write one result.

    A Snakemake that is killed leaves its jobs behind. Without SLURM there are none; where it does not answer, that is an error only if
    `must_know`, as on machines that have its programs and no cluster.
    """
    if not shutil.which("squeue") or os.environ.get(ALONGSIDE):
        return
    try:
        jobs = [job for job in queue(folder) if job.state in LIVE]
    except BadInput:
        if must_know:
            raise
        return
    if jobs:
        named = ", ".join(f"{job.job} ({job.rule} {job.wildcards}".rstrip() + f", {job.state.lower()})" for job in jobs[:5])
        more = f" and {len(jobs) - 5} more" if len(jobs) > 5 else ""
        raise BadInput(
            f"jobs of an earlier run in this folder are still in the queue: {named}{more}. Wait for them, or end them by "
            f"`scancel {' '.join(job.job for job in jobs)}`, then start again. If they are of a run with other results, set {ALONGSIDE}=1"
        )
