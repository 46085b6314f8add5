"""The sources' mess, read: lists in text, JSON in JSON, HTML, broken and cut-off files; and the tables made of it."""

import gzip
import json
import unicodedata
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from in_process import run

from shopbench import pool as pool_module
from shopbench import raw_csv, raw_json
from shopbench.dataset_table import COLUMNS, read_dataset_table
from shopbench.files import BadInput
from shopbench.hash_columns import hash_values
from shopbench.pool import Pool, Tally
from shopbench.raw_columns import plain_column
from shopbench.raw_csv import csv_pieces
from shopbench.raw_ecinstruct import BrokenItem, letters, read_item, read_options, task_name
from shopbench.raw_json import NOT_JSON, array_items, line_pieces
from shopbench.raw_lists import numpy_list, python_list
from shopbench.raw_text import plain_lines, plain_text
from shopbench.tables import facts_of

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared/data"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("['B09W9FND7K' 'B09JSPLN1M']", ["B09W9FND7K", "B09JSPLN1M"]),
        ("['B09W9FND7K' 'B09JSPLN1M'\n 'B0A']", ["B09W9FND7K", "B09JSPLN1M", "B0A"]),
        ("['B0A']", ["B0A"]),
        ("['B0A', 'B0B']", ["B0A", "B0B"]),
        ("[\"it's\" 'B0B']", ["it's", "B0B"]),
        ("[]", []),
        ("['B0A' ... 'B0B']", None),
        ("['B0A' 'B0B'", None),
        ("B0A", None),
        (None, None),
    ],
)
def test_numpy_lists(text, expected):
    assert numpy_list(text) == expected


def test_python_and_json_lists():
    assert python_list("['it\\'s', \"b\"]") == ["it's", "b"]
    assert python_list('["a", null]') == ["a", None]
    assert python_list("['a',") is None
    assert python_list("__import__('os').getcwd()") is None
    assert python_list('{"a": 1}') is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<b>Features</b><br> &bull;Built-in&nbsp;radio &amp; more<br/>", "Features •Built-in radio & more"),
        ("Tom &amp;amp; Jerry&#39;s", "Tom & Jerry's"),
        ("fits waists < 30 and > 20 inches", "fits waists < 30 and > 20 inches"),
        ("zero\u200bwidth\x00 and\tcontrol", "zero width and control"),
        ("Cafe\u0301", "Café"),
        (None, ""),
        (3.5, ""),
    ],
)
def test_plain_text(text, expected):
    assert plain_text(text) == expected


def test_plain_lines_follow_breaks():
    assert plain_lines("<ul><li>one</li><li>two</li></ul>\n\n three<br>four") == ["one", "two", "three", "four"]


@pytest.mark.skipif(not REAL.exists(), reason="no real rows here")
def test_real_descriptions_lose_their_markup():
    rows = [json.loads(line)["fields"] for line in (REAL / "esci/sample-products.jsonl").read_text().splitlines()]
    raw = [row["description"] for row in rows if row.get("description")]
    assert any("<br" in text for text in raw)
    for text in raw:
        assert not {"<br", "<b>", "</", "&nbsp;", "\n"} & {
            mark for mark in ("<br", "<b>", "</", "&nbsp;", "\n") if mark in plain_text(text)
        }


def test_every_spelling_of_a_task():
    for spelling in ("Multiclass_Product_Classification", "Multi-class Product Classification", "MulticlassProductClassification"):
        assert task_name(spelling) == "product_classification"
    for spelling in ("Query_Product_Rank", "Query Product Ranking", "query-product-rank"):
        assert task_name(spelling) == "query_product_rank"
    assert task_name("Answerability_Prediction") == "answerability"
    assert task_name("Answer_Generation") == "answer_generation"
    assert task_name("Attribute Value Extraction") == "attribute_extraction"
    assert task_name("Poetry") is None and task_name(None) is None


def test_item_with_json_inside_json():
    row = {
        "task": "Product_Relation_Prediction",
        "input": json.dumps({"Product 1:": "A &amp; B", "Product 2:": "C"}),
        "options": '["A: Users who buy product 1 may also buy product 2.", "B: Similar."]',
        "output": "B",
    }
    item = read_item(*row.values())
    assert item.fields == {"product 1": "A & B", "product 2": "C"}
    assert item.options == ["Users who buy product 1 may also buy product 2.", "Similar."]
    history = read_item("Sequential Recommendation", "['1: Lamp', '2: Tent: 2 P']", None, "A")
    assert history.fields == {"history": ["Lamp", "Tent: 2 P"]} and history.options == []
    assert read_options("A: very positive\nB: positive") == ["very positive", "positive"]


