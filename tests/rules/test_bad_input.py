"""Bad input: one clear line, an exit code that is not 0, and no output left behind. Real commands, in a copy of the checkout."""

import hashlib

import pytest
from support import TINY, snakemake

ESCI = [
    "results/tiny/raw/esci/shopping_queries_dataset_examples.parquet",
    "results/tiny/raw/esci/shopping_queries_dataset_products.parquet",
]
TABLE = "results/tiny/tables/esci_judgements.parquet"


def error_lines(result):
    """Lines that a person sees: the log of the failed job is shown on screen."""
    return [line.strip() for line in (result.stdout + result.stderr).splitlines() if line.strip().startswith("error:")]


def run(folder, *targets, config=()):
    return snakemake(folder, *targets, *TINY, *config, "--cores", "1", "--show-failed-logs", check=False)


def test_a_truncated_parquet(checkout):
    snakemake(checkout, *ESCI, *TINY, "--cores", "2")
    products = checkout / ESCI[1]
    products.write_bytes(products.read_bytes()[: products.stat().st_size // 2])
    result = run(checkout, TABLE)
    assert result.returncode != 0
    assert any("shopping_queries_dataset_products.parquet" in line for line in error_lines(result)), result.stderr[-3000:]
    assert not (checkout / TABLE).exists()


def test_a_missing_file_behind_a_login(checkout, tmp_path):
    overlay = tmp_path / "real.yaml"
    overlay.write_text("sources: {simulate: [esci]}\n")
    target = "results/tiny/raw/amazon_m2/products_train.csv"
    result = run(checkout, target, config=[str(overlay)])
    assert result.returncode != 0
    assert any("downloads/amazon_m2/products_train.csv" in line and "aicrowd" in line.lower() for line in error_lines(result))
    assert not (checkout / target).exists()


def test_a_file_with_another_sha256(checkout, tmp_path):
    overlay = tmp_path / "real.yaml"
    overlay.write_text("sources: {simulate: [esci]}\n")
    given = checkout / "downloads/kddcup2024/development.json"
    given.parent.mkdir(parents=True)
    given.write_text('{"not": "it"}\n')
    target = "results/tiny/raw/kddcup2024/development.json"
    result = run(checkout, target, config=[str(overlay)])
    found = hashlib.sha256(given.read_bytes()).hexdigest()
    assert result.returncode != 0
    assert any(found in line and "a73043af0d7a19ac" in line for line in error_lines(result))
    assert not (checkout / target).exists()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("evaluation: {macro: [review_ratings]}", "did you mean 'review_rating'?"),
        ("sources: {simulate: [esky]}", "did you mean 'esci'?"),
        ("blends: {v7: {take: [{cluster: new}], without: [titel_brand]}}", "did you mean 'title_brand'?"),
    ],
)
def test_a_name_that_is_not_there(checkout, tmp_path, wrong, says):
    overlay = tmp_path / "wrong.yaml"
    overlay.write_text(wrong + "\n")
    result = run(checkout, "--dry-run", config=[str(overlay)])
    assert result.returncode == 2
    assert len(error_lines(result)) == 1 and says in error_lines(result)[0]
