"""Make the pipeline's modules importable as its programs see them, and run the tiny pipeline once for all tests of a finished run."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from support import TINY, adopt_environments, copy_checkout, snakemake


def pytest_addoption(parser):
    parser.addoption("--finished-run", help="folder in which the tiny pipeline is run, or was run by an earlier session")
    parser.addoption("--write-examples", action="store_true", help="give each dataset module's docstring an example that it makes")


@pytest.fixture(scope="session")
def finished_run(request, tmp_path_factory):
    """A copy of the checkout with results/tiny complete: the whole graph on tests/config/tiny.yaml."""
    given = request.config.getoption("--finished-run")
    folder = Path(given).resolve() if given else tmp_path_factory.mktemp("pipeline")
    if (folder / "results/tiny/checked.json").exists():
        return folder
    copy_checkout(folder)
    adopt_environments(folder)
    snakemake(folder, *TINY, "--cores", "2", "--show-failed-logs")
    return folder


@pytest.fixture
def checkout(tmp_path):
    """A fresh copy of the checkout without results."""
    return copy_checkout(tmp_path)
