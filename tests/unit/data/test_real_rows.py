"""A few real rows go through the programs that read the raw files, and become questions."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest
from in_process import run

from shopbench.dataset_table import read_dataset_table
from shopbench.tables import facts_of

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared/data"
TABLE = read_dataset_table(ROOT / "config/datasets.tsv")

pytestmark = pytest.mark.skipif(not REAL.exists(), reason="no real rows here")


def build(dataset: str, folder: Path, *tables: str) -> list[dict]:
    output = folder / f"{dataset}.parquet"
    result = run(
        "build_dataset.py",
        *("--module", ROOT / f"workflow/scripts/datasets/{dataset}.py", "--row", json.dumps(TABLE[dataset])),
        *("--tables", *(folder / f"{table}.parquet" for table in tables)),
        *("--scale", 1.0, "--seed", 1, "--validation-share", 0.1, "--output", output),
    )
    assert result.returncode == 0, result.stderr
    return pl.read_parquet(output).to_dicts()


def test_esci(tmp_path):
    products = [json.loads(line)["fields"] for line in (REAL / "esci/sample-products.jsonl").read_text().splitlines()]
    upstream = {"id": "id", "title": "title", "description": "description", "bullets": "bullet_point", "brand": "brand", "color": "color"}
    columns = {f"product_{name}": [product.get(ours) or None for product in products] for ours, name in upstream.items()}
    columns["product_locale"] = [product.get("locale") or "us" for product in products]
    pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)).write_parquet(tmp_path / "products.parquet")
    outputs = ["--output-judgements", tmp_path / "esci_judgements.parquet", "--output-products", tmp_path / "esci_products.parquet"]
    files = ["--examples", REAL / "esci/test-sample.parquet", "--products", tmp_path / "products.parquet"]
    result = run("tabulate_esci.py", *files, "--pool-judgements", 100, "--broken-share", 0.0, *outputs)
    assert result.returncode == 0, result.stderr

    judgements = pl.read_parquet(REAL / "esci/test-sample.parquet")
    assert pl.read_parquet(tmp_path / "esci_judgements.parquet").height == judgements.height == 16
    kept = pl.read_parquet(tmp_path / "esci_products.parquet")
    assert kept.height == 16 and not kept["description"].str.contains("<br|&nbsp;").any()
    labels = dict(judgements.select("product_id", "esci_label").iter_rows())
    relations = ["E", "S", "C", "I"]
    for row in build("query_product_relation", tmp_path, "esci_judgements", "esci_products"):
        assert relations[int(row["completion"])] == labels[json.loads(row["source"])["keys"]["product_id"]]
    (ranking,) = build("rank_products", tmp_path, "esci_judgements", "esci_products")
    assert judgements["query"][0] in ranking["prompt"]


def test_mmlu(tmp_path):
    questions = []
    for path in sorted((REAL / "mmlu_dev").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                choices = [row[f"choice{place}"] for place in range(4)]
                subject = path.stem.removesuffix("_dev")
                questions.append({"question": row["question"], "subject": subject, "choices": choices, "answer": int(row["answer"])})
    assert len(questions) == 285
    parts = [tmp_path / f"{part}-00000-of-00001.parquet" for part in ("test", "validation", "dev", "auxiliary_train")]
    for part in parts:
        pl.DataFrame(questions).write_parquet(part)
    assert run("tabulate_mmlu.py", "--inputs", *parts, "--broken-share", 0.01, "--output", tmp_path / "mmlu.parquet").returncode == 0
    assert facts_of(tmp_path / "mmlu.parquet")["broken"] == {}
    # The three parts are alike here, so each question is asked once.
    rows = build("mmlu_test", tmp_path, "mmlu")
    right = {" ".join(question["question"].split()): question["choices"][question["answer"]] for question in questions}
    assert len(rows) > 250
    found = 0
    for row in rows[:50]:
        prompt = " ".join(row["prompt"].split())
        for question, answer in right.items():
            if question in prompt:
                assert f"{row['completion']}. {' '.join(answer.split())}" in prompt
                found += 1
    assert found >= 45
