"""Where the tests' SLURM is not started."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cluster"))

import emulated_slurm
from emulated_slurm import Refused, check_machine


@pytest.fixture
def complete(monkeypatch, tmp_path):
    """A machine with all packages, root's rights and an empty /etc/slurm, which is returned."""
    monkeypatch.setattr(emulated_slurm, "missing_packages", lambda: [])
    monkeypatch.setattr(emulated_slurm.os, "geteuid", lambda: 0)
    monkeypatch.setattr(emulated_slurm, "SYSTEM", tmp_path / "etc")
    monkeypatch.setattr(emulated_slurm, "HOME", tmp_path / "home")
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc"


def test_a_complete_machine_is_taken(complete):
    check_machine()


def test_a_machine_of_a_real_cluster_is_refused(complete):
    (complete / "slurm.conf").write_text("ClusterName=real\n")
    with pytest.raises(Refused, match="belongs to a SLURM cluster"):
        check_machine()


def test_what_an_earlier_start_left_is_no_real_cluster(complete):
    (complete.parent / "home/etc").mkdir(parents=True)
    (complete.parent / "home/etc/slurm.conf").touch()
    (complete / "slurm.conf").symlink_to(complete.parent / "home/etc/slurm.conf")
    check_machine()


def test_missing_packages_are_named(complete, monkeypatch):
    monkeypatch.setattr(emulated_slurm, "missing_packages", lambda: ["munge", "slurmd"])
    with pytest.raises(Refused, match="apt-get install --no-install-recommends munge slurmd"):
        check_machine()


def test_programs_that_are_nowhere_name_their_packages(monkeypatch, tmp_path):
    monkeypatch.setattr(emulated_slurm.shutil, "which", lambda name, path: None)
    assert emulated_slurm.missing_packages() == ["mariadb-server", "munge", "slurm-client", "slurmctld", "slurmd", "slurmdbd"]
