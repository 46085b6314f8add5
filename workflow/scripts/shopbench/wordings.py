"""What a dataset's module says in words, found without running it: rules name it, so that only another wording asks a language model anew.

Used when Snakemake reads the workflow, so it needs the standard library alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from shopbench.files import digest_of

# What a wording is put together from.
TEXT = (ast.Constant, ast.BinOp, ast.Add, ast.List, ast.Name, ast.Load, ast.JoinedStr, ast.FormattedValue)


def wordings_hash(modules: Iterable[str | Path]) -> str:
    """A hash of all texts that the modules hold at their top level: it changes when a wording does, and with nothing else of their code."""
    return digest_of([[Path(module).stem, *texts_of(Path(module))] for module in modules])


def texts_of(module: Path) -> Iterator[str]:
    """The module's assignments of texts and of lists of texts, as Python writes them, whatever their layout."""
    for statement in ast.parse(module.read_text(encoding="utf-8")).body:
        nodes = list(ast.walk(statement.value)) if isinstance(statement, ast.Assign) else []
        holds_text = any(isinstance(node, ast.Constant) and isinstance(node.value, str) for node in nodes)
        if holds_text and all(isinstance(node, TEXT) for node in nodes):
            yield ast.unparse(statement)
