"""What a language model was asked for, and what became of its answers: kept, or not, by reason.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/language_model.py --run '{"name": "demo", "simulated": true}' \\
      --synthetic results/demo/synthetic/*.jsonl --register config/synthetic.tsv --table language_model.tsv

Reads the verdicts of the synthetic sets. Leaves a table with columns set, use, model, requests, kept, share (percent of the requests),
not_kept_because (number by reason, the most frequent first), and a last row of sums; the header alone in a run without a language model.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from shopbench.files import BadInput, run_program
from shopbench.language_model.kept import KEPT
from shopbench.report_data import figure_arguments, write_table
from shopbench.synthetic_table import read_synthetic_table

COLUMNS = ["set", "use", "model", "requests", "kept", "share", "not_kept_because"]


def verdicts_of(path: Path) -> tuple[Counter[str], set[str]]:
    """How often each verdict stands in a synthetic set, and the models that were asked."""
    verdicts: Counter[str] = Counter()
    models: set[str] = set()
    with path.open(encoding="utf-8") as stream:
        for number, text in enumerate(stream, start=1):
            try:
                line = json.loads(text)
                verdicts[line["verdict"]] += 1
                models.add(line["model"]["name"])
            except (ValueError, KeyError, TypeError):
                raise BadInput(f"{path}, line {number}: no line of a synthetic set; delete the file and run again") from None
    return verdicts, models


def table_row(name: str, use: str, verdicts: Counter[str], models: set[str]) -> dict[str, Any]:
    """One set's counts."""
    requests, kept = verdicts.total(), verdicts[KEPT]
    reasons = [(reason, count) for reason, count in verdicts.most_common() if reason != KEPT]
    return {
        "set": name,
        "use": use,
        "model": ", ".join(sorted(models)),
        "requests": requests,
        "kept": kept,
        "share": f"{100 * kept / requests:.1f}" if requests else None,
        "not_kept_because": "; ".join(f"{reason}: {count}" for reason, count in reasons),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synthetic", nargs="*", default=[], type=Path, help="synthetic sets (JSON lines, named by set)")
    parser.add_argument("--register", required=True, help="config/synthetic.tsv")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    register = read_synthetic_table(args.register)
    rows, total, asked = [], Counter[str](), set[str]()
    for path in args.synthetic:
        verdicts, models = verdicts_of(path)
        rows.append(table_row(path.stem, register[path.stem]["use"], verdicts, models))
        total += verdicts
        asked |= models
    write_table(args.table, COLUMNS, [*rows, table_row("all", "", total, asked)] if rows else [])


if __name__ == "__main__":
    run_program(main)
