"""Write the card of a dataset, for people (Markdown) and for programs (JSON).

    python workflow/scripts/describe_dataset.py --dataset datasets/title_brand.parquet \\
        --row '{"dataset": "title_brand", "source": "esci", "asks": "which brand a title is of", "size": 10000, ...}' \\
        --sources '{"esci": {"licences": ["Apache-2.0"], "simulated": false}}' --tables tables/esci_products.parquet \\
        --base base/qwen2-72b --code workflow/scripts/build_dataset.py workflow/scripts/datasets/title_brand.py \\
        --json cards/datasets/title_brand.json --page cards/datasets/title_brand.md

Reads the dataset with the facts in its metadata, the facts of its tables, the base model's tokenizer.json, and the files of --code for
their hashes. Keys of the JSON:

    dataset, register    its name and its row of config/datasets.tsv rows                 wanted, rows (made), shortfall, candidates,
    skipped (candidates not asked, by reason), validation_rows, llm (rows that
                         a language model helped to make, and how many by use)
    counts               rows by task_type, locale, dataset, split and source (the raw source), each value to its number
    tokens               prompt and completion: percentiles 5, 25, 50, 75, 95, 99 and max of the length in tokens of what the model sees
    samples              the three rows whose ids have the lowest hashes, as the model sees them
    tables               by table: rows_read and rows_kept of its raw files, broken and skipped by reason (null where a table does not say)
    sources              by raw source: licences, simulated (whether this run made the source up)
    sha256               result, inputs and code: each file's path to its SHA-256

What a card should say: M. Pushkarna et al., Data Cards (2022).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from shopbench.cards import COLUMNS, hashes, page, read_tokenizer, reasons, row_counts, samples, shared_sections, table, token_percentiles
from shopbench.files import run_program, whole_text, write_json
from shopbench.tables import facts_of, read_table

# What a language model did for a row; one row may have had several.
LANGUAGE_MODEL = {
    "rows": "made with its help",
    "build": "question written by it",
    "enrich": "detail named by it",
    "reword": "asked in its words",
}
TABLE_FACTS = ("rows_read", "rows_kept", "broken", "skipped")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True, help="the dataset (Parquet)")
    parser.add_argument("--row", required=True, type=json.loads, help="its row of config/datasets.tsv, JSON")
    parser.add_argument("--sources", required=True, type=json.loads, help="licences and simulated by raw source, JSON")
    parser.add_argument("--tables", required=True, nargs="+", help="the tables that it was built from (Parquet)")
    parser.add_argument("--base", required=True, help="folder of the base model, for its tokenizer")
    parser.add_argument("--code", required=True, nargs="+", help="the files that built it")
    parser.add_argument("--json", required=True, help="card to write, JSON")
    parser.add_argument("--page", required=True, help="card to write, Markdown")
    args = parser.parse_args()

    rows = read_table(args.dataset, COLUMNS)
    facts = {path: facts_of(path) for path in args.tables}
    card = {
        "dataset": args.row["dataset"],
        "register": args.row,
        "rows": facts_of(args.dataset),
        "counts": row_counts(rows),
        "tokens": token_percentiles(rows, read_tokenizer(args.base)),
        "samples": samples(rows),
        "tables": {Path(path).stem: {key: found.get(key) for key in TABLE_FACTS} for path, found in facts.items()},
        "sources": args.sources,
        "sha256": {
            "result": hashes([args.dataset]),
            "inputs": hashes([*args.tables, Path(args.base) / "tokenizer.json"]),
            "code": hashes(args.code),
        },
    }
    with whole_text(args.page) as stream:
        stream.write(dataset_page(card))
    write_json(args.json, card)


def dataset_page(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    register, rows = card["register"], card["rows"]
    words = f"Asks {register['asks']} ({', '.join(register[key] for key in ('source', 'task_type', 'track', 'cluster'))})."
    made = [(key, rows[key]) for key in ("wanted", "rows", "shortfall", "candidates")]
    skipped = [(f"skipped: {reason}", number) for reason, number in rows["skipped"].items()]
    tables = [
        (
            name,
            *("not said" if (found := facts[key]) is None else reasons(found) if isinstance(found, dict) else found for key in TABLE_FACTS),
        )
        for name, facts in card["tables"].items()
    ]
    sections = {
        "Rows": table(["", "rows"], [("published", register["size"]), *made, *skipped]),
        "Language model": table(["", "rows"], [(what, rows["llm"][key]) for key, what in LANGUAGE_MODEL.items()]),
        "Tables that it was drawn from": table(["table", "rows read", "rows kept", "broken", "skipped"], tables),
        **shared_sections(card),
    }
    return page(card["dataset"], words, sections)


if __name__ == "__main__":
    run_program(main)
