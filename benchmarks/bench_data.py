"""Raw files to datasets: our programs against one scan that merely reads the columns, against pandas, and against Hugging Face `datasets`.

Raw files are simulated once for each scale, with texts as long as the real ones', under .bench/. CPU time is user and system time of a
program's process less that of the same program when it only starts (imports, parses `--help`, ends); memory is its largest resident set.
What is compared with pandas and `datasets` (programs in benchmarks/data/) makes the same rows, which is checked. A dataset costs us its own
job and its share of the source's tables, which are made once for all datasets of the source; `.alone` charges all of the tables to it.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from shopbench.dataset_table import read_dataset_table
from shopbench.files import progress
from shopbench.source_table import read_source_table

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".bench"
OURS, THEIRS = ROOT / ".envs/data-cpu/bin/python", ROOT / ".envs/bench-cpu/bin/python"
PROGRAMS, BASELINES = ROOT / "workflow/scripts", ROOT / "benchmarks/data"

CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
DATASETS = read_dataset_table(ROOT / "config/datasets.tsv")
CATEGORIES = CONFIG["sources"]["review_categories"]
SIMULATED = ["amazon_m2", "amazon_reviews_2023", "ecinstruct", "esci", "mmlu", "alpaca_cleaned"]
# What is compared: a join of two Parquet files, JSON lines by the million, and a CSV file joined with itself.
COMPARED = {"query_product_relation": "esci", "review_rating": "amazon_reviews_2023", "translate_title": "amazon_m2"}
# Which tables (a file pattern) the datasets of a source read.
TABLES_OF = {
    "amazon_m2": "m2_*",
    "kdd_cup_2023": "m2_*",
    "amazon_reviews_2023": "review*",
    "alpaca_cleaned": "alpaca",
    "esci": "esci_*",
    "ecinstruct": "ecinstruct",
    "mmlu": "mmlu",
}
RIVALS = {"pandas": "usual_pandas.py", "pruned": "pruned_pandas.py", "hf": "huggingface_datasets.py"}
# The growth of memory is measured between these multiples of the scale, with pools that both fill.
SMALL, LARGE, POOLS = 0.5, 2.0, 0.1
GROWING = ["esci", "amazon_m2", "amazon_reviews_2023", "ecinstruct"]
GROWING_CATEGORY = "Software"
STARTS = 3


class Cost(NamedTuple):
    """CPU time in seconds beyond the start of the program, and the largest resident set in GiB."""

    cpu: float
    peak: float


def measured(command: list[Any]) -> Cost:
    """CPU time, starting included, and peak of a command that must succeed."""
    # One thread, as the pipeline gives to each of these jobs.
    environment = os.environ | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{command}: {said[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20)


def asked(code: str, *paths: Path) -> str:
    """What code about Parquet files prints, in another process: a child's largest resident set is at least its parent's at the fork."""
    prelude = "import sys; import polars as pl; paths = sys.argv[1:];"
    done = subprocess.run([OURS, "-c", f"{prelude} {code}", *map(str, paths)], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@cache
def start(python: Path, program: Path) -> float:
    """CPU time of a program that only starts, the median of three."""
    return statistics.median(measured([python, program, "--help"]).cpu for _ in range(STARTS))


def cost(python: Path, program: Path, *arguments: Any) -> Cost:
    whole = measured([python, program, *arguments])
    return Cost(max(0.0, whole.cpu - start(python, program)), whole.peak)


def raw_files(scale: float, sources: Sequence[str] = SIMULATED, categories: Sequence[str] = CATEGORIES) -> Path:
    """The raw files at a scale, simulated if they are not there yet."""
    folder = FOLDER / f"raw-{scale:g}"
    for row in read_source_table(ROOT / "config/sources.tsv", categories):
        target = folder / row.source / row.file
        # The table names one category's files in full, whatever the categories.
        unasked = row.source == "amazon_reviews_2023" and not any(category in row.file for category in categories)
        if row.source in sources and not unasked and not target.exists() and not row.file.endswith("_sources.csv"):
            progress(f"simulating {row.source}/{row.file} at scale {scale:g}")
            given = ["--source", row.source, "--file", row.file, "--scale", scale, "--seed", 1, "--text-length", "real"]
            measured([OURS, PROGRAMS / "simulate_source.py", *given, "--output", target])
    return folder


def pools(scale: float) -> dict[str, int]:
    return {name: math.ceil(size * scale) for name, size in CONFIG["sources"]["pools"].items()}


def tabulations(raw: Path, tables: Path, pool: dict[str, int]) -> dict[str, dict[str, list[Any]]]:
    """By source, each job's program and arguments, by a name for it."""
    reviews = raw / "amazon_reviews_2023/raw"
    mmlu = [raw / f"mmlu/all/{part}-00000-of-00001.parquet" for part in ("test", "validation", "dev", "auxiliary_train")]
    esci = raw / "esci/shopping_queries_dataset"
    m2 = raw / "amazon_m2"
    jobs: dict[str, dict[str, list[Any]]] = {
        "esci": {
            "esci": [
                "tabulate_esci.py", "--examples", f"{esci}_examples.parquet", "--products", f"{esci}_products.parquet",
                "--pool-judgements", pool["esci_judgements"],
                "--output-judgements", tables / "esci_judgements.parquet", "--output-products", tables / "esci_products.parquet",
            ]
        },
        "amazon_m2": {
            "m2": [
                "tabulate_amazon_m2.py", "--products", m2 / "products_train.csv", "--sessions", m2 / "sessions_train.csv",
                "--pool-products", pool["m2_products"], "--pool-sessions", pool["m2_sessions"],
                "--output-products", tables / "m2_products.parquet", "--output-sessions", tables / "m2_sessions.parquet",
            ]
        },
        "amazon_reviews_2023": {
            category: [
                "tabulate_reviews.py", "--pool-reviews", pool["reviews"],
                "--reviews", reviews / f"review_categories/{category}.jsonl",
                "--products", reviews / f"meta_categories/meta_{category}.jsonl",
                "--output-reviews", tables / f"reviews.{category}.parquet",
                "--output-products", tables / f"review_products.{category}.parquet",
            ]
            for category in CATEGORIES
        },
        "ecinstruct": {
            "ecinstruct": [
                "tabulate_ecinstruct.py", "--input", raw / "ecinstruct/dataset.json", "--items", pool["ecinstruct"],
                "--output", tables / "ecinstruct.parquet",
            ]
        },
        "mmlu": {"mmlu": ["tabulate_mmlu.py", "--inputs", *mmlu, "--output", tables / "mmlu.parquet"]},
        "alpaca_cleaned": {
            "alpaca": [
                "tabulate_alpaca.py", "--input", raw / "alpaca_cleaned/alpaca_data_cleaned.json", "--output", tables / "alpaca.parquet",
            ]
        },
    }  # fmt: skip
    return jobs


