"""What a new environment gets its bytecode from, and where the first environment gets uv from."""

import subprocess
import sys
from pathlib import Path

import build_env

ROOT = Path(__file__).resolve().parents[2]


def test_the_lock_gives_uv_alone_with_its_hashes():
    lines = build_env.pinned_uv((ROOT / "envs/workflow.cpu.txt").read_text()).splitlines()
    assert lines[0].startswith("uv==") and all(line.startswith("    --hash=sha256:") for line in lines[1:])
    assert len(lines) > 5 and lines[-1][-1] != "\\"
    assert build_env.pinned_uv((ROOT / "envs/data.cpu.txt").read_text()) is None


def test_imports_are_the_programs_own_third_parties():
    statements = build_env.third_party_imports(ROOT / "workflow/scripts")
    assert {"from vllm import LLM", "from sentence_transformers import SentenceTransformer", "import polars as pl"} <= set(statements)
    roots = {statement.split()[1].split(".")[0] for statement in statements}
    assert not roots & (sys.stdlib_module_names | {"shopbench", "datasets", "figures", "synthetic"})


def test_bytecode_is_left_where_it_must_not_be_asked_for(tmp_path, monkeypatch):
    """An environment with one of the libraries, one that cannot be loaded, and none of the others."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path)], check=True)
    packages = next((tmp_path / "lib").glob("python*/site-packages"))
    for name, source in {"polars": "from . import inner", "torch": "raise SystemExit(3)"}.items():
        (packages / name).mkdir()
        (packages / name / "__init__.py").write_text(source)
    (packages / "polars/inner.py").write_text("")
    (packages / "polars/other.py").write_text("")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    build_env.leave_bytecode(tmp_path / "bin/python")
    assert sorted(file.name.split(".")[0] for file in packages.glob("polars/__pycache__/*.pyc")) == ["__init__", "inner"]


def test_a_lock_that_is_not_there_is_one_line(tmp_path):
    command = [sys.executable, build_env.__file__, "--lock", str(tmp_path / "no.txt"), "--environment", str(tmp_path / "env")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode != 0 and result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert not (tmp_path / "env").exists()