@pytest.mark.parametrize(
    ("task", "given", "output", "reason"),
    [
        ("Poetry", "x", "y", "unknown task"),
        ("Sentiment_Analysis", "x", None, "no output"),
        ("Product_Matching", '{"product 1": ', "yes", "no JSON object"),
        ("Sequential_Recommendation", "Lamp, Tent", "A", "no list"),
    ],
)
def test_broken_items_say_why(task, given, output, reason):
    with pytest.raises(BrokenItem, match=reason):
        read_item(task, given, None, output)


def test_letters():
    assert letters("C,A,B") == [2, 0, 1]
    assert letters("A: very positive") == [0]
    assert letters("T") == [19]
    assert letters("yes") == [] and letters("A good one") == []


def test_plain_columns_are_plain_texts():
    awkward = ["plain", "", " a", "a ", "a  b", "a\nb", "a \n b", "\n\n", "<b>x</b>", "a &amp; b", "x < y", "nb\u00a0sp", "Cafe\u0301"]
    awkward += [
        "\u212bngstro\u0308m",
        "テ\u3099スト",
        "\uac00\u11a8",
        "zero\u200bwidth",
        "ctrl\x07",
        "\u2028line",
        "ünd 【テスト】",
        "x" * 50,
    ]
    # Every character, between and behind others. Surrogates cannot be in a file.
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000 and unicodedata.category(chr(code)) != "Cn"]
    for texts in (
        ["before", *awkward, None],
        [f"a{character}b" for character in characters],
        [f"が{character}" for character in characters],
    ):
        column = pa.array(texts, pa.string())
        assert plain_column(column, 9).to_pylist() == [plain_text(text)[:9].strip() for text in texts]
        lines = ["\n".join(plain_lines(text))[:9].strip() for text in texts]
        assert plain_column(column, 9, lines=True).to_pylist() == lines


class Numbered(msgspec.Struct):
    n: int
    text: str = ""


def test_json_array_in_small_pieces(tmp_path, monkeypatch):
    items = [Numbered(n, '}, {"ü" [' * n + "},{") for n in range(30)]
    path = tmp_path / "a.json"
    rows = [{"n": item.n, "text": item.text, "other": None} for item in items]
    for indent in (None, 1):
        path.write_text(json.dumps(rows, ensure_ascii=False, indent=indent), encoding="utf-8")
        for size in (1, 7, 4096):
            monkeypatch.setattr(raw_json, "PIECE_BYTES", size)
            tally = Tally(path, 0)
            assert list(array_items(path, Numbered, tally)) == list(enumerate(items, start=1))
            assert (tally.read, tally.broken.total()) == (30, 0)
    path.write_text(json.dumps([{"n": 1}, {"n": "two"}, [3], {"n": 4}]))
    tally = Tally(path, 0)
    assert list(array_items(path, Numbered, tally)) == [(1, Numbered(1)), (4, Numbered(4))]
    assert tally.broken == {"Expected `int`, got `str` - at `$.n`": 1, NOT_JSON: 1}
    path.write_text(json.dumps(rows)[:-40])
    with pytest.raises(BadInput, match=r"a\.json, item 30: .*cut short"):
        list(array_items(path, Numbered, tally))
    path.write_text('{"a": 1}')
    with pytest.raises(BadInput, match="not a JSON array"):
        list(array_items(path, Numbered, tally))


def lines_of(path: Path, tally: Tally) -> list[tuple]:
    schema = pa.schema([("n", pa.int64()), ("text", pa.string())])
    pieces = line_pieces(path, Numbered, schema, tally, lambda rows: [row.n != 3 for row in rows])
    return [tuple(row.values()) for piece in pieces for row in piece.to_pylist()]


