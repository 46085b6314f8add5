"""Take a model or an adapter that the site already has, by links.

    python workflow/scripts/link_model.py --path /shared/models/Qwen2-72B-Instruct --output results/paper/base/qwen2-72b
    python workflow/scripts/link_model.py --adapter --path /shared/adapters/v7 --output results/paper/adapters/v7

Leaves a folder of symbolic links to the files of --path and a manifest.json with their sizes and sha256. Weights other than safetensors are
left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from shopbench.files import MANIFEST, progress, run_program, whole_folder
from shopbench.model_folder import WANTED, check_adapter, check_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path, required=True, help="folder that the site has")
    parser.add_argument("--adapter", action="store_true", help="the folder is a PEFT adapter, not a model")
    parser.add_argument("--output", type=Path, required=True, help="folder of links")
    args = parser.parse_args()

    source = args.path.expanduser().resolve()
    (check_adapter if args.adapter else check_model)(source)
    with whole_folder(args.output) as folder:
        for file in sorted(source.iterdir()):
            if file.is_file() and file.name != MANIFEST and any(file.match(pattern) for pattern in WANTED):
                (folder / file.name).symlink_to(file)
        progress(f"linked {source}; computing the files' sha256")


if __name__ == "__main__":
    run_program(main)
