"""What of this cluster, of the files and of the models would stop a run hours after its start: looked at in seconds, on a login node.

    python workflow/scripts/check_site.py --configfile config/7b.yaml

Compares the site's partitions, account and QOS (profiles/slurm/partitions.yaml) with what `sinfo` and `sacctmgr` say, and both with what
the jobs still to do ask for, at their first attempt and at the last that the profile's retries allow. Looks at disks, at files that a
person provides, at tokens for gated models, and at what GPUs can do. Reads only. One line a finding: an error stops jobs (exit code 2), a
warning may. What it cannot see: quotas, partitions' lists of allowed accounts, and what the nodes have that SLURM does not know.
"""

from __future__ import annotations

import argparse
import getpass
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from plan_run import Plan, make_plan, short_limits, unused_gpus

from shopbench.config import engine_of, precision_answered
from shopbench.estimates import Run
from shopbench.files import BadInput, run_program
from shopbench.gpu_check import CUDA_DRIVERS, major
from shopbench.gpu_models import find_gpu
from shopbench.planned_jobs import PlannedJob
from shopbench.site_partitions import Site, cpus_of, gpus_of, partition_of
from shopbench.slurm import ask_slurm
from shopbench.slurm_nodes import (
    ASSOCIATIONS,
    QOS_LIMITS,
    SINFO,
    Association,
    Nodes,
    parse_associations,
    parse_qos_limits,
    parse_sinfo,
)

ERROR, WARNING, NOTE = "error", "warning", "note"
MODEL_LOCK = Path("envs/model.cuda.txt")
WORKFLOW_LOCK = Path("envs/workflow.cpu.txt")
PYTHON = (3, 11)
# A disk that the run would fill beyond this share is worth a look.
FULL_DISK = 0.8
LOCAL_FILE_SYSTEMS = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "ramfs"}
NODE_FOLDERS = [Path(name) for name in ("/tmp", "/var/tmp", "/dev/shm", "/run")]


class Finding(NamedTuple):
    level: str
    text: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--configfile", type=Path, nargs="+", default=[Path("config/config.yaml")], help="the run; later files lie over earlier"
    )
    parser.add_argument("--profile", type=Path, default=Path("profiles/slurm"), help="Snakemake profile that submits to SLURM")
    arguments = parser.parse_args()
    # First, as nothing else is worth a look without it.
    nodes = parse_sinfo(ask_slurm(SINFO))
    plan = make_plan(arguments.configfile, arguments.profile, whole=False)
    if plan.site is None:
        raise BadInput(f"{arguments.profile}: its executor is not slurm; give the profile that submits, as profiles/slurm")
    findings = [
        *check_tools(sys.version_info[:2], installed("snakemake"), installed("snakemake-executor-plugin-slurm"), read_lock(WORKFLOW_LOCK)),
        *check_partitions(plan.site, nodes),
        *check_jobs(plan.site, nodes, plan.jobs),
        *check_accounting(plan.site, plan.jobs),
        *[Finding(WARNING, line) for line in [*unused_gpus(plan), *short_limits(plan)]],
        *check_bfloat16(plan.run, plan.jobs),
        *check_build(plan.run, read_lock(MODEL_LOCK), driver_version()),
        *check_disks(needs_by_path(plan), free_bytes),
        *check_shared(plan.run.config["pathvars"], file_system_of),
        *check_provided(plan.run, plan.jobs),
        *check_tokens(plan.run, plan.jobs, os.environ, Path.home()),
    ]
    for level in (ERROR, WARNING, NOTE):
        for finding in findings:
            if finding.level == level:
                print(f"{level}: {finding.text}")
    errors = sum(finding.level == ERROR for finding in findings)
    print(f"{len(plan.jobs)} jobs to do: " + (f"{errors} errors to mend first" if errors else "all fit this site"))
    sys.exit(2 if errors else 0)


# partitions and jobs


