"""Snakemake started on the emulated cluster, with its jobs as SLURM sees them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import TINY

from shopbench.job_usage import JobUsage, logged_jobs, usage_of
from shopbench.slurm import QueuedJob, queue

# The profile as users have it, but for a status check every other second, and one training thread as in the run without SLURM.
CONFIG = [*TINY, "tests/config/cluster.yaml"]
CLUSTER = ["--profile", "slurm", *CONFIG, "--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5"]
THREADS = ["--set-threads", "train_adapter=1"]
# No fault may make a run hang for longer.
PATIENCE_SECONDS = 180


class ClusterRun:
    """Snakemake at work in `folder`, with its output in a file."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.output = folder / f"snakemake-{time.monotonic_ns()}.txt"
        environment = {**os.environ, "HOME": str(folder / ".home")}
        with self.output.open("w") as stream:
            command = [sys.executable, "-m", "snakemake", *CLUSTER, *arguments]
            self.process = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=subprocess.STDOUT, env=environment)

    @property
    def said(self) -> str:
        return self.output.read_text()

    def wait_for_job(self, rule: str, state: str = "RUNNING", wildcards: str = "") -> QueuedJob:
        """The first job of a rule that SLURM has in this state."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for job in queue(self.folder):
                if (job.rule, job.state) == (rule, state) and wildcards in ("", job.wildcards):
                    return job
            assert self.process.poll() is None, self.said
            time.sleep(0.3)
        raise AssertionError(f"no job of {rule} became {state}\n{self.said}")

    def finish(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Exit code, once it ends; a run that hangs fails the test."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds:.0f} s\n{self.said[-4000:]}") from None

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def cluster_run(folder: Path, *arguments: str) -> Iterator[ClusterRun]:
    run = ClusterRun(folder, *arguments)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.kill()
            subprocess.run(["scancel", "--user=root"])


def succeed(folder: Path, *arguments: str) -> None:
    with cluster_run(folder, *arguments) as run:
        assert run.finish() == 0, run.said[-6000:]


def jobs_of(folder: Path) -> list[JobUsage]:
    """What accounting has of the jobs that were started from `folder`."""
    return usage_of(logged_jobs(folder / "logs/slurm"), folder)
