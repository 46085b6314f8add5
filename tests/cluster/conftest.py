"""A genuine SLURM for the session, and folders to run the pipeline in."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from support import adopt_environments, copy_checkout

sys.path.insert(0, str(Path(__file__).resolve().parent))

import emulated_slurm


@pytest.fixture(scope="session")
def slurm():
    try:
        with emulated_slurm.running():
            yield emulated_slurm
    except emulated_slurm.Refused as reason:
        pytest.exit(f"error: {reason}", returncode=2)


@pytest.fixture
def half_done(finished_run, tmp_path, slurm):
    """A copy of the finished run; a test takes away the results that it has made again."""
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder, symlinks=True, ignore=shutil.ignore_patterns("slurm-*", "snakemake-*"))
    return folder


@pytest.fixture(scope="module")
def cluster_folder(tmp_path_factory, slurm):
    """A fresh copy of the checkout."""
    folder = copy_checkout(tmp_path_factory.mktemp("cluster"))
    adopt_environments(folder)
    return folder
