"""config/sources.tsv: where each raw file comes from, and how to know that it is the right one.

Read when Snakemake reads the workflow, so it needs the standard library alone. A row is a file, or with `{category}` in its name one
file per category; a row that names one of those files in full says more about it (its hash, say) and takes the pattern's place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from shopbench.files import BadInput
from shopbench.tsv import read_rows

COLUMNS = ["source", "file", "kind", "repository", "revision", "address", "bytes", "sha256", "licence", "how"]
# What a row of each kind must say to be of use.
REQUIRED = {
    "hub": ("repository", "revision"),
    "github": ("repository", "revision", "address"),
    "https": ("address",),
    "provided": ("address",),
}
CATEGORY = "{category}"


class SourceFile(NamedTuple):
    """One raw file. It lies at <raw>/<source>/<file>; `bytes` and `sha256` are None where unknown, other unknown cells empty.

    kind: hub (a file of a dataset repository on the Hugging Face hub), github (a repository's file by `address`, large-file storage
    included), https (a plain address), provided (behind a login: a person puts it there).
    """

    source: str
    file: str
    kind: str
    repository: str
    revision: str
    address: str
    bytes: int | None
    sha256: str | None
    licence: str
    how: str


def read_source_table(path: str | Path, categories: Iterable[str]) -> list[SourceFile]:
    """The files in table order, `{category}` patterns expanded over `categories`.

    Raises BadInput that names the file, the row (the header is row 1) and the column.
    """
    rows = _rows(path)
    named = {(row.source, row.file) for row in rows}
    categories = list(categories)
    files = []
    for row in rows:
        if CATEGORY in row.file:
            expanded = [_of_category(row, category) for category in categories]
            files += [file for file in expanded if (file.source, file.file) not in named]
        else:
            files.append(row)
    return files


def find_source_file(path: str | Path, source: str, file: str) -> SourceFile:
    """The row of one file, whatever its category; BadInput if the table has none."""
    rows = [row for row in _rows(path) if row.source == source]
    if not rows:
        raise BadInput(f"{path}: no source '{source}' in it")
    for row in rows:
        if row.file == file:
            return row
    for row in rows:
        pattern = re.escape(row.file).replace(re.escape(CATEGORY), "([A-Za-z_]+)")
        if CATEGORY in row.file and (match := re.fullmatch(pattern, file)):
            return _of_category(row, match[1])
    raise BadInput(f"{path}: the source '{source}' has no file '{file}', only {', '.join(row.file for row in rows)}")


def source_names(files: Iterable[SourceFile], provided: bool) -> list[str]:
    """Names of the sources that a person provides, or of those that are downloaded."""
    return list(dict.fromkeys(file.source for file in files if (file.kind == "provided") == provided))


def _of_category(row: SourceFile, category: str) -> SourceFile:
    return row._replace(file=row.file.replace(CATEGORY, category), address=row.address.replace(CATEGORY, category))


def _rows(path: str | Path) -> list[SourceFile]:
    rows: list[SourceFile] = []
    for where, cells in read_rows(path, COLUMNS):
        row = _checked(cells, where)
        if any((row.source, row.file) == (other.source, other.file) for other in rows):
            raise BadInput(f"{where}, column file: {row.source}/{row.file} stands there twice")
        if any(row.source == other.source and (row.kind == "provided") != (other.kind == "provided") for other in rows):
            raise BadInput(f"{where}, column kind: a source is provided as a whole or not at all")
        rows.append(row)
    return rows


def _checked(row: dict[str, str], where: str) -> SourceFile:
    if row["kind"] not in REQUIRED:
        raise BadInput(f"{where}, column kind: '{row['kind']}' is none of {', '.join(REQUIRED)}")
    for column in ("source", "file", "licence", "how", *REQUIRED[row["kind"]]):
        if not row[column].strip():
            raise BadInput(f"{where}, column {column}: empty")
    if Path(row["file"]).is_absolute() or ".." in Path(row["file"]).parts:
        raise BadInput(f"{where}, column file: '{row['file']}' must be a path inside the source's folder")
    if row["address"] and not row["address"].startswith(("https://", "http://")):
        raise BadInput(f"{where}, column address: '{row['address']}' does not start with https://")
    if row["bytes"] and not row["bytes"].isdecimal():
        raise BadInput(f"{where}, column bytes: '{row['bytes']}' is not a whole number")
    if row["sha256"] and not re.fullmatch("[0-9a-f]{64}", row["sha256"]):
        raise BadInput(f"{where}, column sha256: '{row['sha256']}' is not 64 lower-case hexadecimal digits")
    source, file, kind, repository, revision, address, size, sha256, licence, how = row.values()
    known_size = int(size) if size else None
    return SourceFile(source, file, kind, repository, revision, address, known_size, sha256 or None, licence, how)