def check_partitions(site: Site, nodes: Sequence[Nodes]) -> list[Finding]:
    """Each partition of the site's file against sinfo: there, up, and no larger in the file than on the cluster."""
    known = dict.fromkeys(row.partition for row in nodes)
    findings = []
    for partition in site.partitions:
        here = [row for row in nodes if row.partition == partition.name]
        where = f"{site.file}: partition {partition.name}"
        if partition.partition_cluster:
            findings.append(Finding(NOTE, f"{where} is on cluster {partition.partition_cluster}; not looked at"))
        elif not here:
            findings.append(Finding(ERROR, f"{where} does not exist; sinfo has {', '.join(known)}"))
        elif not here[0].up:
            findings.append(Finding(ERROR, f"{where} is not up; wait, or take it out of the file"))
        else:
            findings += [Finding(level, f"{where}: {text}") for level, text in too_large(partition.limits, here)]
            if not any(row.usable for row in here):
                states = ", ".join(sorted({row.state for row in here}))
                findings.append(Finding(WARNING, f"{where}: none of its nodes takes jobs now ({states}); jobs will wait"))
    return findings


def too_large(limits: Any, here: Sequence[Nodes]) -> list[Finding]:
    """What the file promises beyond what the nodes have."""
    findings = []
    largest = {"max_mem_mb": max(row.memory for row in here), "max_cpus_per_task": max(row.cpus for row in here)}
    largest["max_threads"] = largest["max_cpus_per_task"]
    minutes = here[0].minutes
    if minutes is not None and limits.max_runtime != float("inf") and limits.max_runtime > minutes:
        findings.append(Finding(ERROR, f"max_runtime {limits.max_runtime} is above its time limit; set {minutes:.0f}"))
    for key, most in largest.items():
        promised = getattr(limits, key)
        if promised != float("inf") and promised > most:
            findings.append(Finding(ERROR, f"{key} {promised} is above what its largest node has; set {most}"))
    models = most_gpus(here)
    most = max(models.values(), default=0)
    if limits.max_gpu > most:
        findings.append(Finding(ERROR, f"max_gpu {limits.max_gpu} is above what its largest node has; set {most}"))
    for model in limits.available_gpu_models or []:
        if models and model not in models:
            names = ", ".join(sorted(name for name in models if name)) or "no model's name (gpu:<number>)"
            findings.append(Finding(ERROR, f"available_gpu_models has {model}, its nodes have {names}; write it as sinfo does"))
    return findings


def most_gpus(nodes: Iterable[Nodes]) -> dict[str, int]:
    """The most GPUs of each model on a single node."""
    models: dict[str, int] = {}
    for row in nodes:
        for model, number in row.gpus.items():
            models[model] = max(models.get(model, 0), number)
    return models


def check_jobs(site: Site, nodes: Sequence[Nodes], jobs: Sequence[PlannedJob]) -> list[Finding]:
    """Each kind of job: a partition, and in it a node that has all that the job asks for, at its first and its last attempt."""
    findings: dict[Finding, None] = {}
    for job in jobs:
        name = f"{job.group} (a group)" if job.group else job.rule
        attempts = () if job.local else (("", job.submitted), (" at its last attempt", job.submitted_last))
        for attempt, asked in attempts:
            if found := place_of(site, nodes, asked, name):
                findings[Finding(found.level, f"{name}{attempt} {found.text}")] = None
                # The last attempt asks for no less than the first.
                break
    return list(findings)


def place_of(site: Site, nodes: Sequence[Nodes], asked: Mapping[str, Any], name: str) -> Finding | None:
    """Why a job that asks for this cannot run here, or not now, and what to do; None if it can."""
    partition = partition_of(site, asked, name)
    if partition is None:
        reasons = "; ".join(misfit(entry, asked) for entry in site.partitions)
        return Finding(ERROR, f"gets no partition: {reasons}. Mend {site.file} or the profile")
    here = [row for row in nodes if row.partition == partition]
    if not here:
        # One of the file's is spoken of by check_partitions.
        named = any(entry.name == partition for entry in site.partitions)
        return None if named else Finding(ERROR, f"asks for partition {partition}, which sinfo does not have; mend the profile")
    fitting = [row for row in here if fits_node(row, asked)]
    if not fitting:
        wants = f"{cpus_of(asked)} CPUs, {asked.get('mem_mb', 0)} MB, {gpu_text(asked) or 'no GPU'}"
        return Finding(
            ERROR, f"fits no node of partition {partition} ({wants} on one node); lower them in the profile, or mend {site.file}"
        )
    if not any(row.usable for row in fitting):
        states = ", ".join(sorted({row.state for row in fitting}))
        return Finding(WARNING, f"fits nodes of partition {partition} that take no jobs now ({states}); it will wait")
    return None


