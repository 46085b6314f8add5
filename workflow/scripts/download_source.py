"""Download one raw file of one source, and check its size and SHA-256 where they are known.

Example:
    python workflow/scripts/download_source.py --sources config/sources.tsv --source mmlu \
        --file all/test-00000-of-00001.parquet --output results/paper/raw/mmlu/all/test-00000-of-00001.parquet

Reads the file's row in config/sources.tsv: a pinned revision on the Hugging Face hub, or an address. Leaves the file. A transfer that
breaks off goes on where it ended, in this run and in the next (the bytes wait in a hidden folder beside the output); a file that is
not the expected one is removed and named with both hashes.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from shopbench.files import BadInput, progress, run_program
from shopbench.source_table import SourceFile, find_source_file
from shopbench.transfer import check_file, fetch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", required=True, help="the table of sources, config/sources.tsv")
    parser.add_argument("--source", required=True, help="name of the source")
    parser.add_argument("--file", required=True, help="upstream name of the file within the source")
    parser.add_argument("--output", required=True, help="file to write")
    parser.add_argument("--attempts", type=int, default=6, help="how often a broken transfer is taken up again in this run")
    parser.add_argument("--wait", type=float, default=2.0, help="seconds before the second attempt; each later wait is twice as long")
    args = parser.parse_args()

    row = find_source_file(args.sources, args.source, args.file)
    output = Path(args.output)
    unfinished = output.with_name(f".{output.name}.download")
    unfinished.mkdir(parents=True, exist_ok=True)
    arrived = download(row, unfinished, args.attempts, args.wait)
    try:
        check_file(arrived, f"{row.source}/{row.file}", row.bytes, row.sha256)
        os.replace(arrived, output)
    finally:
        # Whole and right, or whole and wrong: in both cases there is nothing to go on with.
        shutil.rmtree(unfinished)
    progress(f"{output}: {output.stat().st_size:,} bytes" + ("" if row.sha256 else "; no sha256 is published for it"))


def download(row: SourceFile, folder: Path, attempts: int, wait_seconds: float) -> Path:
    """Fetch the file below `folder`, where an earlier run may have left its first part, and return its path."""
    if row.kind == "provided":
        raise BadInput(f"{row.source}/{row.file}: behind a login, so it cannot be downloaded; {row.how}")
    if row.kind == "hub":
        return _from_hub(row, folder)
    part = folder / "part"
    fetch(row.address, part, attempts, wait_seconds)
    return part


def _from_hub(row: SourceFile, folder: Path) -> Path:
    """One file of a dataset repository; huggingface_hub keeps and continues its own unfinished files below `folder`."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(row.repository, row.file, repo_type="dataset", revision=row.revision, local_dir=folder))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise BadInput(f"hub {row.repository}, {row.file} at {row.revision}: {error}. Run again: it goes on where it ended") from None


if __name__ == "__main__":
    run_program(main)
