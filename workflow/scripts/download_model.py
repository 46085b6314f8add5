"""Download a pinned snapshot of a model from the Hugging Face hub.

    python workflow/scripts/download_model.py --hub Qwen/Qwen2-72B-Instruct --revision c867f763ef53f2ea9d9b31ee8501273dedd391eb \
      --parts results/paper/.parts --output results/paper/base/qwen2-72b

Leaves the repository's configuration, tokenizer and safetensors weights with a manifest.json. What has arrived stays under --parts, and a
rerun goes on from there. A gated model needs a token, which the hub's library finds by itself (HF_TOKEN, or under HF_HOME).
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from shopbench.files import BadInput, Parts, progress, run_program, whole_folder
from shopbench.model_folder import WANTED, check_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hub", required=True, help="repository, owner/name")
    parser.add_argument("--revision", required=True, help="commit, 40 hexadecimal digits")
    parser.add_argument("--parts", type=Path, required=True, help="folder for what has arrived")
    parser.add_argument("--output", type=Path, required=True, help="folder of the model")
    args = parser.parse_args()

    parts = Parts(args.parts, "download_model", args.hub, args.revision)
    download(args.hub, args.revision, parts.folder)
    check_model(parts.folder)
    with whole_folder(args.output) as folder:
        for file in sorted(arrived(parts.folder)):
            place(file, folder / file.relative_to(parts.folder))
        progress("all files are there; computing their sha256")
    parts.discard()


def download(hub: str, revision: str, folder: Path) -> None:
    """Fetch the wanted files into `folder`, going on from what an earlier run left there."""
    try:
        snapshot_download(hub, revision=revision, local_dir=folder, allow_patterns=WANTED, ignore_patterns=["original/*"])
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise BadInput(f"{hub} at {revision}: not downloaded ({error}); see the name, the network and, if it is gated, the token") from None


def arrived(folder: Path) -> list[Path]:
    """The downloaded files, without the hub library's own notes in `.cache`."""
    return [file for file in folder.rglob("*") if file.is_file() and ".cache" not in file.relative_to(folder).parts]


def place(source: Path, target: Path) -> None:
    """Link a file into the output (copy it on another file system), so that the download survives if this run is killed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    run_program(main)
