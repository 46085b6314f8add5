"""Take a model or an adapter that the site already has, by links.

    python workflow/scripts/link_model.py --path /shared/models/Qwen2-72B-Instruct --output results/paper/base/qwen2-72b
    python workflow/scripts/link_model.py --adapter --path /shared/adapters/v7 --output results/paper/adapters/v7

Leaves a folder of symbolic links to the files of --path and a manifest.json with their sizes and sha256. Weights other than safetensors are
left out. With --sha256, files other than those meant are refused.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from shopbench.files import progress, run_program, whole_folder
from shopbench.model_folder import check_adapter, check_digest, check_model, wanted_files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path, required=True, help="folder that the site has")
    parser.add_argument("--adapter", action="store_true", help="the folder is a PEFT adapter, not a model")
    parser.add_argument("--sha256", help="what the files must have, as model_folder.folder_digest computes it")
    parser.add_argument("--output", type=Path, required=True, help="folder of links")
    args = parser.parse_args()

    source = args.path.expanduser().resolve()
    (check_adapter if args.adapter else check_model)(source)
    if args.sha256:
        check_digest(source, args.sha256)
    with whole_folder(args.output) as folder:
        for file in wanted_files(source):
            (folder / file.name).symlink_to(file)
        progress(f"linked {source}; computing the files' sha256")


if __name__ == "__main__":
    run_program(main)
