"""Many paths in one line, as a shell would expand it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath


def braced(paths: Iterable[str]) -> list[str]:
    """Paths with those of one folder and ending brought together: a/{x,y}.json. Folders with the same files join: {a,b}/{x,y}.json."""
    names: dict[tuple[str, str], list[str]] = {}
    for path in map(PurePosixPath, paths):
        names.setdefault((str(path.parent), path.suffix), []).append(path.stem)
    folders: dict[tuple[str, str], list[str]] = {}
    for (folder, suffix), stems in names.items():
        folders.setdefault((one_of(stems) + suffix, str(PurePosixPath(folder).parent)), []).append(PurePosixPath(folder).name)
    return [str(PurePosixPath(above) / one_of(members) / files) for (files, above), members in folders.items()]


def one_of(names: list[str]) -> str:
    """A name, or {several,of,them}."""
    return names[0] if len(names) == 1 else "{" + ",".join(names) + "}"
