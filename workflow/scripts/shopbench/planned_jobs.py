"""The jobs of a run and what each asks for, from Snakemake itself: a dry run with our own executor (snakemake_executor_plugin_plan).

Runs in the environment that Snakemake is in. Nothing is made, locked or deleted, and no cluster is asked.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shopbench.files import BadInput, read_jsonl

SCRIPTS = Path(__file__).resolve().parents[1]
# More than any job asks for: with fewer, Snakemake would cut the jobs' threads to it.
ALL_CORES = "100000"
# Where a run is meant to be, by its accelerator.
PROFILES = {"cuda": Path("profiles/slurm"), "cpu": Path("profiles/demo")}


@dataclass(frozen=True)
class PlannedJob:
    """One job. `submitted` is what it asks for at the first of its `attempts` (as the profile's retries allow), `submitted_last` at the
    last: resources by their Snakemake names, and threads. Jobs of a group are submitted together and share `submission` and what is asked
    for.
    """

    rule: str
    wildcards: dict[str, str]
    # Runs where Snakemake runs.
    local: bool
    input: list[str]
    output: list[str]
    submission: int
    group: str | None
    attempts: int
    submitted: dict[str, Any]
    submitted_last: dict[str, Any]
    # Why it runs, as the executor's `cause` says: files and parameters, now and as Snakemake recorded them.
    cause: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As people call it: train_adapter v8."""
        return " ".join([self.rule, *self.wildcards.values()])


def planned_jobs(configfiles: Sequence[Path], profile: Path, whole: bool, targets: Sequence[str] = ()) -> list[PlannedJob]:
    """All jobs of the run that `configfiles` describe (`whole`), or those still to do, for all of it or for `targets` (files or rules);
    BadInput says why Snakemake cannot read it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "jobs.jsonl"
        file.touch()
        command = [sys.executable, "-m", "snakemake", *targets, "--profile", str(profile), "--configfile", *map(str, configfiles)]
        command += ["--executor", "plan", "--plan-file", str(file), "--cores", ALL_CORES]
        paths = [str(SCRIPTS), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        result = subprocess.run(
            [*command, *(["--forceall"] if whole else [])], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL
        )
        if result.returncode != 0:
            raise BadInput(f"{', '.join(map(str, configfiles))}: Snakemake cannot plan this run: {complaint(result.stderr)}")
        return [PlannedJob(**row) for row in read_jsonl(file)]


def complaint(text: str) -> str:
    """Of what Snakemake wrote: our own one-line error, else the line that opens with an error and the one after it, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it said nothing"]
    for number, line in enumerate(lines):
        if line.lower().startswith("error: "):
            return line[len("error: ") :]
        if re.match(r"\w*(Error|Exception)\b", line):
            return " ".join(lines[number : number + 2])
    return lines[-1]
