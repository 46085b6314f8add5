"""Which local files a program depends on: found by walking its import statements.

A rule lists these as inputs, so that an edited line reruns exactly the jobs that it can change. Standard library alone; import statements
are found by their shape, since parsing 200 files would take a third of a dry run.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FROM = re.compile(r"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)", re.M)
IMPORT = re.compile(r"^[ \t]*import[ \t]+([\w., \t]+)", re.M)


@cache
def _direct(root: Path, file: Path) -> frozenset[Path]:
    """Files below `root` that `file` imports by name, at any depth of its code."""
    text = (root / file).read_text(encoding="utf-8")
    names = {name for line in IMPORT.findall(text) for name in re.findall(r"[\w.]+", line)}
    for module, imported in FROM.findall(text):
        names |= {module, *(f"{module}.{name}" for name in re.findall(r"\w+", imported))}
    return frozenset(found for name in names for found in _files_of(root, name))


@cache
def _files_of(root: Path, name: str) -> frozenset[Path]:
    """The module `name` and the packages that it lies in, as far as they are files below `root`."""
    parts = name.split(".")
    if not (root / parts[0]).is_dir() and not (root / f"{parts[0]}.py").is_file():
        return frozenset()
    bases = [Path(*parts[:depth]) for depth in range(1, len(parts) + 1)]
    return frozenset(p for base in bases for p in (base.with_suffix(".py"), base / "__init__.py") if (root / p).is_file())


def imports_of(root: Path, *programs: str) -> list[str]:
    """The programs, then every file below `root` in their import closure, sorted; paths start with `root`.

    Imports must be absolute (`from shopbench.files import ...`): relative ones are not followed. A missing program raises
    FileNotFoundError.
    """
    given = [Path(p) for p in programs]
    closure: set[Path] = set()
    todo = list(given)
    while todo:
        file = todo.pop()
        if file not in closure:
            closure.add(file)
            todo.extend(_direct(root, file))
    return [str(root / p) for p in given] + sorted(str(root / p) for p in closure - set(given))
