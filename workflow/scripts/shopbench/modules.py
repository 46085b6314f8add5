"""The modules of datasets and of synthetic sets, loaded by path: a program is told which one it shall work with."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from shopbench.files import BadInput


def load_module(path: str | Path, *defined: str) -> ModuleType:
    """The module at a path. Raises BadInput for a missing one and for one that lacks a name of `defined`."""
    spec = spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None or not Path(path).is_file():
        raise BadInput(f"{path}: no such module; a dataset that is `planned` in config/datasets.tsv has none")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in defined:
        if not hasattr(module, name):
            raise BadInput(f"{path}: defines no {name}")
    return module