def gpu_text(asked: Mapping[str, Any]) -> str:
    gpus, model = gpus_of(asked)
    return f"{gpus} GPUs of model {model or 'any'}" if gpus else ""


def misfit(partition: Any, asked: Mapping[str, Any]) -> str:
    """The first limit of the site's file that keeps a job out of a partition."""
    limits = partition.limits
    gpus, model = gpus_of(asked)
    if gpus > limits.max_gpu:
        return f"{partition.name} has {limits.max_gpu or 'no'} GPUs of {gpus}"
    if gpus and model and limits.available_gpu_models and model not in limits.available_gpu_models:
        return f"{partition.name} has no GPU model {model}"
    amounts = [("runtime", limits.max_runtime, "max_runtime"), ("mem_mb", limits.max_mem_mb, "max_mem_mb")]
    for resource, most, key in amounts:
        if int(asked.get(resource, 0)) > most:
            return f"{partition.name} has {key} {most} for {resource} {asked[resource]}"
    cpus, most = cpus_of(asked), min(limits.max_cpus_per_task, limits.max_threads)
    if max(cpus, int(asked["threads"])) > most:
        return f"{partition.name} has {most} CPUs a task of {max(cpus, int(asked['threads']))}"
    return f"{partition.name} does not match"


def fits_node(row: Nodes, asked: Mapping[str, Any]) -> bool:
    """One node has the CPUs, the memory and the GPUs."""
    gpus, model = gpus_of(asked)
    most = row.gpus.get(model, 0) if model else max(row.gpus.values(), default=0)
    return row.cpus >= cpus_of(asked) and row.memory >= int(asked.get("mem_mb", 0)) and most >= gpus


# accounts


def check_accounting(site: Site, jobs: Sequence[PlannedJob]) -> list[Finding]:
    """Account and QOS against sacctmgr, where it answers."""
    user = getpass.getuser()
    try:
        associations = parse_associations(ask_slurm([*ASSOCIATIONS[:5], f"user={user}", *ASSOCIATIONS[5:]]))
        limits = parse_qos_limits(ask_slurm(QOS_LIMITS))
    except BadInput as error:
        return [Finding(NOTE, f"account and QOS were not checked: {error}")]
    return check_account(site, jobs, user, associations, limits)


def check_account(
    site: Site, jobs: Sequence[PlannedJob], user: str, associations: Sequence[Association], limits: Mapping[str, float]
) -> list[Finding]:
    """Account and QOS that jobs will be submitted with, from the jobs' resources or the site's file, against the user's associations."""
    submitted = [job.submitted for job in jobs if not job.local]
    accounts = {str(asked.get("slurm_account") or site.account or "") for asked in submitted} - {""}
    names = {str(asked.get("qos") or site.qos or "") for asked in submitted} - {""}
    mine = {entry.account for entry in associations}
    findings = []
    if not associations:
        level = ERROR if accounts else WARNING
        text = f"sacctmgr has no account for user {user}; ask the site for one"
        return [Finding(level, text)]
    for account in sorted(accounts):
        if account.lower() not in {name.lower() for name in mine}:
            findings.append(Finding(ERROR, f"{site.file}: user {user} has no account {account}, but {', '.join(sorted(mine))}"))
    allowed = {qos for entry in associations if not accounts or entry.account in accounts for qos in entry.qos}
    for name in sorted(names):
        if name not in allowed:
            has = ", ".join(sorted(allowed)) or "none"
            findings.append(Finding(ERROR, f"{site.file}: user {user} may not ask for QOS {name}; allowed: {has}"))
        longest = max((int(asked.get("runtime", 0)) for asked in submitted), default=0)
        if longest > limits.get(name, float("inf")):
            findings.append(
                Finding(ERROR, f"{site.file}: QOS {name} ends jobs after {limits[name]:.0f} minutes, the longest asks for {longest}")
            )
    return findings


# GPUs


def check_bfloat16(run: Run, jobs: Sequence[PlannedJob]) -> list[Finding]:
    """Jobs whose arithmetic is bfloat16 on GPUs that have none."""
    findings = []
    for job in jobs:
        key = bfloat16_key(run.config, job)
        model = gpus_of(job.submitted)[1]
        gpu = find_gpu(model)
        if key and gpu and not gpu.bfloat16:
            mend = "set half, or float32" if key.startswith("inference") else "set float32, or ask for another model in the profile"
            findings.append(Finding(ERROR, f"{job.name}: {key} is bfloat16, which a {model} does not have; {mend}"))
    return findings


