"""Tables are the same byte for byte, whatever the pieces they are read in, the threads, or the raw files' compression."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import tabulate_esci
import tabulate_mmlu
from in_process import run

from shopbench import pool, raw_csv, raw_json, table_pieces
from shopbench.tables import facts_of

ROOT = Path(__file__).resolve().parents[3]
REVIEWS, META = "raw/review_categories/Gift_Cards.jsonl", "raw/meta_categories/meta_Gift_Cards.jsonl"
EXAMPLES, PRODUCTS = "shopping_queries_dataset_examples.parquet", "shopping_queries_dataset_products.parquet"
MMLU = [f"all/{part}-00000-of-00001.parquet" for part in ("test", "validation", "dev", "auxiliary_train")]
# Program, source, its options and files, what else it is told, its outputs. Pools are smaller than the sources, so that they are pruned.
CASES = {
    "esci": (
        "tabulate_esci.py",
        {"--examples": [EXAMPLES], "--products": [PRODUCTS]},
        ["--pool-judgements", 2_000],
        ["judgements", "products"],
    ),
    "amazon_m2": (
        "tabulate_amazon_m2.py",
        {"--products": ["products_train.csv"], "--sessions": ["sessions_train.csv"]},
        ["--pool-products", 300, "--pool-sessions", 200],
        ["products", "sessions"],
    ),
    "amazon_reviews_2023": (
        "tabulate_reviews.py",
        {"--reviews": [REVIEWS], "--products": [META]},
        ["--pool-reviews", 150],
        ["reviews", "products"],
    ),
    "ecinstruct": ("tabulate_ecinstruct.py", {"--input": ["dataset.json"]}, ["--items", 30], [""]),
    "mmlu": ("tabulate_mmlu.py", {"--inputs": MMLU}, [], [""]),
    "alpaca_cleaned": ("tabulate_alpaca.py", {"--input": ["alpaca_data_cleaned.json"]}, [], [""]),
}


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    for source, (_, inputs, _, _) in CASES.items():
        for file in (file for files in inputs.values() for file in files):
            arguments = ["--source", source, "--file", file, "--scale", 0.0003, "--seed", 3, "--output", folder / source / file]
            assert run("simulate_source.py", *arguments).returncode == 0
    return folder


def arguments_of(source: str, raw: Path, folder: Path) -> list[str]:
    _, inputs, told, names = CASES[source]
    given = [part for option, files in inputs.items() for part in (option, *(raw / source / file for file in files))]
    outputs = [part for name in names for part in (f"--output-{name}".rstrip("-"), folder / f"{name or source}.parquet")]
    return list(map(str, [*given, *told, "--broken-share", 0.1, *outputs]))


def tables_of(source: str, raw: Path, folder: Path) -> dict[str, bytes]:
    """The bytes of the source's tables, made in this process."""
    result = run(CASES[source][0], *arguments_of(source, raw, folder))
    assert result.returncode == 0, result.stderr
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("source", CASES)
def test_same_bytes_in_small_pieces(source, raw, tmp_path, monkeypatch):
    expected = tables_of(source, raw, tmp_path / "whole")
    monkeypatch.setattr(raw_json, "PIECE_BYTES", 20_000)
    monkeypatch.setattr(raw_csv, "PIECE_BYTES", 5_000)
    monkeypatch.setattr(pool, "PIECE_ROWS", 37)
    monkeypatch.setattr(tabulate_esci, "SHORT_ROWS", 41)
    for program in (tabulate_esci, tabulate_mmlu):
        monkeypatch.setattr(program, "LONG_ROWS", 29)
    monkeypatch.setattr(table_pieces, "LIST_ROWS", 11)
    assert tables_of(source, raw, tmp_path / "pieces") == expected


@pytest.mark.parametrize("source", ["amazon_m2", "amazon_reviews_2023", "ecinstruct", "alpaca_cleaned"])
def test_same_bytes_from_gzipped_files(source, raw, tmp_path):
    packed = tmp_path / "packed"
    for path in (raw / source).rglob("*.*"):
        target = packed / path.relative_to(raw)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(gzip.compress(path.read_bytes()))
    assert tables_of(source, packed, tmp_path / "from_packed") == tables_of(source, raw, tmp_path / "from_plain")


@pytest.mark.parametrize("source", ["esci", "amazon_m2", "amazon_reviews_2023"])
def test_same_bytes_with_one_and_two_threads(source, raw, tmp_path):
    made = []
    for threads in ("1", "2"):
        folder = tmp_path / threads
        environment = os.environ | {"POLARS_MAX_THREADS": threads, "PYTHONHASHSEED": threads}
        command = [sys.executable, ROOT / "workflow/scripts" / CASES[source][0], *arguments_of(source, raw, folder)]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert made[0] == made[1]


def test_pools_are_fixed_and_every_row_is_accounted_for(raw, tmp_path):
    tables_of("esci", raw, tmp_path)
    judgements = pl.read_parquet(tmp_path / "judgements.parquet")
    source = pl.read_parquet(raw / "esci" / EXAMPLES)
    # Whole queries: all of a kept query's products that the product file has.
    known = pl.read_parquet(tmp_path / "products.parquet").select("locale", "product_id")
    whole = source.join(known, left_on=["product_locale", "product_id"], right_on=["locale", "product_id"], how="semi")
    whole = whole.filter(pl.col("query_id").is_in(judgements["query_id"].unique().implode())).unique(["query_id", "product_id"])
    assert judgements.height == whole.height and 1_900 < judgements.height < 2_100
    for table in ("judgements", "products"):
        facts = facts_of(tmp_path / f"{table}.parquet")
        assert facts["rows_read"] == facts["rows_kept"] + sum(facts["broken"].values()) + sum(facts["skipped"].values())