def tabulate(jobs: dict[str, list[Any]]) -> dict[str, Cost]:
    share = CONFIG["sources"]["broken_share"]
    costs = {}
    for name, (program, *arguments) in jobs.items():
        costs[name] = cost(OURS, PROGRAMS / program, *arguments, "--broken-share", share)
        progress(f"{name}: {costs[name].cpu:.2f} s, {costs[name].peak:.2f} GiB")
    return costs


def build(dataset: str, tables: Path, output: Path, scale: float) -> Cost:
    row = DATASETS[dataset]
    inputs = sorted(tables.glob(f"{TABLES_OF[row['source']]}.parquet"))
    spent = cost(
        OURS, PROGRAMS / "build_dataset.py", "--module", PROGRAMS / f"datasets/{dataset}.py", "--row", json.dumps(row),
        "--tables", *inputs, "--scale", scale, "--seed", CONFIG["seed"],
        "--validation-share", CONFIG["datasets"]["validation_share"], "--output", output / f"{dataset}.parquet",
    )  # fmt: skip
    progress(f"{dataset}: {spent.cpu:.2f} s, {spent.peak:.2f} GiB")
    return spent


def measure(scale: float) -> dict[str, float]:
    raw, tables, output = raw_files(scale), FOLDER / "tables", FOLDER / "datasets"
    for folder in (tables, output):
        shutil.rmtree(folder, ignore_errors=True)
    jobs = tabulations(raw, tables, pools(scale))
    tabulated = {source: tabulate(of_source) for source, of_source in jobs.items()}
    built = {dataset: build(dataset, tables, output, scale) for dataset in DATASETS}
    ours = [*(spent for costs in tabulated.values() for spent in costs.values()), *built.values()]
    settings = {"categories": CATEGORIES}
    scan = cost(THEIRS, BASELINES / "duckdb_scan.py", "--raw", raw, "--settings", json.dumps(settings))
    figures = {
        "data.scale": scale,
        "data.rows": float(asked("print(sum(pl.read_parquet(path).height for path in paths))", *output.glob("*.parquet"))),
        "data.cpu_s": sum(spent.cpu for spent in ours),
        "data.start_s": sum(start(OURS, PROGRAMS / job[0]) for of_source in jobs.values() for job in of_source.values())
        + len(DATASETS) * start(OURS, PROGRAMS / "build_dataset.py"),
        "data.scan_cpu_s": scan.cpu,
        "data.vs_scan_cpu": sum(spent.cpu for spent in ours) / scan.cpu,
        "data.peak_gib": max(spent.peak for spent in ours),
    }
    figures |= compare(raw, output, scale, tabulated, built)
    return figures | growth(scale)


