"""The table of blends: rows, what they are made of, and what was removed.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/blend_table.py --run '{"name": "demo", "simulated": true}' \\
      --blends results/demo/blends/*.parquet --register config/datasets.tsv --paper config/paper.yaml --table blend_table.tsv

Reads the counts in the Parquet files' metadata, config/datasets.tsv and config/paper.yaml. Leaves a table with columns blend,
published_rows, rows, datasets, existing, new, general (rows by cluster), llm (rows that a language model helped to make), available,
duplicates (removed), overlap (rows removed because an evaluation set asks the same, by set), over_cap.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from shopbench.dataset_table import read_dataset_table
from shopbench.files import run_program
from shopbench.report_data import figure_arguments, read_yaml, write_table
from shopbench.tables import facts_of

COLUMNS = [
    "blend",
    "published_rows",
    "rows",
    "datasets",
    "existing",
    "new",
    "general",
    "llm",
    "available",
    "duplicates",
    "overlap",
    "over_cap",
]


def table_row(path: str, clusters: dict[str, str], published: dict[str, str | None]) -> dict[str, Any]:
    """One blend's counts. `clusters` gives each dataset's cluster."""
    facts = facts_of(path)
    totals, by_cluster = facts["totals"], Counter[str]()
    for dataset, counts in facts["datasets"].items():
        by_cluster[clusters[dataset]] += counts["taken"]
    overlap = "; ".join(f"{name}: {count}" for name, count in totals["overlap"].items()) or "0"
    return {
        "blend": Path(path).stem,
        "published_rows": published.get(Path(path).stem),
        "rows": facts["rows"],
        "datasets": len(facts["datasets"]),
        **{cluster: by_cluster[cluster] for cluster in ("existing", "new", "general")},
        **{key: totals[key] for key in ("llm", "available", "duplicates", "over_cap")},
        "overlap": overlap,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blends", nargs="*", default=[], help="blends (Parquet)")
    parser.add_argument("--register", required=True, help="config/datasets.tsv")
    parser.add_argument("--paper", required=True, help="config/paper.yaml")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    clusters = {name: row["cluster"] for name, row in read_dataset_table(args.register).items()}
    published = read_yaml(args.paper)["blends"]["rows"]
    write_table(args.table, COLUMNS, [table_row(path, clusters, published) for path in args.blends])


if __name__ == "__main__":
    run_program(main)