def test_json_lines_plain_and_gzipped(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl"
    lines = b'{"n": 1}\nno json\n\n[1]\n{"text": "\xff", "n": 1}\n{"n": "x"}\n{"n": 3}\n{"n": 2, "text": "b", "more": []}'
    for content in (lines, gzip.compress(lines)):
        path.write_bytes(content)
        for size in (1, 1 << 20):
            monkeypatch.setattr(raw_json, "PIECE_BYTES", size)
            tally = Tally(path, 1)
            assert lines_of(path, tally) == [(1, ""), (2, "b")]
            assert (tally.read, tally.broken) == (7, {NOT_JSON: 3, "Expected `int`, got `str` - at `$.n`": 1})
    path.write_bytes(b'{"n": 1}\n{"n": ')
    with pytest.raises(BadInput, match=r"a\.jsonl, line 2: .*cut short"):
        lines_of(path, tally)
    path.write_bytes(gzip.compress(lines * 99)[:-9])
    with pytest.raises(BadInput, match=r"a\.jsonl: the gzip file is cut short"):
        lines_of(path, tally)


def cells_of(path: Path, tally: Tally) -> list[tuple]:
    pieces = csv_pieces(path, ["id", "items"], tally)
    return [(*row.values(), number) for rows, numbers in pieces for row, number in zip(rows.to_pylist(), numbers.tolist(), strict=True)]


def test_csv_plain_and_gzipped_in_small_pieces(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    text = 'id,items,locale\n1,"[\'a\'\n \'b\']",DE\n2,x\n3,"say ""hi""",JP\n4,,FR\n5,a,b,c\n' + "6,x,UK\n" * 20 + "7,y\n8,z,IT\n"
    expected = [("1", "['a'\n 'b']", 2), ("3", 'say "hi"', 4), ("4", "", 5), *[("6", "x", 7 + n) for n in range(20)], ("8", "z", 28)]
    for content in (text.encode(), gzip.compress(text.encode())):
        path.write_bytes(content)
        for size in (64, 1 << 20):
            monkeypatch.setattr(raw_csv, "PIECE_BYTES", size)
            tally = Tally(path, 1)
            assert cells_of(path, tally) == expected
            assert (tally.read, tally.broken) == (27, {"wrong number of cells": 3})
    with pytest.raises(BadInput, match=r"a\.csv: no such column .*'next'"):
        list(csv_pieces(path, ["next"], tally))
    path.write_text('id,items\n1,"open')
    with pytest.raises(BadInput, match=r"a\.csv, row 2: a quote never closes"):
        cells_of(path, tally)
    path.write_bytes(b"id,items\n1,\xff\xfe\n")
    with pytest.raises(BadInput, match=r"a\.csv, after row 1: .*UTF8"):
        cells_of(path, tally)


def test_pool_is_the_bottom_k_in_any_order_and_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(pool_module, "PIECE_ROWS", 7)
    rows = pa.table({"user": [f"user{n % 700}" for n in range(5_000)], "n": list(range(5_000))})
    places = hash_values([[user.encode() for user in rows["user"].to_pylist()]], "pool", "s")
    expected: set = set()
    for place in sorted(set(places.tolist())):
        if len(expected) >= 300:
            break
        expected |= set(np.flatnonzero(places == place).tolist())
    needed = {1, 8, 4_999}
    for order in (rows, rows.take(list(range(4_999, -1, -1)))):
        for piece in (11, 5_000):
            pool, with_needed = Pool("s", 300, rows.schema, tmp_path), Pool("s", 300, rows.schema, tmp_path)
            for part in order.to_batches(piece):
                pool.offer(part, "user")
                pool._prune()
                with_needed.offer(part, "user", needed=np.isin(part["n"].to_numpy(), list(needed)))
            assert [n for n in order["n"].to_pylist() if n in expected] == pool.table()["n"].to_pylist()
            assert needed <= set(with_needed.table()["n"].to_pylist())
    everything = Pool("s", 10_000, rows.schema, tmp_path)
    (batch,) = rows.to_batches()
    everything.offer(batch, "user")
    assert everything.table().equals(rows)
    assert Pool("s", 1, rows.schema, tmp_path).table().num_rows == 0
    assert not list(tmp_path.iterdir())


def test_too_many_broken_rows_name_file_and_row():
    tally = Tally("raw/x.jsonl", 0.1)
    tally.count(10)
    tally.bad("no text", 7)
    empty, far = np.array([False, True, False]), np.array([False, True, True])
    assert tally.sound(np.array([1, 4, 9]), {"no title": empty, "too far": far}).tolist() == [True, False, False]
    assert tally.broken == {"no text": 1, "no title": 1, "too far": 1}
    with pytest.raises(BadInput, match=r"raw/x\.jsonl: 3 of 10 rows are broken, the first is row 4 \(no title\)"):
        tally.close()
    with pytest.raises(BadInput, match="no rows"):
        Tally("raw/empty.jsonl", 0.1).close()


def amazon_m2_arguments(folder: Path) -> list[str]:
    """Three products and three sessions, one of each broken, and the arguments that tabulate them."""
    (folder / "products.csv").write_text(
        "id,locale,title,price,brand,color,size,model,material,author,desc\n"
        'P1,DE,"Lampe, <b>rot</b>",1.0,Licht,,,,,,"Eine\nLampe."\n'
        "P1,UK,Red lamp,1.0,Licht,,,,,,\n"
        "P2,UK,,1.0,,,,,,,\n",
        encoding="utf-8",
    )
    (folder / "sessions.csv").write_text("prev_items,next_item,locale\n\"['P1'\n 'P2']\",P1,UK\n['P1' 'P2'],P1,DE\nP1,P2,UK\n")
    files = ["--products", folder / "products.csv", "--sessions", folder / "sessions.csv"]
    outputs = ["--output-products", folder / "m2_products.parquet", "--output-sessions", folder / "m2_sessions.parquet"]
    return [*files, "--pool-products", "9", "--pool-sessions", "9", *outputs]


def test_amazon_m2_tables(tmp_path):
    assert run("tabulate_amazon_m2.py", *amazon_m2_arguments(tmp_path), "--broken-share", "0.5").returncode == 0
    products = pl.read_parquet(tmp_path / "m2_products.parquet")
    assert products.select("locale", "product_id", "title", "description").rows() == [
        ("de", "P1", "Lampe, rot", "Eine Lampe."),
        ("uk", "P1", "Red lamp", ""),
    ]
    assert pl.read_parquet(tmp_path / "m2_sessions.parquet")["previous"].to_list() == [["P1", "P2"], ["P1", "P2"]]
    assert facts_of(tmp_path / "m2_sessions.parquet")["broken"] == {"prev_items is no list": 1}


def test_too_many_broken_rows_leave_no_table(tmp_path):
    result = run("tabulate_amazon_m2.py", *amazon_m2_arguments(tmp_path), "--broken-share", "0.1")
    assert result.returncode == 2
    assert "sessions.csv: 1 of 3 rows are broken, the first is row 4" in result.stderr
    assert not list(tmp_path.glob("*.parquet"))


def test_truncated_parquet_and_missing_column_name_the_file(tmp_path):
    examples, products = tmp_path / "examples.parquet", tmp_path / "products.parquet"
    pl.DataFrame({"query_id": [1], "query": ["lamp"], "product_locale": ["us"], "product_id": ["P1"]}).write_parquet(examples)
    pl.DataFrame({"product_id": ["P1"]}).write_parquet(products)
    outputs = ["--output-judgements", tmp_path / "j.parquet", "--output-products", tmp_path / "p.parquet"]
    arguments = ["--examples", examples, "--products", products, "--pool-judgements", 5, "--broken-share", 0.1, *outputs]
    result = run("tabulate_esci.py", *arguments)
    assert result.returncode == 2 and "examples.parquet: no column 'esci_label'" in result.stderr
    examples.write_bytes(examples.read_bytes()[:-30])
    result = run("tabulate_esci.py", *arguments)
    assert result.returncode == 2 and "examples.parquet: not a whole Parquet file" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "j.parquet").exists() and not (tmp_path / "p.parquet").exists()


@pytest.mark.skipif(not REAL.exists(), reason="no real rows here")
def test_real_reviews_are_read(tmp_path):
    reviews, products = tmp_path / "All_Beauty.jsonl", tmp_path / "meta_All_Beauty.jsonl"
    reviews.write_bytes((REAL / "amazon_reviews_2023/raw_review_sample.jsonl").read_bytes())
    products.write_bytes((REAL / "amazon_reviews_2023/raw_meta_sample.jsonl").read_bytes())
    outputs = ["--output-reviews", tmp_path / "reviews.parquet", "--output-products", tmp_path / "review_products.parquet"]
    files = ["--reviews", reviews, "--products", products]
    assert run("tabulate_reviews.py", *files, "--pool-reviews", 10, "--broken-share", 0.0, *outputs).returncode == 0
    row = pl.read_parquet(tmp_path / "reviews.parquet").row(0, named=True)
    assert (row["product_id"], row["rating"], row["helpful_votes"]) == ("B00YQ6X8EO", 5, 0)
    assert row["text"].startswith("This spray is really nice.")
    assert facts_of(tmp_path / "review_products.parquet")["rows_read"] == 5


def test_the_39_datasets():
    table = read_dataset_table(ROOT / "config/datasets.tsv")
    assert len(table) == 39
    assert sum(row["size"] for row in table.values()) == 502_435
    by_cluster = {
        cluster: sum(row["size"] for row in table.values() if row["cluster"] == cluster) for cluster in ("existing", "general", "new")
    }
    # The paper's pie: 35.7, 33.3 and 30.9 %.
    assert [round(100 * size / 502_435, 1) for size in by_cluster.values()] == [35.7, 33.3, 30.9]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("size", "many", "row 2, column size: 'many'"),
        ("source", "amazonm2", "row 2, column source: 'amazonm2' is none of"),
        ("metric", "", "row 2, column metric: empty"),
        ("dataset", "Title Brand", "row 2, column dataset"),
    ],
)
def test_bad_cells_are_named(tmp_path, column, value, message):
    row = dict.fromkeys(COLUMNS, "x") | {
        "source": "esci",
        "task_type": "ranking",
        "track": "track1",
        "size": "5",
        "cluster": "new",
        "module": "ready",
    }
    (tmp_path / "d.tsv").write_text("\t".join(COLUMNS) + "\n" + "\t".join((row | {column: value}).values()) + "\n")
    with pytest.raises(BadInput, match=message):
        read_dataset_table(tmp_path / "d.tsv")
