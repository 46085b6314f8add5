"""The import closure of a program: what a rule depends on."""

from pathlib import Path

import pytest

from shopbench.closure import imports_of

ROOT = Path(__file__).resolve().parents[2]


def test_follows_imports_of_imports_and_nothing_else(tmp_path):
    (tmp_path / "lib").mkdir()
    for name, text in {
        "a.py": "import json\nfrom lib.b import x\n",
        "lib/__init__.py": "",
        "lib/b.py": "def f():\n    from lib import c\n",
        "lib/c.py": "",
        "lib/unused.py": "",
    }.items():
        (tmp_path / name).write_text(text)
    assert [str(Path(p).relative_to(tmp_path)) for p in imports_of(tmp_path, "a.py")] == ["a.py", "lib/__init__.py", "lib/b.py", "lib/c.py"]


def test_a_missing_program_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        imports_of(tmp_path, "absent.py")


def test_training_depends_on_few_small_modules():
    """A training run costs days: print what an edit of would repeat it, and keep the list short."""
    closure = imports_of(ROOT / "workflow/scripts", "train_adapter.py")
    names = [str(Path(p).relative_to(ROOT / "workflow/scripts")) for p in closure]
    print("\n".join(names))
    assert len(names) <= 11, names
    assert sum(len(Path(p).read_text().splitlines()) for p in closure) < 1300