def bfloat16_key(config: Mapping[str, Any], job: PlannedJob) -> str | None:
    """The key of the config that asks for bfloat16 in this job."""
    if job.rule == "train_adapter":
        asks = config["adapters"][job.wildcards["adapter"]]["training"]["compute_dtype"] == "bfloat16"
        return "training.compute_dtype" if asks else None
    if precision := precision_answered(job.rule, job.wildcards, config):
        kind = engine_of(precision)
        return f"inference.{kind}.dtype" if config["inference"][kind]["dtype"] == "bfloat16" else None
    if job.rule in ("quantize_model", "verify_quantized"):
        return "merge.dtype" if config["merge"]["dtype"] == "bfloat16" else None
    return None


def check_build(run: Run, lock: Mapping[str, str], driver: str | None) -> list[Finding]:
    """The CUDA build of the lock, and this node's driver if it has one."""
    if run.config["accelerator"] != "cuda":
        return []
    findings = []
    torch = lock.get("torch", "")
    if torch.endswith("+cpu"):
        findings.append(
            Finding(
                ERROR,
                f"{MODEL_LOCK}: torch {torch} is a build without CUDA; run make locks where pip finds torch's CUDA build, then rebuild",
            )
        )
    cuda = next((release for name, release in lock.items() if name.startswith("nvidia-cuda-runtime")), None)
    needed = CUDA_DRIVERS.get(major(cuda or ""))
    if cuda is None or needed is None:
        findings.append(Finding(NOTE, f"{MODEL_LOCK}: no CUDA runtime in it that the driver could be compared with"))
    elif driver is None:
        findings.append(
            Finding(
                NOTE,
                f"no nvidia-smi here, as on most login nodes; CUDA {cuda} needs driver {needed} or newer, GPU programs look at their start",
            )
        )
    elif major(driver) < needed:
        findings.append(
            Finding(ERROR, f"driver {driver} is too old for CUDA {cuda} of {MODEL_LOCK}; it needs {needed} or newer, ask the site")
        )
    return findings


def driver_version() -> str | None:
    """The NVIDIA driver of this node, None without nvidia-smi or without a GPU that answers."""
    try:
        command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    lines = answer.stdout.split()
    return lines[0] if answer.returncode == 0 and lines else None


def read_lock(file: Path) -> dict[str, str]:
    """Releases by package of a lock."""
    if not file.is_file():
        raise BadInput(f"{file}: no such file; run this at the top of the checkout")
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", file.read_text(encoding="utf-8"), re.M))


# tools, disks, files, tokens


def check_tools(python: tuple[int, ...], snakemake: str | None, plugin: str | None, lock: Mapping[str, str]) -> list[Finding]:
    """The Python and the packages that Snakemake runs with here."""
    findings = []
    if python != PYTHON:
        got, wanted = ".".join(map(str, python)), ".".join(map(str, PYTHON))
        findings.append(
            Finding(ERROR, f"this is Python {got}, the locks are for {wanted}; make PYTHON=/path/to/python{wanted} workflow-env")
        )
    for name, found in (("snakemake", snakemake), ("snakemake-executor-plugin-slurm", plugin)):
        if found is None:
            findings.append(Finding(ERROR, f"{name} is not installed beside {sys.executable}; run make workflow-env"))
        elif found != lock.get(name, found):
            findings.append(Finding(WARNING, f"{name} is {found}, {WORKFLOW_LOCK} has {lock[name]}; run make workflow-env"))
    return findings


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def needs_by_path(plan: Plan) -> dict[Path, float]:
    """Bytes that the jobs to do want at once, by folder."""
    folders = {**plan.run.config["pathvars"], "envs": ".envs"}
    needs: dict[Path, float] = {}
    for made in plan.estimates:
        for item in made.disk:
            path = Path(folders[item.place])
            needs[path] = needs.get(path, 0) + item.bytes
    return needs


