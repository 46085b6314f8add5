"""Pack one track's submission to the challenge: weights, code, entry point and what the evaluator reads of it.

    python workflow/scripts/pack_submission.py --track track2 --variant track24-awq --weights results/paper/quantized/track24-awq \\
      --settings '{"device": "cuda", "engine": {...}, "new_tokens": {...}, "constraints": "boost", "batch": 16}' --authors '["me"]' \\
      --requirements .envs/model-cuda/lock.txt --output results/paper/submissions/track2

Leaves a folder in the layout of the challenge's starter kit:

    aicrowd.json            which track, whose, with a GPU
    models/user_config.py   the entry point: UserModel
    requirements.txt        the model environment's lock
    settings.json           the engine's settings
    shopbench/              the modules that the entry point imports, and no others
    weights/                the model: hard links where the file system has them, so that five submissions take no more room than the models
    manifest.json           names, sizes and sha256 of all of it, written last

The weights' sha256 are those of their own manifest; nothing is read again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

from shopbench.challenge_model import SETTINGS, WEIGHTS
from shopbench.closure import imports_of
from shopbench.files import MANIFEST, check_manifest, progress, publish_folder, read_json, run_program, write_json
from shopbench.questions import CHALLENGE_PREFIX, CHALLENGE_TRACKS

PROGRAMS = Path(__file__).resolve().parent
ENTRY_POINT = "submission/user_config.py"
CHALLENGE_IDS = {track: CHALLENGE_PREFIX + name for name, track in CHALLENGE_TRACKS.items()} | {"track5": CHALLENGE_PREFIX + "all-around"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--track", choices=sorted(CHALLENGE_IDS), required=True, help="the track to submit to")
    parser.add_argument("--variant", required=True, help="name of the variant, for the description")
    parser.add_argument("--weights", type=Path, required=True, help="folder of the model, with its manifest.json")
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: device, engine, new_tokens, constraints, batch")
    parser.add_argument("--authors", type=json.loads, required=True, help="JSON list of names on the challenge's platform")
    parser.add_argument("--requirements", type=Path, required=True, help="lock of the environment that runs it")
    parser.add_argument("--output", type=Path, required=True, help="folder to leave")
    args = parser.parse_args()

    filled = args.output.with_name(f".{args.output.name}.partial")
    shutil.rmtree(filled, ignore_errors=True)
    digests = link_weights(args.weights, filled / WEIGHTS)
    copy_code(filled)
    write_json(filled / SETTINGS, args.settings)
    about = {"challenge_id": CHALLENGE_IDS[args.track], "authors": args.authors, "gpu": args.settings["device"] == "cuda"}
    write_json(filled / "aicrowd.json", about | {"description": f"{args.variant}, packed by shopbench"})
    shutil.copyfile(args.requirements, filled / "requirements.txt")
    publish_folder(filled, args.output, digests)
    progress(f"packed {args.output}: {about['challenge_id']}")


def link_weights(weights: Path, folder: Path) -> dict[str, str]:
    """Link the model's files into `folder`; their sha256 by path in the submission. Raises BadInput unless they are whole."""
    check_manifest(weights)
    folder.mkdir(parents=True)
    digests = {}
    for entry in read_json(weights / MANIFEST)["files"]:
        source, name = (weights / entry["name"]).resolve(), entry["name"]
        try:
            os.link(source, folder / name)
        except OSError:
            # Another file system, or one without hard links.
            (folder / name).symlink_to(source)
        digests[f"{WEIGHTS}/{name}"] = entry["sha256"]
    return digests


def copy_code(folder: Path) -> None:
    """The entry point where the evaluator looks for it, and its modules beside."""
    for file in imports_of(PROGRAMS, ENTRY_POINT):
        name = Path(file).relative_to(PROGRAMS)
        target = folder / ("models/user_config.py" if str(name) == ENTRY_POINT else name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    (folder / "models/__init__.py").touch()


if __name__ == "__main__":
    run_program(main)
