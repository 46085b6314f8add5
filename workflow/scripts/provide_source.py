"""Take one raw file that a person fetched from behind a login, check it, and copy it to its place.

Example:
    python workflow/scripts/provide_source.py --sources config/sources.tsv --source amazon_m2 --file products_train.csv \
        --provided downloads --output results/paper/raw/amazon_m2/products_train.csv

Reads <provided>/<source>/<file> and the file's row in config/sources.tsv. Leaves a copy, so that what was fetched by hand stays
untouched. If the file is not there, one line says where to get it and where to put it.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from shopbench.files import BadInput, progress, run_program, whole_file
from shopbench.source_table import find_source_file
from shopbench.transfer import check_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", required=True, help="the table of sources, config/sources.tsv")
    parser.add_argument("--source", required=True, help="name of the source")
    parser.add_argument("--file", required=True, help="upstream name of the file within the source")
    parser.add_argument("--provided", required=True, help="folder where the file lies, as <provided>/<source>/<file>")
    parser.add_argument("--output", required=True, help="file to write")
    args = parser.parse_args()

    row = find_source_file(args.sources, args.source, args.file)
    given = Path(args.provided) / row.source / row.file
    if not given.is_file():
        raise BadInput(f"{given}: not there. Get {row.file} from {row.address} ({row.how}) and put it at {given}")
    check_file(given, str(given), row.bytes, row.sha256)
    with whole_file(args.output) as partial:
        shutil.copyfile(given, partial)
    progress(f"{args.output}: {row.bytes or given.stat().st_size:,} bytes" + ("" if row.sha256 else "; no sha256 is published for it"))


if __name__ == "__main__":
    run_program(main)
