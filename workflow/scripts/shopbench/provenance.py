"""What made a figure or a table: its program and all that the program imports, its environment's lock, the files that it read."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

from shopbench.closure import imports_of
from shopbench.files import sha256_of

# Digits of a hash that people compare.
DIGITS = 12
SCRIPTS = Path("workflow/scripts")


def made_from(told: dict[str, Any], left: list[str]) -> dict[str, Any]:
    """What Snakemake's rule told (rule, program, lock, reads), the hashes of the code and of the lock, and the files that were left."""
    files = imports_of(SCRIPTS, str(Path(told["program"]).relative_to(SCRIPTS)))
    lock = {"lock_sha256": sha256_of(told["lock"])[:DIGITS]} if told["lock"] else {}
    return {**told, **lock, "code": code_version(files), "files": len(files), "left": left}


def code_version(files: list[str]) -> str:
    """A hash over the files' names and bytes: `sha256sum <files> | sha256sum` gives it."""
    listed = "".join(f"{sha256_of(file)}  {file}\n" for file in files)
    return hashlib.sha256(listed.encode()).hexdigest()[:DIGITS]


def commit() -> str:
    """The checkout's commit, with a word if files were edited since; nothing outside a checkout."""
    try:
        told = subprocess.run(["git", "describe", "--always", "--abbrev=12", "--dirty=, edited"], capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""
