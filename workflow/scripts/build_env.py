"""Build an environment from a lock with hashes.

    python workflow/scripts/build_env.py --lock envs/data.cpu.txt --environment .envs/data-cpu

Leaves the environment, and in it `lock.txt`, a copy of the lock, written last. uv is looked for beside this interpreter, then on PATH.

A machine whose package sources lack the CPU build of torch (the public index, for one) is served by uv's `--torch-backend cpu`: it is
tried when the first attempt fails. Flat folders of wheels that pip knows (PIP_FIND_LINKS) and its indexes (PIP_INDEX_URL,
PIP_EXTRA_INDEX_URL) are passed on to uv, which does not read pip's variables itself.

Standard library alone: this program runs before any environment exists.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

PIP_TO_UV = {"PIP_FIND_LINKS": "UV_FIND_LINKS", "PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX"}


def find_uv() -> str:
    """Path of uv, beside this interpreter or on PATH."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        sys.exit("error: uv is missing; install envs/workflow.cpu.txt, which carries it, beside Snakemake")
    return found


def uv_variables(environment: dict[str, str]) -> dict[str, str]:
    """The process environment with pip's settings translated for uv, where uv has none of its own."""
    translated = {uv: environment[pip] for pip, uv in PIP_TO_UV.items() if pip in environment and uv not in environment}
    return {**environment, **translated}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lock", type=Path, required=True, help="requirements with hashes")
    parser.add_argument("--environment", type=Path, required=True, help="folder to build, replaced if it exists")
    arguments = parser.parse_args()
    if not arguments.lock.is_file():
        sys.exit(f"error: {arguments.lock}: no such lock; make it with `make locks`")

    uv = find_uv()
    variables = uv_variables(dict(os.environ))
    copied_lock = arguments.environment / "lock.txt"
    copied_lock.unlink(missing_ok=True)
    subprocess.run([uv, "venv", "--clear", "--python", sys.executable, str(arguments.environment)], check=True, env=variables)
    interpreter = str(arguments.environment / "bin/python")
    # Bytecode now, once, in place of seconds at the start of every job.
    install = [uv, "pip", "sync", "--compile-bytecode", "--require-hashes", "--python", interpreter, str(arguments.lock)]
    if subprocess.run(install, env=variables).returncode != 0:
        print("trying again with torch from its own index", file=sys.stderr)
        if subprocess.run([*install, "--torch-backend", "cpu"], env=variables).returncode != 0:
            sys.exit(f"error: {arguments.lock}: uv could not install it; see the lines above")
    partial = copied_lock.with_name("lock.txt.partial")
    shutil.copyfile(arguments.lock, partial)
    partial.replace(copied_lock)


if __name__ == "__main__":
    main()
