"""The made-up run that the report's tests read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from made_up_run import fabricate, make, make_page, report_commands


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up run with all figures and tables drawn, each by its program's own command."""
    folder = tmp_path_factory.mktemp("made-up")
    fabricate(folder)
    # The pipeline's figure asks the snakemake beside this Python.
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for name, arguments in report_commands(folder).items():
        done = make(folder, name, arguments)
        assert done.returncode == 0, f"{name}: {done.stderr}"
    return folder


@pytest.fixture(scope="session")
def page(results: Path) -> Path:
    """Its page."""
    done = make_page(results, results / "report.html")
    assert done.returncode == 0, done.stderr
    return results / "report.html"
