"""Write the card of a blend, for people (Markdown) and for programs (JSON): what is in it, and how it covers the challenge.

    python workflow/scripts/describe_blend.py --blend blends/v7.parquet --description 'All tasks.' \\
        --sources '{"esci": {"licences": ["Apache-2.0"], "simulated": false}}' --datasets datasets/*.parquet \\
        --evaluation evaluation/development.parquet --base base/qwen2-72b --code workflow/scripts/blend_datasets.py \\
        --json cards/v7.json --page cards/v7.md

Reads the blend with the facts in its metadata, the development set (of --evaluation, by its name), the base model's tokenizer.json; and
all files named, for their hashes. Keys of the JSON:

    blend, description   its name, and why this mix
    rows, seed           rows of the blend; seed of its choice and order
    removed              totals, and by dataset: available, duplicates, overlap by evaluation set, over_cap, taken, llm (taken rows that a
                         language model helped to make)
    counts               rows by task_type, locale, dataset, split and source (the raw source), each value to its number
    tokens               prompt and completion: percentiles 5, 25, 50, 75, 95, 99 and max of the length in tokens of what the model sees
    samples              the three rows whose ids have the lowest hashes, as the model sees them
    coverage             null in a run without the development set, else
        method           how the similarity is measured, in one sentence
        prompts          the blend's prompts that were compared
        task_types       by task type: rows of the blend, questions of the development set
        tasks            by task of the development set: track, task_type, items, similarity, nearest (dataset and share)
    sources              by raw source: licences, simulated (whether this run made the source up)
    sha256               result, inputs and code: each file's path to its SHA-256

Method of the coverage: TF-IDF vectors of one and two words in a row, fitted on the compared prompts of the blend (a hash sample of at
most 20,000) and the development set's; for each development item the highest cosine with any of them, averaged over the task's items. It
measures wording as well as content: an instruction in the challenge's words scores high whatever it is about. What a card should say:
M. Pushkarna et al., Data Cards (2022).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import polars as pl

from shopbench.cards import (
    COLUMNS,
    counts,
    hashes,
    lowest_hashes,
    page,
    read_tokenizer,
    reasons,
    row_counts,
    samples,
    shared_sections,
    table,
    token_percentiles,
)
from shopbench.chat import TASK_TYPES
from shopbench.coverage import task_coverage
from shopbench.files import progress, run_program, whole_text, write_json
from shopbench.tables import facts_of, read_table

COMPARED = 20_000
METHOD = (
    "Similarity is the TF-IDF cosine (one and two words in a row) of a development item with the nearest of a hash sample of the blend's "
    "prompts, averaged over the task's items; `nearest` counts the datasets of each item's 10 nearest prompts; it measures wording as well "
    "as content."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blend", required=True, type=Path, help="the blend (Parquet)")
    parser.add_argument("--description", default="", help="why this mix")
    parser.add_argument("--sources", required=True, type=json.loads, help="licences and simulated by raw source, JSON")
    parser.add_argument("--datasets", required=True, nargs="+", help="the datasets that it was made from (Parquet)")
    parser.add_argument("--evaluation", nargs="*", default=[], type=Path, help="the evaluation sets that were kept out of it (Parquet)")
    parser.add_argument("--base", required=True, help="folder of the base model, for its tokenizer")
    parser.add_argument("--code", required=True, nargs="+", help="the files that made it")
    parser.add_argument("--json", required=True, help="card to write, JSON")
    parser.add_argument("--page", required=True, help="card to write, Markdown")
    args = parser.parse_args()

    rows = read_table(args.blend, COLUMNS)
    facts = facts_of(args.blend)
    development = [path for path in args.evaluation if path.stem == "development"]
    card = {
        "blend": args.blend.stem,
        "description": args.description,
        "rows": facts["rows"],
        "seed": facts["seed"],
        "removed": {"totals": facts["totals"], "datasets": facts["datasets"]},
        "counts": row_counts(rows),
        "tokens": token_percentiles(rows, read_tokenizer(args.base)),
        "samples": samples(rows),
        "coverage": coverage(rows, read_table(development[0], ["task", "task_type", "track", "prompt"])) if development else None,
        "sources": args.sources,
        "sha256": {
            "result": hashes([args.blend]),
            "inputs": hashes([*args.datasets, *args.evaluation, Path(args.base) / "tokenizer.json"]),
            "code": hashes(args.code),
        },
    }
    with whole_text(args.page) as stream:
        stream.write(blend_page(card))
    write_json(args.json, card)


def coverage(rows: pl.DataFrame, questions: pl.DataFrame) -> dict[str, Any]:
    """How the blend covers the challenge: rows by task type beside the development set's, and the similarity to each of its tasks."""
    compared = lowest_hashes(rows, COMPARED)
    progress(f"comparing {compared.height:,} prompts with {questions.height} development questions")
    ours, theirs = counts(rows["task_type"]), counts(questions["task_type"])
    return {
        "method": METHOD,
        "prompts": compared.height,
        "task_types": {name: {"blend": ours.get(name, 0), "development": theirs.get(name, 0)} for name in TASK_TYPES},
        "tasks": task_coverage(compared, questions),
    }


def blend_page(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    removed = [*card["removed"]["datasets"].items(), ("all", card["removed"]["totals"])]
    lines = [(name, n["available"], n["duplicates"], reasons(n["overlap"]), n["over_cap"], n["taken"], n["llm"]) for name, n in removed]
    sections = {
        "Taken and removed": table(
            ["dataset", "available", "duplicates", "overlap", "over the cap", "taken", "with a language model"], lines
        ),
        "Cover of the challenge": cover_section(card["coverage"]),
        **shared_sections(card),
    }
    return page(f"Blend {card['blend']}", f"{card['description']} {card['rows']:,} rows.".strip(), sections)


def cover_section(cover: dict[str, Any] | None) -> str:
    """The tables of task types and tasks."""
    if cover is None:
        return "Not measured: the run has no development set.\n"
    types = [(name, n["blend"], n["development"]) for name, n in cover["task_types"].items()]
    tasks = [
        (
            name,
            t["track"],
            t["task_type"],
            t["items"],
            f"{t['similarity']:.2f}",
            ", ".join(f"{n['dataset']} {n['share']:.0%}" for n in t["nearest"]),
        )
        for name, t in cover["tasks"].items()
    ]
    return (
        table(["task type", "rows of the blend", "development questions"], types)
        + f"\n{cover['method']} {cover['prompts']:,} prompts were compared.\n\n"
        + table(["task", "track", "task type", "items", "similarity", "nearest"], tasks)
    )


if __name__ == "__main__":
    run_program(main)
