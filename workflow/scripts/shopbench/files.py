"""Files that are whole or absent, folders with manifests, and errors in one line.

Every program of the pipeline writes through this module, so that a reader (or a rerun after a kill) never meets half a file. It needs
the standard library alone and is imported by nearly everything.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

MANIFEST = "manifest.json"
# Under this key in its metadata, a Parquet file of this project says how it was made.
FACTS_KEY = "shopbench"


class BadInput(Exception):
    """Something a user can mend: the message says which file, which row or key, and what to do."""


def run_program(main: Callable[[], None]) -> None:
    """Call `main`, then end the process; a `BadInput` and a full disk become one line on stderr and exit code 2."""
    with one_line_errors():
        main()
        leave()


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Around a program's work: what a user can mend ends it with one line on stderr and exit code 2."""
    try:
        yield
    except BadInput as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        full = full_disk(error)
        if not full:
            raise
        print(f"error: {full}: nothing half-written is left; make room where results and parts lie, and run again", file=sys.stderr)
        sys.exit(2)


def leave() -> None:
    """End the process with exit code 0: all that registered for the end is called, but no module taken apart.

    Python does that last, for memory that is freed anyway: with vLLM's modules, a sixth more CPU time for a process that starts an engine
    and ends (benchmarks/bench_loading.py).
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def full_disk(error: BaseException | None) -> str | None:
    """The system's words for a full disk or quota, if that is what `error` comes from; polars, safetensors and torch wrap it."""
    while error:
        for words in map(os.strerror, (errno.ENOSPC, errno.EDQUOT)):
            if words in str(error):
                return words
        error = error.__cause__ or error.__context__
    return None


def progress(message: str) -> None:
    """One line on stderr, at once, so that a log file shows how far a job is."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a sibling path to write to; it becomes `path` only when the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_text(path: str | Path) -> Iterator[TextIO]:
    """`whole_file`, opened for UTF-8 text."""
    with whole_file(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as stream:
        yield stream


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON, keys in their given order, whole or not at all."""
    with whole_text(path) as stream:
        json.dump(value, stream, indent=2, ensure_ascii=False)
        stream.write("\n")


def write_jsonl(path: str | Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object a line, whole or not at all."""
    with whole_text(path) as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file; a missing or broken one is a `BadInput` that names it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except ValueError as error:
        raise BadInput(f"{path}: not JSON ({error})") from None


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    """Read JSON lines; a broken line is a `BadInput` that names file and line."""
    rows = []
    try:
        with Path(path).open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    try:
                        rows.append(json.loads(line))
                    except ValueError as error:
                        raise BadInput(f"{path}, line {number}: not JSON ({error})") from None
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    return rows


def sha256_of(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in 1 MiB pieces."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def write_manifest(folder: str | Path, digests: Mapping[str, str] | None = None) -> None:
    """List every file below `folder` (name, bytes, sha256) in its `manifest.json`, written last.

    `digests` has the SHA-256, by name, of files that were hashed while they were written: to read 144 GB again takes as long as a merge.
    """
    folder, known = Path(folder), digests or {}
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    files = [{"name": n, "bytes": (folder / n).stat().st_size, "sha256": known.get(n) or sha256_of(folder / n)} for n in names]
    write_json(folder / MANIFEST, {"files": files})


def check_manifest(folder: str | Path) -> None:
    """Raise `BadInput` unless every file of the folder's manifest is there with its size."""
    folder = Path(folder)
    for entry in read_json(folder / MANIFEST)["files"]:
        file = folder / entry["name"]
        if not file.is_file():
            raise BadInput(f"{file}: listed in {MANIFEST} but missing; delete {folder} and rerun")
        if file.stat().st_size != entry["bytes"]:
            raise BadInput(f"{file}: {file.stat().st_size} bytes, {MANIFEST} says {entry['bytes']}; delete {folder} and rerun")


@contextmanager
def whole_folder(folder: str | Path) -> Iterator[Path]:
    """Yield an empty sibling folder to fill; with its manifest it replaces `folder` when the block ends without an error."""
    folder = Path(folder)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        publish_folder(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def publish_folder(filled: Path, folder: Path, digests: Mapping[str, str] | None = None) -> None:
    """Give `filled` its manifest (`digests` as there) and then the place of `folder`, on the same file system: whole or absent."""
    _open_to_readers(filled)
    write_manifest(filled, digests)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(filled, folder)


def _open_to_readers(folder: Path) -> None:
    """Give files the permissions that the user's umask allows: safetensors writes 0600, which colleagues on a cluster cannot read."""
    umask = os.umask(0)
    os.umask(umask)
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            file.chmod(0o666 & ~umask)


def digest_of(*values: Any) -> str:
    """A short stable hash of JSON-able values: the key of a cache or parts folder."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Parts:
    """What must survive a failure: finished pieces under an undeclared folder, keyed by all that they depend on.

    Snakemake deletes declared outputs before a rerun. A trainer's checkpoints, answered prompts and finished shards lie here instead, under
    `<root>/<rule>/<hash of key>/`, and the declared output is assembled from them at the end. `discard` removes the folder after success.
    """

    def __init__(self, root: str | Path, rule: str, *key: Any) -> None:
        self.folder = Path(root) / rule / digest_of(*key)
        self.folder.mkdir(parents=True, exist_ok=True)

    def discard(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def append(self, name: str, row: dict[str, Any]) -> None:
        """Append one JSON line and flush it: a kill loses at most the line being written."""
        with (self.folder / name).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The lines appended so far. A last line torn by a kill is cut off, so that the next append starts on a line of its own."""
        path = self.folder / name
        if not path.exists():
            return []
        text = path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            os.truncate(path, len(whole))
        return [json.loads(line) for line in whole.splitlines()]
