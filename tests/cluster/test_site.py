"""The site file on a genuine cluster: what `make check-site` finds, and that account and QOS reach the jobs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import emulated_slurm
import pytest
import yaml
from cluster_runs import CONFIG, jobs_of, succeed

SITE = Path("profiles/slurm/partitions.yaml")
TABLE = "results/tiny/tables/mmlu.parquet"


@pytest.fixture
def site(half_done, tmp_path, monkeypatch):
    """A function that lays changes over the shipped site file and makes the result this site's."""

    def lay_over(partitions=None, **top):
        content = yaml.safe_load((half_done / SITE).read_text()) | top
        for name, changes in (partitions or {}).items():
            content["partitions"][name] = content["partitions"].get(name, {}) | changes
        path = tmp_path / "site.yaml"
        path.write_text(yaml.safe_dump(content))
        monkeypatch.setenv("SNAKEMAKE_SLURM_PARTITIONS", str(path))

    return lay_over


def check_site(folder, *more_config):
    command = [sys.executable, "workflow/scripts/check_site.py", *CONFIG, *more_config, "--profile", "profiles/slurm"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | {"HOME": str(folder / ".home")})


def errors(said):
    return [line for line in said.splitlines() if line.startswith("error: ")]


def test_the_shipped_file_fits_the_emulated_cluster(half_done):
    said = check_site(half_done)
    assert errors(said.stdout) == [] and said.returncode == 0, said.stdout + said.stderr


def test_what_would_fail_after_hours_is_said_in_seconds(half_done, site):
    # What is to do: training and all that follows.
    (half_done / "more.yaml").write_text("training: {epochs: 4}\n")
    site({"a100": {"max_runtime": 9999, "available_gpu_models": ["h100"]}, "long": {"max_runtime": 60}}, account="nobody")
    said = check_site(half_done, "more.yaml")
    assert said.returncode == 2
    found = "\n".join(errors(said.stdout))
    for words in (
        "partition a100: max_runtime 9999",
        "available_gpu_models has h100, its nodes have a100",
        "partition long does not exist; sinfo has cpu, a100, t4",
        "train_adapter gets no partition",
        "has no account nobody, but other",
    ):
        assert words in found, found


def test_account_and_qos_of_the_site_file_reach_the_job(half_done, site):
    (half_done / TABLE).unlink()
    site(account="other", qos="normal")
    succeed(half_done, TABLE)
    (job,) = jobs_of(half_done)
    assert emulated_slurm.run("sacct", "-X", "-n", "-P", "-j", job.job, "-o", "Account,QOS").strip() == "other|normal"
