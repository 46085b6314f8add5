"""config/sources.tsv: the real table reads, and each way to break a row is told by row and column."""

from pathlib import Path

import pytest

from shopbench.files import BadInput
from shopbench.source_table import COLUMNS, find_source_file, read_source_table, source_names

TABLE = Path(__file__).resolve().parents[2] / "config" / "sources.tsv"
GOOD = ["mmlu", "a.parquet", "hub", "cais/mmlu", "abc", "", "12", "", "MIT", "downloaded"]


def table_of(folder: Path, *rows: list[str]) -> Path:
    path = folder / "sources.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in (COLUMNS, *rows)), encoding="utf-8")
    return path


def test_the_projects_table_names_every_source_and_pins_what_it_downloads():
    files = read_source_table(TABLE, ["All_Beauty", "Digital_Music"])
    assert source_names(files, provided=True) == ["amazon_m2", "kddcup2024"]
    downloaded = ["amazon_reviews_2023", "ecinstruct", "esci", "mmlu", "alpaca_cleaned", "shopping_mmlu"]
    assert source_names(files, provided=False) == downloaded
    by_file = {file.file: file for file in files}
    # The published sizes and hashes of the facts.
    assert by_file["products_train.csv"].bytes == 588_533_540
    assert by_file["shopping_queries_dataset_products.parquet"].bytes == 1_108_857_465
    assert by_file["data.zip"].sha256 == "899bad7b0e30d43bac50d4e110120b009ac39a3a84a4ab92f5db25edd3278cef"
    assert by_file["development.json"].sha256 == "a73043af0d7a19ac5a769e27264084600c83fe71babc2fde4fbbb2269fc462f5"
    pinned = [file for file in files if file.kind in ("hub", "github") and file.revision != "main"]
    assert all(len(file.revision) == 40 for file in pinned)
    assert all(file.revision in file.address for file in files if file.kind == "github")


def test_a_pattern_becomes_one_file_per_category_and_a_named_file_takes_its_place(tmp_path):
    pattern = [*GOOD[:1], "raw/{category}.jsonl", *GOOD[2:]]
    named = [*GOOD[:1], "raw/Gift_Cards.jsonl", *GOOD[2:6], "99", *GOOD[7:]]
    table = table_of(tmp_path, pattern, named)
    files = read_source_table(table, ["All_Beauty", "Gift_Cards"])
    assert [(file.file, file.bytes) for file in files] == [("raw/All_Beauty.jsonl", 12), ("raw/Gift_Cards.jsonl", 99)]
    assert find_source_file(table, "mmlu", "raw/Books.jsonl").bytes == 12
    assert find_source_file(table, "mmlu", "raw/Gift_Cards.jsonl").bytes == 99
    with pytest.raises(BadInput, match="no file 'raw/x/y.jsonl'"):
        find_source_file(table, "mmlu", "raw/x/y.jsonl")
    with pytest.raises(BadInput, match="no source 'books'"):
        find_source_file(table, "books", "a")


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("kind", "ftp", "row 2, column kind: 'ftp'"),
        ("revision", "", "row 2, column revision: empty"),
        ("licence", " ", "row 2, column licence: empty"),
        ("file", "../a", "row 2, column file"),
        ("address", "example.org", "row 2, column address"),
        ("bytes", "12 MB", "row 2, column bytes"),
        ("sha256", "abc", "row 2, column sha256"),
    ],
)
def test_a_broken_cell_is_named(tmp_path, column, text, message):
    row = list(GOOD)
    row[COLUMNS.index(column)] = text
    with pytest.raises(BadInput, match=message):
        read_source_table(table_of(tmp_path, row), [])


def test_a_broken_table_is_named(tmp_path):
    with pytest.raises(BadInput, match="row 3: 3 cells, expected 10"):
        read_source_table(table_of(tmp_path, GOOD, GOOD[:3]), [])
    with pytest.raises(BadInput, match="row 3, column file: mmlu/a.parquet stands there twice"):
        read_source_table(table_of(tmp_path, GOOD, GOOD), [])
    mixed = [*GOOD[:1], "b", "provided", "", "", "https://example.org", *GOOD[6:]]
    with pytest.raises(BadInput, match="row 3, column kind"):
        read_source_table(table_of(tmp_path, GOOD, mixed), [])
    (tmp_path / "sources.tsv").write_text("source,file\n")
    with pytest.raises(BadInput, match="row 1"):
        read_source_table(tmp_path / "sources.tsv", [])
    with pytest.raises(BadInput, match="no such file"):
        read_source_table(tmp_path / "absent.tsv", [])
