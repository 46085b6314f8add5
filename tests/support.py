"""A copy of the checkout in which tests run Snakemake and edit files, so that the checkout itself stays as it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = ROOT.parent / "shared/data"
TINY = ["--configfile", "config/demo.yaml", "tests/config/tiny.yaml"]


def copy_checkout(target: Path) -> Path:
    """Copy all files that git knows or would add (modification times included), and link the built environments."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        source, copy = ROOT / name, target / name
        if source.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy, follow_symlinks=False)
    (ROOT / ".envs").mkdir(exist_ok=True)
    (target / ".envs").symlink_to(ROOT / ".envs")
    return target


def snakemake(folder: Path, *arguments: str, check: bool = True, timeout: int = 1500) -> subprocess.CompletedProcess:
    """Run Snakemake in `folder` with nothing in HOME; its output is in the result, and in the assertion when it fails."""
    cache = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache/uv"))
    environment = {**os.environ, "HOME": str(folder / ".home"), "UV_CACHE_DIR": cache}
    command = [sys.executable, "-m", "snakemake", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, timeout=timeout)
    assert not check or result.returncode == 0, f"{' '.join(arguments)} failed:\n{result.stdout[-4000:]}\n{result.stderr[-8000:]}"
    return result


def adopt_environments(folder: Path) -> None:
    """Tell Snakemake in a copy of the checkout that the environments which the checkout has already were made there too."""
    locks = [f".envs/{name}-cpu/lock.txt" for name in ("data", "language", "model", "report")]
    if made := [lock for lock in locks if (folder / lock).exists()]:
        snakemake(folder, "--touch", "--force", *made, *TINY, "--cores", "1")


def planned_jobs(folder: Path, *arguments: str) -> set[str]:
    """The jobs of a dry run, each as its rule with its wildcard values: {'train_adapter(v8)', ...}."""
    text = snakemake(folder, "--dry-run", *arguments).stdout
    jobs = set()
    # The jobs of a group are indented below it.
    for block in re.split(r"\n(?=(?: *\[.*\]\n)? *(?:local)?rule )", "\n" + text):
        if found := re.search(r"^ *(?:local)?rule (\w+):$", block, re.M):
            wildcards = re.search(r"^ +wildcards: (.*)$", block, re.M)
            values = re.findall(r"\w+=([^,\s]+)", wildcards.group(1)) if wildcards else []
            jobs.add(f"{found.group(1)}({', '.join(values)})")
    return jobs


@contextmanager
def edited(file: Path, change: Callable[[str], str]) -> Iterator[None]:
    """The file with its text changed, for the length of the block; content and time are put back."""
    before, times = file.read_bytes(), file.stat()
    file.write_text(change(before.decode()))
    try:
        yield
    finally:
        file.write_bytes(before)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def commented(text: str) -> str:
    return text + "\n# an edit\n"