def existing(path: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def free_bytes(path: Path) -> tuple[int, int]:
    """(file system's number, bytes free on it) of a folder that may not exist yet."""
    here = existing(path)
    return here.stat().st_dev, shutil.disk_usage(here).free


def check_disks(needs: Mapping[Path, float], free: Callable[[Path], tuple[int, int]]) -> list[Finding]:
    """Each file system against all folders that lie on it."""
    systems: dict[int, tuple[int, list[tuple[Path, float]]]] = {}
    for path, size in needs.items():
        number, space = free(path)
        systems.setdefault(number, (space, []))[1].append((path, size))
    findings = []
    for space, wanted in systems.values():
        size = sum(amount for _, amount in wanted)
        folders = ", ".join(
            f"{path} {amount / 1e9:.0f} GB" for path, amount in sorted(wanted, key=lambda item: -item[1]) if amount >= 0.5e9
        )
        if size > FULL_DISK * space:
            level = ERROR if size > space else WARNING
            mend = "move some to another file system by the config's pathvars"
            findings.append(
                Finding(level, f"disk: {space / 1e9:.0f} GB free, up to {size / 1e9:.0f} GB wanted at once ({folders}); {mend}")
            )
    return findings


def check_shared(pathvars: Mapping[str, str], file_system: Callable[[Path], str]) -> list[Finding]:
    """Folders that compute nodes may not see."""
    suspects: dict[str, list[str]] = {}
    for name, folder in pathvars.items():
        path = Path(folder).absolute()
        inside = [node_folder for node_folder in NODE_FOLDERS if path.is_relative_to(node_folder)]
        kind = file_system(path)
        if inside:
            suspects.setdefault(f"in {inside[0]}, a node's own folder", []).append(name)
        elif kind in LOCAL_FILE_SYSTEMS:
            suspects.setdefault(f"on a local file system ({kind})", []).append(name)
    mend = "all nodes have to see them under the same path"
    return [Finding(WARNING, f"pathvars {', '.join(names)} lie {where}; {mend}") for where, names in suspects.items()]


def file_system_of(path: Path) -> str:
    """Kind of the file system that a folder lies on, as /proc/mounts names it; empty where that is not there."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return ""
    here, best = existing(path).resolve(), ("", "")
    for line in mounts.read_text(encoding="utf-8").splitlines():
        _, point, kind = line.split()[:3]
        if here.is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]


def check_provided(run: Run, jobs: Sequence[PlannedJob]) -> list[Finding]:
    """Files that a person has to fetch, for the jobs that copy them; and folders of models and adapters that the config names."""
    findings = []
    for job in jobs:
        if job.rule == "provide_source":
            source, name = job.wildcards["source"], job.wildcards["file"]
            file = Path(run.config["sources"]["provided"]) / source / name
            if not file.is_file():
                row = next(row for row in run.sources if (row.source, row.file) == (source, name))
                findings.append(Finding(ERROR, f"{file}: not there; {row.how} ({row.address})"))
    development = run.config["evaluation"]["development"]
    if development and any(job.rule == "prepare_development" for job in jobs) and not Path(development).is_file():
        findings.append(Finding(ERROR, f"evaluation.development: {development} is not there; correct the config"))
    for section, rule in (("models", "link_model"), ("adapters", "link_adapter")):
        for job in jobs:
            if job.rule == rule:
                (name,) = job.wildcards.values()
                folder = Path(run.config[section][name]["path"])
                if not folder.is_dir():
                    findings.append(Finding(ERROR, f"{section}.{name}.path: {folder} is not a folder; correct the config"))
    return findings


def check_tokens(run: Run, jobs: Sequence[PlannedJob], variables: Mapping[str, str], home: Path) -> list[Finding]:
    """Gated models to download without a token of the hub in reach."""
    folder = Path(variables.get("HF_HOME") or home / ".cache/huggingface")
    file = Path(variables.get("HF_TOKEN_PATH") or folder / "token")
    if variables.get("HF_TOKEN") or variables.get("HUGGING_FACE_HUB_TOKEN") or file.is_file():
        return []
    names = [job.wildcards["model"] for job in jobs if job.rule == "download_model" and run.shapes[job.wildcards["model"]].gated]
    mend = f"ask for access on the hub, then set HF_TOKEN or put the token into {file}"
    return [
        Finding(ERROR, f"models.{name}: {run.config['models'][name]['hub']} is given to accounts with access, and no token is here; {mend}")
        for name in names
    ]


if __name__ == "__main__":
    run_program(main)
