"""The made-up run that the report's tests read."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_run import fabricate, outputs, report_commands, run_program


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up run with all figures and tables drawn, each by its program's own command."""
    folder = tmp_path_factory.mktemp("made-up")
    fabricate(folder)
    for name, arguments in report_commands(folder).items():
        done = run_program(f"figures/{name}.py", *arguments, *outputs(folder, name))
        assert done.returncode == 0, f"{name}: {done.stderr}"
    return folder
