"""A filled folder put in its place, its big files hashed already: to read 144 GB again for the manifest takes as long as a merge."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from shopbench.files import MANIFEST, sha256_of, write_json


def publish_folder(filled: Path, output: Path, digests: Mapping[str, str]) -> None:
    """Give `filled` its manifest and the place of `output`, on the same file system: whole or absent, as with `files.whole_folder`.

    `digests` has the SHA-256, by name, of files that were hashed while they were written.
    """
    names = sorted(str(path.relative_to(filled)) for path in filled.rglob("*") if path.is_file() and path.name != MANIFEST)
    rows = [{"name": n, "bytes": (filled / n).stat().st_size, "sha256": digests.get(n) or sha256_of(filled / n)} for n in names]
    write_json(filled / MANIFEST, {"files": rows})
    shutil.rmtree(output, ignore_errors=True)
    os.replace(filled, output)