def compare(raw: Path, output: Path, scale: float, tabulated: dict[str, dict[str, Cost]], built: dict[str, Cost]) -> dict[str, float]:
    """Theirs over ours in three datasets from the raw files on: the smallest of the three ratios, and each of them."""
    figures: dict[str, float] = {}
    for rival, program in RIVALS.items():
        for dataset, source in COMPARED.items():
            settings = {
                "pools": pools(scale), "categories": CATEGORIES, "cache": str(FOLDER / "cache"), "seed": CONFIG["seed"],
                "size": round(DATASETS[dataset]["size"] * scale), "validation_share": CONFIG["datasets"]["validation_share"],
            }  # fmt: skip
            shutil.rmtree(FOLDER / "cache", ignore_errors=True)
            made = FOLDER / f"{rival}.parquet"
            theirs = cost(
                THEIRS, BASELINES / program, "--dataset", dataset, "--raw", raw, "--settings", json.dumps(settings), "--output", made
            )
            if asked("print(len({pl.read_parquet(path).write_csv() for path in paths}))", made, output / f"{dataset}.parquet") != "1":
                raise RuntimeError(f"{program} and our programs made different rows of {dataset}: the comparison is worthless")
            shared_by = sum(TABLES_OF[row["source"]] == TABLES_OF[source] for row in DATASETS.values())
            shared = sum(spent.cpu for spent in tabulated[source].values())
            figures[f"data.vs_{rival}_cpu.{dataset}"] = theirs.cpu / (built[dataset].cpu + shared / shared_by)
            figures[f"data.vs_{rival}_cpu.{dataset}.alone"] = theirs.cpu / (built[dataset].cpu + shared)
            jobs = [*tabulated[source].values(), built[dataset]]
            figures[f"data.vs_{rival}_mem.{dataset}"] = theirs.peak / max(spent.peak for spent in jobs)
        for what in ("cpu", "mem"):
            name = f"data.vs_{rival}_{what}"
            figures[name] = min(figures[f"{name}.{dataset}"] for dataset in COMPARED)
    return figures


def growth(scale: float) -> dict[str, float]:
    """How the peaks of the programs that read big sources grow when the sources grow fourfold and the pools do not; the largest ratio."""
    peaks = []
    for factor in (SMALL, LARGE):
        raw = raw_files(scale * factor, GROWING, [GROWING_CATEGORY])
        jobs = tabulations(raw, FOLDER / "growth", pools(scale * POOLS))
        big = {name: job for source in GROWING for name, job in jobs[source].items() if name not in CATEGORIES or name == GROWING_CATEGORY}
        peaks.append({name: spent.peak for name, spent in tabulate(big).items()})
    ratios = {name: peaks[1][name] / peaks[0][name] for name in peaks[0]}
    return {"data.growth": max(ratios.values())} | {f"data.growth.{name}": ratio for name, ratio in ratios.items()}
