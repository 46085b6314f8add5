"""Does a demo base that was trained anew score like the one that is shipped?

    python workflow/scripts/compare_base.py --shipped workflow/demo_base_scores.json \\
      --scores results/demo-base/scores/validation/base-strict.json results/demo-base/scores/development/base-strict.json

Reads score files of score.py and prints, by evaluation set and task type, the trivial answer's score, the shipped model's with its 95 %
interval, and the new one's. Exit code 1 if a new score lies outside of the shipped one's interval. With --write, the score files are those
of a model to be shipped, and --shipped is written: {set: {task type: {score, low, high, trivial, tasks, n}}}.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from shopbench.files import BadInput, read_json, run_program, write_json
from shopbench.type_scores import by_type


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shipped", required=True, type=Path, help="the shipped model's scores (JSON)")
    parser.add_argument("--scores", required=True, nargs="+", type=Path, help="score files of the new model, one an evaluation set")
    parser.add_argument("--write", action="store_true", help="write --shipped instead of reading it")
    parser.add_argument("--bootstrap", type=int, default=2000, help="resamples of the bootstrap (number)")
    args = parser.parse_args()

    files = [read_json(path) for path in args.scores]
    found = {scores["set"]: by_type(scores, args.bootstrap) for scores in files}
    if args.write:
        write_json(args.shipped, found)
        return
    shipped = read_json(args.shipped)
    outside = 0
    print(f"{'set':12} {'task type':26} {'n':>5} {'trivial':>8}  shipped [95 % interval]   trained anew")
    for set_name, types in found.items():
        if set_name not in shipped:
            raise BadInput(f"{args.shipped}: no scores of set {set_name}; it has {', '.join(shipped)}")
        for task_type, new in types.items():
            old = shipped[set_name].get(task_type)
            if old is None or old["n"] != new["n"]:
                raise BadInput(f"{args.shipped}: not the same {task_type} questions of set {set_name}; score the shipped model again")
            verdict = "" if old["low"] <= new["score"] <= old["high"] else "  outside"
            outside += bool(verdict)
            interval = f"{old['score']:.3f} [{old['low']:.3f}, {old['high']:.3f}]"
            print(f"{set_name:12} {task_type:26} {new['n']:5} {new['trivial']:8.3f}  {interval:23} {new['score']:14.3f}{verdict}")
    if outside:
        print(f"{outside} of the new scores lie outside of the shipped model's intervals")
        sys.exit(1)


if __name__ == "__main__":
    run_program(main)
