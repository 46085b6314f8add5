"""Blend training datasets into one file: train rows only, no duplicates, nothing of the evaluation sets, shuffled.

    python workflow/scripts/blend_datasets.py --datasets datasets/*.parquet --rows '{"review_rating": null, "alpaca": 5000}' \
        --evaluation evaluation/development.parquet --seed 1 --output blends/v7.parquet --held-out held_out/v7.parquet

Reads dataset files and takes the train rows of those that --rows names. Of these it removes, in this order: a row
whose prompt and completion stood in an earlier row (datasets in the order of --rows), a row that shares content with
an evaluation question (shopbench/overlap.py), and what exceeds the dataset's cap (the rows with the lowest hashes
stay). The order of the result is a hash's. No validation group of any dataset read may be in it.

Leaves a Parquet file with the datasets' columns, whose metadata hold, for each dataset, the rows available, duplicates, overlap by
evaluation set, over the cap, taken, and how many of these a language model helped to make (llm); and one with up to 25 validation rows of
each dataset, for a training to follow its loss on.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from shopbench.files import BadInput, progress, run_program
from shopbench.hashing import hash64
from shopbench.overlap import EvaluationText
from shopbench.tables import read_table, write_table

# Enough of each dataset to see a loss rise, few enough to look often.
HELD_OUT_ROWS = 25
COLUMNS = ["id", "dataset", "task_type", "track", "locale", "prompt", "completion", "group", "split", "source"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", required=True, nargs="+", type=Path, help="dataset files (Parquet), each named after its dataset")
    parser.add_argument("--rows", required=True, type=json.loads, help="JSON object, dataset to the most rows to take of it (null: all)")
    parser.add_argument("--evaluation", nargs="*", default=[], type=Path, help="evaluation sets (Parquet) to keep out")
    parser.add_argument("--seed", type=int, default=1, help="seed of the choice under a cap and of the order")
    parser.add_argument("--output", required=True, help="Parquet file to write")
    parser.add_argument("--held-out", required=True, help="Parquet file to write, of validation rows")
    args = parser.parse_args()

    files = {path.stem: path for path in args.datasets}
    questions = EvaluationText({path.stem: read_table(path, ["prompt"])["prompt"].to_list() for path in args.evaluation})
    seen: set[tuple[str, str]] = set()
    parts, held_out, counts = [], [], {}
    for dataset, cap in args.rows.items():
        if dataset not in files:
            raise BadInput(f"--rows names '{dataset}', and no file of --datasets is called {dataset}.parquet")
        table = read_table(files[dataset], COLUMNS)
        held_out.append(table.filter(pl.col("split") != "train"))
        kept, counts[dataset] = clean_rows(table.filter(pl.col("split") == "train"), cap, seen, questions, args.seed)
        parts.append(kept)
        progress(f"{dataset}: {counts[dataset]}")

    blend = shuffled(pl.concat(parts), args.seed)
    check_blend(blend, set(pl.concat(held_out)["group"]), args.output)
    watched = pl.concat([bottom(rows, HELD_OUT_ROWS, "held out", args.seed) for rows in held_out])
    write_table(args.held_out, watched, {"rows": watched.height, "seed": args.seed})
    write_table(args.output, blend, {"rows": blend.height, "seed": args.seed, "datasets": counts, "totals": totals(counts)})
    progress(f"{blend.height} rows of {len(counts)} datasets")


def clean_rows(
    rows: pl.DataFrame, cap: int | None, seen: set[tuple[str, str]], questions: EvaluationText, seed: int
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """(rows of one dataset that the blend takes, counts of what became of all). Adds every new (prompt, completion) to `seen`."""
    duplicates, overlaps = 0, Counter[str]()
    kept = []
    overlapping = questions.overlaps(rows["prompt"].to_list())
    texts = rows.select("id", "prompt", "completion").iter_rows()
    for index, ((identity, prompt, completion), evaluation_set) in enumerate(zip(texts, overlapping, strict=True)):
        if (prompt, completion) in seen:
            duplicates += 1
            continue
        seen.add((prompt, completion))
        if evaluation_set:
            overlaps[evaluation_set] += 1
            continue
        kept.append((hash64("cap", seed, identity), index))
    taken = sorted(kept)[:cap]
    chosen = rows[sorted(index for _, index in taken)]
    counts = {
        "available": rows.height,
        "duplicates": duplicates,
        "overlap": dict(sorted(overlaps.items())),
        "over_cap": len(kept) - len(taken),
        "taken": len(taken),
        "llm": int(chosen["source"].str.json_path_match("$.llm").is_not_null().sum()),
    }
    return chosen, counts


def bottom(rows: pl.DataFrame, count: int, *key: object) -> pl.DataFrame:
    """The `count` rows with the lowest hashes of (key, id), in the table's order."""
    places = sorted((hash64(*key, identity), index) for index, identity in enumerate(rows["id"]))[:count]
    return rows[sorted(index for _, index in places)]


def shuffled(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Rows in the order of a hash of their ids; another hash than the cap's, by which a capped dataset's rows would all come first."""
    order = pl.Series("order", [hash64("order", seed, identity) for identity in rows["id"]], dtype=pl.UInt64)
    return rows.with_columns(order).sort("order", "id").drop("order")


def check_blend(blend: pl.DataFrame, held_out: set[str], path: str) -> None:
    """Raise BadInput for an empty blend, an id that stands twice, or a row of a validation group."""
    if blend.is_empty():
        raise BadInput(f"{path}: no train rows in any dataset of the blend; raise datasets.scale")
    if blend["id"].n_unique() < blend.height:
        raise BadInput(
            f"{path}: id {blend.filter(blend['id'].is_duplicated())['id'][0]} stands in two rows; ids must be unique over all datasets"
        )
    leaked = blend.filter(blend["group"].is_in(pl.Series(sorted(held_out), dtype=pl.String).implode()))
    if leaked.height:
        raise BadInput(
            f"{path}: row {leaked['id'][0]} trains on {leaked['group'][0]}, which is held out for validation; its split is wrong"
        )


def totals(counts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Sums over the datasets; overlap by evaluation set."""
    overlap = Counter[str]()
    for count in counts.values():
        overlap.update(count["overlap"])
    simple = {key: sum(count[key] for count in counts.values()) for key in ("available", "duplicates", "over_cap", "taken", "llm")}
    return simple | {"overlap": dict(sorted(overlap.items()))}


if __name__ == "__main__":
    run_program(main)
