"""Run one of the pipeline's programs inside the test process: its real `main`, real arguments, no new interpreter."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from types import SimpleNamespace
from unittest.mock import patch

from shopbench.files import one_line_errors


def run(program: str, *arguments: object) -> SimpleNamespace:
    """Like `subprocess.run`: an object with `returncode` and `stderr`. `program` is a file name below workflow/scripts."""
    main = importlib.import_module(program.removesuffix(".py")).main
    stderr, code = io.StringIO(), 0
    with patch.object(sys, "argv", [program, *map(str, arguments)]), contextlib.redirect_stderr(stderr):
        try:
            with one_line_errors():
                main()
        except SystemExit as stop:
            code = stop.code
    return SimpleNamespace(returncode=code, stderr=stderr.getvalue())
