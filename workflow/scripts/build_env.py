"""Build an environment from a lock with hashes.

    python workflow/scripts/build_env.py --lock envs/data.cpu.txt --environment .envs/data-cpu

Leaves the environment, and in it `lock.txt`, a copy of the lock, written last. uv is looked for beside this interpreter; where it is not
and the lock has it (envs/workflow.cpu.txt), pip installs that one for the time of the build; else it is looked for on PATH.

A machine whose package sources lack the CPU build of torch (the public index, for one) is served by uv's `--torch-backend cpu`: it is
tried when the first attempt fails. Flat folders of wheels that pip knows (PIP_FIND_LINKS) and its indexes (PIP_INDEX_URL,
PIP_EXTRA_INDEX_URL) are passed on to uv, which does not read pip's variables itself.

Bytecode is left for what the pipeline loads, and no more: a third of the model environment's 27,000 files.

Standard library alone: this program runs before any environment exists.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
PIP_TO_UV = {"PIP_FIND_LINKS": "UV_FIND_LINKS", "PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX"}
# What no program imports: loaded by its name, by `python -m` or by Snakemake and vLLM as they run.
LOADED_BY_NAME = (
    "import snakemake.cli, snakemake.profiles, snakemake.storage, snakemake.report.html_reporter, smart_open",
    "import accelerate.commands.launch",
    "import vllm.v1.worker.cpu_worker",
    "import vllm.v1.core.sched.scheduler, vllm.v1.structured_output.backend_lm_format_enforcer",
    "from vllm.model_executor.layers.quantization import get_quantization_config as get; get('gptq')",
)
# Without the collector of cycles the same imports take a sixth less. SystemExit is no Exception.
RUN_IMPORTS = """
import gc, sys
gc.disable()
for statement in sys.argv[1:]:
    try:
        exec(statement, {})
    except BaseException:
        pass
"""
# They take a minute at most here; a network file system may need several.
IMPORTS_SECONDS = 900


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


def pinned_uv(lock: str) -> str | None:
    """A lock's lines about uv (its pin and the hashes), or None where the lock has none."""
    found = re.search(r"^uv==(?:.*\\\n)*.*\n?", lock, re.M)
    return found and found.group()


@contextmanager
def uv_to_build(environment: Path, lock: Path) -> Iterator[str]:
    """Path of a uv that outlives the building of `environment`: an installed one, or the lock's own, fetched by pip for the time."""
    beside = Path(sys.executable).with_name("uv")
    pinned = pinned_uv(lock.read_text(encoding="utf-8"))
    # Who has .envs/workflow/bin on PATH runs the interpreter of the very environment that is replaced.
    if pinned is None or (beside.exists() and beside.parent.parent.resolve() != environment.resolve()):
        yield find_uv()
        return
    environment.parent.mkdir(parents=True, exist_ok=True)
    # Beside the environment: programs in /tmp may not be allowed to run.
    with tempfile.TemporaryDirectory(prefix="uv-", dir=environment.parent) as name:
        folder = Path(name)
        requirement = folder / "uv.txt"
        requirement.write_text(pinned, encoding="utf-8")
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        install = [str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        if subprocess.run([*install, "--require-hashes", "--requirement", str(requirement)]).returncode != 0:
            sys.exit(f"error: {lock}: pip could not install its uv; see the lines above")
        yield str(folder / "venv/bin/uv")


def third_party_imports(folder: Path) -> list[str]:
    """The import statements of all programs below `folder`, at any depth of their code, of what is neither Python's own nor theirs."""
    known = sys.stdlib_module_names | {path.stem for path in folder.iterdir()}
    statements = []
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            else:
                continue
            if not known.issuperset(module.split(".")[0] for module in modules):
                statements.append(ast.unparse(node))
    return list(dict.fromkeys(statements))


def leave_bytecode(interpreter: Path) -> None:
    """Import all that the programs import, once, so that jobs find the bytecode of what they load.

    What this environment lacks is passed over, and nothing here fails the build: a file without bytecode is only slower to load.
    """
    # Isolated (-I): nothing is imported from this folder, and PYTHONDONTWRITEBYTECODE, which container images like to set, has no effect.
    command = [str(interpreter), "-I", "-c", RUN_IMPORTS, *third_party_imports(SCRIPTS), *LOADED_BY_NAME]
    variables = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}
    quiet = subprocess.DEVNULL
    start = time.monotonic()
    try:
        result = subprocess.run(command, env=variables, stdin=quiet, stdout=quiet, stderr=quiet, timeout=IMPORTS_SECONDS)
        ended = f"ended with {result.returncode}" if result.returncode else "took"
    except subprocess.TimeoutExpired:
        ended = "were stopped"
    print(f"imports for bytecode {ended} after {time.monotonic() - start:.0f} s", file=sys.stderr)


def build(uv: str, lock: Path, environment: Path) -> None:
    """Replace the folder `environment` by what the lock says."""
    variables = uv_variables(dict(os.environ))
    subprocess.run([uv, "venv", "--clear", "--python", sys.executable, str(environment)], check=True, env=variables)
    interpreter = environment / "bin/python"
    install = [uv, "pip", "sync", "--require-hashes", "--python", str(interpreter), str(lock)]
    if subprocess.run(install, env=variables).returncode != 0:
        print("trying again with torch from its own index", file=sys.stderr)
        if subprocess.run([*install, "--torch-backend", "cpu"], env=variables).returncode != 0:
            sys.exit(f"error: {lock}: uv could not install it; see the lines above")
    leave_bytecode(interpreter)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lock", type=Path, required=True, help="requirements with hashes")
    parser.add_argument("--environment", type=Path, required=True, help="folder to build, replaced if it exists")
    arguments = parser.parse_args()
    if not arguments.lock.is_file():
        sys.exit(f"error: {arguments.lock}: no such lock; make it with `make locks`")

    copied_lock = arguments.environment / "lock.txt"
    copied_lock.unlink(missing_ok=True)
    with uv_to_build(arguments.environment, arguments.lock) as uv:
        build(uv, arguments.lock, arguments.environment)
    partial = copied_lock.with_name("lock.txt.partial")
    shutil.copyfile(arguments.lock, partial)
    partial.replace(copied_lock)


if __name__ == "__main__":
    main()
