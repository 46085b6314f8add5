"""Every simulated file: its upstream schema, agreement within a source, the same bytes for a seed, the mess of real data."""

import csv
import json
import re
import subprocess
import sys
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from simulate_source import SIMULATORS

from shopbench import routing
from shopbench.files import sha256_of
from shopbench.simulators import alpaca_cleaned, amazon_m2, amazon_reviews_2023, ecinstruct, esci, kddcup2024, mmlu
from shopbench.world import lengthened

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared/data"
FILES = [
    ("amazon_m2", "products_train.csv"),
    ("amazon_m2", "sessions_train.csv"),
    ("amazon_reviews_2023", "raw/review_categories/Gift_Cards.jsonl"),
    ("amazon_reviews_2023", "raw/meta_categories/meta_Gift_Cards.jsonl"),
    ("amazon_reviews_2023", "raw/meta_categories/meta_All_Beauty.jsonl"),
    ("ecinstruct", "dataset.json"),
    ("esci", "shopping_queries_dataset_examples.parquet"),
    ("esci", "shopping_queries_dataset_products.parquet"),
    ("esci", "shopping_queries_dataset_sources.csv"),
    ("mmlu", "all/test-00000-of-00001.parquet"),
    ("mmlu", "all/auxiliary_train-00000-of-00001.parquet"),
    ("alpaca_cleaned", "alpaca_data_cleaned.json"),
    ("kddcup2024", "development.json"),
    ("shopping_mmlu", "data.zip"),
]
# Small enough that every file has its least number of rows.
SCALE = 0.000001


def simulate(source: str, file: str, output: Path, *arguments: str) -> subprocess.CompletedProcess:
    """The program in a process of its own, where Python orders sets otherwise than here."""
    command = [sys.executable, str(ROOT / "workflow/scripts/simulate_source.py"), "--source", source, "--file", file]
    options = ["--scale", str(SCALE), "--seed", "1", "--output", str(output), *arguments]
    return subprocess.run([*command, *options], capture_output=True, text=True, env={"PYTHONHASHSEED": "99"}, timeout=120)


def write(source: str, file: str, output: Path, seed: int, scale: float = SCALE, real_text: bool = False) -> Path:
    output.parent.mkdir(parents=True, exist_ok=True)
    SIMULATORS[source][1](file, scale, seed, output, real_text)
    return output


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """All files of seed 1."""
    folder = tmp_path_factory.mktemp("raw")
    for source, file in FILES:
        write(source, file, folder / source / file, seed=1)
    return folder


def lines_of(path: Path) -> list[dict]:
    """JSON lines that are whole."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


@pytest.mark.parametrize(("source", "file"), FILES)
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(raw, tmp_path, source, file):
    first = sha256_of(raw / source / file)
    assert simulate(source, file, tmp_path / "again").returncode == 0
    assert sha256_of(tmp_path / "again") == first
    assert sha256_of(write(source, file, tmp_path / "other", seed=2)) != first


def test_the_row_counts_of_scale_one_are_the_published_ones():
    assert sum(amazon_m2.PRODUCTS.values()) == 1_551_057
    assert sum(amazon_m2.SESSIONS.values()) == 3_606_249
    assert sum(esci.JUDGEMENTS.values()) == 2_621_288
    assert sum(esci.PRODUCTS.values()) == 1_814_924
    assert [real for real, _ in mmlu.SPLITS.values()] == [14_042, 1_531, 285, 99_842]
    assert alpaca_cleaned.ROWS == 51_760
    assert len(amazon_reviews_2023.THOUSANDS) == 34
    assert sum(reviews for reviews, _ in amazon_reviews_2023.THOUSANDS.values()) == pytest.approx(571_540, rel=0.005)
    rows = 9 * sum(ecinstruct.ROWS.values()) + sum(ecinstruct.MATCHING_ROWS.values())
    # The authors' 116,528 samples without their 6,000 of other domains.
    assert rows == 116_528 - 6_000


def test_amazon_m2(raw):
    products = pl.read_csv(raw / "amazon_m2/products_train.csv", infer_schema=False)
    assert products.columns == ["id", "locale", "title", "price", "brand", "color", "size", "model", "material", "author", "desc"]
    assert set(products["locale"]) == {"DE", "JP", "UK", "ES", "FR", "IT"}
    assert products["price"].cast(pl.Float64).min() > 0
    missing = products["brand"].null_count() / products.height
    assert 0.1 < missing < 0.4
    assert products.is_duplicated().any()
    british_or_german = products.filter(pl.col("locale").is_in(["UK", "DE"]))
    titles = british_or_german.group_by("id").agg(titles=pl.col("title").drop_nulls().n_unique())
    assert (titles["titles"] == 2).sum() > 50, "products sold in two locales have a title in each"

    with (raw / "amazon_m2/sessions_train.csv").open(encoding="utf-8", newline="") as stream:
        sessions = list(csv.DictReader(stream))
    assert list(sessions[0]) == ["prev_items", "next_item", "locale"]
    assert any("\n" in session["prev_items"] for session in sessions), "long lists wrap"
    assert "," not in "".join(session["prev_items"] for session in sessions)
    known = set(zip(products["id"], products["locale"], strict=True))
    for session in sessions:
        clicked = re.findall(r"'(\w+)'", session["prev_items"])
        assert {(item, session["locale"]) for item in [*clicked, session["next_item"]] if item} <= known
    broken = sum(session["prev_items"] == "[]" or not session["next_item"] for session in sessions)
    assert 0 < broken < 0.02 * len(sessions)


def test_amazon_reviews(raw):
    folder = raw / "amazon_reviews_2023/raw"
    text = (folder / "review_categories/Gift_Cards.jsonl").read_text(encoding="utf-8")
    reviews, items = lines_of(folder / "review_categories/Gift_Cards.jsonl"), lines_of(folder / "meta_categories/meta_Gift_Cards.jsonl")
    assert 0 < len(text.splitlines()) - len(reviews) < 0.02 * len(reviews), "a few lines are torn"
    types = {"rating": float, "title": str, "text": str, "images": list, "asin": str, "parent_asin": str, "user_id": str, "timestamp": int,
             "helpful_vote": int, "verified_purchase": bool}  # fmt: skip
    assert {name: type(value) for name, value in reviews[0].items()} == types
    lost = {review["parent_asin"] for review in reviews} - {item["parent_asin"] for item in items}
    assert len(lost) <= 2, "only a torn line loses an item"
    assert any(not item["categories"] for item in lines_of(folder / "meta_categories/meta_All_Beauty.jsonl"))
    assert all(item["categories"] for item in items)
    prices = [item["price"] for item in items]
    assert prices.count(None) > len(prices) / 2


def test_esci(raw):
    judgements = pq.read_table(raw / "esci/shopping_queries_dataset_examples.parquet")
    products = pq.read_table(raw / "esci/shopping_queries_dataset_products.parquet")
    numbers = ["example_id", "query_id", "small_version", "large_version"]
    words = ["query", "product_id", "product_locale", "esci_label", "split"]
    assert {field.name: str(field.type) for field in judgements.schema} == dict.fromkeys(numbers, "int64") | dict.fromkeys(words, "string")
    of_a_product = ["id", "title", "description", "bullet_point", "brand", "color", "locale"]
    assert products.column_names == [f"product_{name}" for name in of_a_product]
    found = pl.from_arrow(judgements)
    assert found["example_id"].to_list() == list(range(found.height))
    assert set(found["esci_label"]) == set("ESCI")
    assert set(found["product_locale"]) == {"us", "es", "jp"}
    lost = found.join(pl.from_arrow(products), on=["product_locale", "product_id"], how="anti").height
    assert 0 < lost < 0.01 * found.height
    sources = pl.read_csv(raw / "esci/shopping_queries_dataset_sources.csv")
    assert sources.columns == ["query_id", "source"]
    assert set(sources["query_id"]) == set(found["query_id"])


def test_ecinstruct(raw):
    rows = json.loads((raw / "ecinstruct/dataset.json").read_text(encoding="utf-8"))
    assert {tuple(row) for row in rows} == {("instruction", "input", "options", "output", "task", "setting", "split", "few_shot_example")}
    per_task = Counter(row["task"] for row in rows if row["split"] == "train")
    assert len(per_task) == 10
    assert min(per_task.values()) >= 200
    keys: dict[str, set[str]] = {}
    whole = 0
    for row in rows:
        if row["task"] in ("Sentiment_Analysis", "Sequential_Recommendation"):
            continue
        try:
            keys.setdefault(row["task"], set()).update(json.loads(row["input"]))
            whole += 1
        except ValueError:
            continue
    assert keys["Answerability_Prediction"] == keys["Answer_Generation"] == {"question", "document"}
    assert keys["Query_Product_Rank"] == {"query", "product list"}
    assert keys["Multiclass_Product_Classification"] == {"query", "product title"}
    assert keys["Product_Substitute_Identification"] == {"query", "product"}
    assert keys["Product_Matching"] == {"product 1", "product 2"}
    assert keys["Product_Relation_Prediction"] == {"Product 1:", "Product 2:"}
    assert "target attributes" in keys["Attribute_Value_Extraction"]
    outputs = {task: {row["output"] for row in rows if row["task"] == task and row["output"]} for task in per_task}
    assert outputs["Answerability_Prediction"] == outputs["Product_Matching"] == {"yes", "no"}
    assert outputs["Product_Relation_Prediction"] == set("ABC")
    assert outputs["Sentiment_Analysis"] == {"A: very positive", "B: positive", "C: neutral", "D: negative", "E: very negative"}
    assert outputs["Sequential_Recommendation"] <= set("ABCDEFGHIJKLMNOPQRST")
    for row in rows:
        if row["task"] == "Attribute_Value_Extraction" and row["output"] and row["input"].endswith("}"):
            text = row["input"].lower()
            assert all(answer["value"] == "None" or answer["value"] in text for answer in json.loads(row["output"]))


def test_general_knowledge(raw):
    table = pq.read_table(raw / "mmlu/all/test-00000-of-00001.parquet")
    types = {field.name: field.type for field in table.schema}
    assert list(types) == ["question", "subject", "choices", "answer"]
    assert str(types["answer"]) == "int64" and str(types["choices"].value_type) == "string"
    for row in table.to_pylist():
        assert len(set(row["choices"])) == 4
        if sum_of := re.fullmatch(r"What is the value of (\d+) \+ (\d+)\?", row["question"]):
            assert row["choices"][row["answer"]] == str(int(sum_of[1]) + int(sum_of[2]))
    assert {row["subject"] for row in pq.read_table(raw / "mmlu/all/auxiliary_train-00000-of-00001.parquet").to_pylist()} == {""}
    alpaca = json.loads((raw / "alpaca_cleaned/alpaca_data_cleaned.json").read_text(encoding="utf-8"))
    assert {tuple(row) for row in alpaca} == {("instruction", "input", "output")}
    assert len(alpaca) == 400


def test_no_instruction_of_alpaca_comes_twice_or_without_an_answer(tmp_path):
    rows = json.loads(write("alpaca_cleaned", "alpaca_data_cleaned.json", tmp_path / "a", seed=1, scale=0.1).read_text(encoding="utf-8"))
    assert len(rows) == 5_176
    assert len({(row["instruction"], row["input"]) for row in rows}) == len(rows)
    assert all(row["output"].strip() for row in rows)
    assert 0 < sum("\u2605" in row["output"] for row in rows) < 50, "a little mess is left"
    forms = Counter(row["instruction"].split()[0] for row in rows)
    assert set(forms) == {"Explain", "Translate", "Sort", "Is", "Write", "Add"}
    assert forms.most_common(1)[0][1] < len(rows) / 2


def test_no_question_of_mmlu_comes_twice_in_any_of_its_splits(tmp_path):
    questions = []
    for file in mmlu.FILES:
        questions += pq.read_table(write("mmlu", file, tmp_path / file, seed=1, scale=0.02))["question"].to_pylist()
    assert len(questions) == 300 + 60 + 57 + 1_997
    assert len(set(questions)) == len(questions)


def test_ecinstruct_has_items_enough_for_its_datasets(tmp_path):
    """At scale 1 there are 12,000 of a task, of which the datasets ask 10,000, and 19,622 attributes with a value."""
    rows = json.loads(write("ecinstruct", "dataset.json", tmp_path / "a", seed=1, scale=0.1).read_text(encoding="utf-8"))
    inputs = {task: {row["input"] for row in rows if row["task"] == task and row["output"]} for task in ecinstruct.TASKS}
    for task, different in inputs.items():
        assert len(different) >= (600 if task == "Product_Matching" else 1_150), task
    asked = {row["input"]: row["output"] for row in rows if row["task"] == "Attribute_Value_Extraction" and row["output"]}
    assert sum(answer["value"] != "None" for output in asked.values() for answer in json.loads(output)) > 1.1 * 1_962


# Published bytes and rows.
PUBLISHED = [
    ("amazon_m2", "products_train.csv", 588_533_540, 1_551_057),
    ("amazon_m2", "sessions_train.csv", 259_228_456, 3_606_249),
    ("esci", "shopping_queries_dataset_products.parquet", 1_108_857_465, 1_814_924),
    ("ecinstruct", "dataset.json", 527e6, 110_528),
    ("alpaca_cleaned", "alpaca_data_cleaned.json", 44.3e6, 51_760),
    ("amazon_reviews_2023", "raw/review_categories/All_Beauty.jsonl", 326.6e6, 701_500),
    ("amazon_reviews_2023", "raw/meta_categories/meta_All_Beauty.jsonl", 213.0e6, 112_600),
    ("amazon_reviews_2023", "raw/review_categories/Digital_Music.jsonl", 78.8e6, 130_400),
    ("amazon_reviews_2023", "raw/meta_categories/meta_Digital_Music.jsonl", 67.1e6, 70_500),
    ("amazon_reviews_2023", "raw/review_categories/Gift_Cards.jsonl", 50.2e6, 152_400),
    ("amazon_reviews_2023", "raw/meta_categories/meta_Gift_Cards.jsonl", 2.04e6, 1_100),
]


@pytest.mark.parametrize(("source", "file", "size", "rows"), PUBLISHED)
def test_files_with_real_text_are_as_large_as_the_published_ones(tmp_path, source, file, size, rows):
    # Half a per mille of the rows (at least as many as every file has), counted before some are written twice.
    scale = 0.0005
    path = write(source, file, tmp_path / "real", seed=1, scale=scale, real_text=True)
    if file.endswith("jsonl"):
        category, metadata = Path(file).stem.removeprefix("meta_"), "meta_" in file
        least = amazon_reviews_2023.LEAST_ITEMS if metadata else amazon_reviews_2023.LEAST_REVIEWS
        written = max(least, round(1000 * amazon_reviews_2023.THOUSANDS[category][metadata] * scale))
    elif file.endswith("parquet"):
        written = pq.read_metadata(path).num_rows
    elif file.endswith("csv"):
        with path.open(encoding="utf-8", newline="") as stream:
            written = sum(1 for _ in csv.reader(stream))
    else:
        written = len(json.loads(path.read_text(encoding="utf-8"))) / (1.1 if source == "ecinstruct" else 1)
    assert path.stat().st_size / written == pytest.approx(size / rows, rel=0.27)


def test_real_text_is_only_longer(tmp_path, raw):
    """The same products with the same facts, and every short text at the start of the long one."""
    name = "shopping_queries_dataset_products.parquet"
    short = pq.read_table(raw / "esci" / name).to_pylist()
    long = pq.read_table(write("esci", name, tmp_path / "long", seed=1, real_text=True)).to_pylist()
    for one, other in zip(short, long, strict=True):
        for column in ("id", "title", "brand", "color", "locale"):
            assert one[f"product_{column}"] == other[f"product_{column}"]
        assert (other["product_description"] or "").startswith(one["product_description"] or "")
        bullets = [(row["product_bullet_point"] or "").split("\n") for row in (one, other)]
        assert all(after.startswith(before) for before, after in zip(*bullets, strict=True))
    file = "raw/meta_categories/meta_Gift_Cards.jsonl"
    items = [lines_of(raw / "amazon_reviews_2023" / file), lines_of(write("amazon_reviews_2023", file, tmp_path / "m", 1, real_text=True))]
    for one, other in zip(*items, strict=True):
        assert list(one) == list(other) and one["parent_asin"] == other["parent_asin"]
        assert set(one["images"][0]) == set(other["images"][-1])
        assert one["details"].items() <= other["details"].items()
    assert sha256_of(write("esci", name, tmp_path / "again", seed=1, real_text=True)) == sha256_of(tmp_path / "long")


def test_a_lengthened_text_grows_by_what_is_asked_on_average_and_hardly_compresses():
    for language in ("en", "jp"):
        texts = [lengthened("Red mug.", 500, 1, number, language=language) for number in range(2_000)]
        grown = [len(text.encode()) - len("Red mug.") for text in texts]
        assert sum(grown) / len(grown) == pytest.approx(500, rel=0.05)
        assert min(grown) == 0 and max(grown) < 1_200
        together = "\n".join(texts).encode()
        assert len(together) < 4.5 * len(zlib.compress(together))
    assert lengthened("Red mug.", 0, 1) == "Red mug."


def test_the_program_writes_short_texts_unless_told(raw, tmp_path):
    file = "raw/meta_categories/meta_Gift_Cards.jsonl"
    assert simulate("amazon_reviews_2023", file, tmp_path / "short", "--text-length", "short").returncode == 0
    assert sha256_of(tmp_path / "short") == sha256_of(raw / "amazon_reviews_2023" / file)
    assert simulate("amazon_reviews_2023", file, tmp_path / "real", "--text-length", "real").returncode == 0
    assert (tmp_path / "real").stat().st_size > 2 * (tmp_path / "short").stat().st_size
    assert simulate("amazon_reviews_2023", file, tmp_path / "no", "--text-length", "long").returncode == 2


def test_the_development_set_is_routed_as_labelled_but_for_task_6(raw):
    rows = lines_of(raw / "kddcup2024/development.json")
    assert Counter(row["task_name"] for row in rows) == kddcup2024.ROWS
    assert len(rows) == 96
    for row in rows:
        expected = "named_entity_recognition" if row["task_name"] == "task6" else row["task_type"]
        assert routing.task_type(row["input_field"], row["is_multiple_choice"]) == expected, row["input_field"]


def test_the_development_set_answers_are_in_range(raw):
    for row in lines_of(raw / "kddcup2024/development.json"):
        answer, options = row["output_field"], len(routing.numbered_options(row["input_field"]))
        if row["task_type"] == "multiple-choice":
            assert 1 <= answer <= 5 if row["task_name"] == "task15" else 0 <= answer < options == 4
        elif row["task_type"] == "retrieval":
            assert len(set(answer)) == len(answer) and all(1 <= number <= options for number in answer)
        elif row["task_type"] == "ranking":
            assert len(answer) == options == 5 and set(answer) <= {0, 0.01, 0.1, 1} and 1 in answer
        elif row["task_type"] == "named_entity_recognition":
            assert all(entity in row["input_field"].split("Query: ")[1] for entity in answer)
        elif row["task_name"] == "task6":
            assert answer.lower() in row["input_field"].lower()


def test_shopping_mmlu(raw):
    with zipfile.ZipFile(raw / "shopping_mmlu/data.zip") as archive:
        names = archive.namelist()
        folders = Counter(name.split("/")[0] for name in names)
        skills = [json.loads(line) for name in names if name.startswith("skills/") for line in archive.read(name).decode().splitlines()]
        choices = archive.read("multiple_choice/title_attribute_selection_dataset.csv").decode()
    assert set(folders) == {"multiple_choice", "retrieval", "ranking", "named_entity_recognition", "generation", "skills"}
    assert len(skills) == 180
    assert {tuple(row) for row in skills} == {("input_field", "output_field", "task_name", "task_type", "metric")}
    rows = list(csv.DictReader(choices.splitlines()))
    assert list(rows[0]) == ["question", "choices", "answer"]
    assert all(len(json.loads(row["choices"].replace("'", '"'))) == 4 and 0 <= int(row["answer"]) <= 3 for row in rows)


def test_a_wrong_name_is_told(tmp_path):
    for source, file, message in [
        ("books", "a", "no simulator"),
        ("esci", "a.csv", "no such file"),
        ("mmlu", "all/dev.parquet", "no such file"),
        ("amazon_reviews_2023", "raw/review_categories/Books2.jsonl", "no such file"),
    ]:
        done = simulate(source, file, tmp_path / "out")
        assert done.returncode == 2, (source, file, done.stderr)
        assert message in done.stderr
        assert not (tmp_path / "out").exists()
    assert simulate("mmlu", "all/dev-00000-of-00001.parquet", tmp_path / "out", "--scale", "0").returncode == 2


@pytest.mark.skipif(not REAL.exists(), reason="the real rows are not here")
def test_the_real_rows_have_the_same_keys(raw):
    real = lines_of(REAL / "kddcup2024/development.json")
    ours = lines_of(raw / "kddcup2024/development.json")
    assert list(real[0]) == list(ours[0])
    counts = [Counter(tuple(row[name] for name in list(real[0])[2:]) for row in rows) for rows in (real, ours)]
    assert counts[0] == counts[1]
    for row in ours:
        twin = next(other for other in real if other["task_name"] == row["task_name"])
        assert type(row["output_field"]) is type(twin["output_field"])
    assert not {row["input_field"] for row in real} & {row["input_field"] for row in ours}

    review, item = (lines_of(REAL / f"amazon_reviews_2023/raw_{name}_sample.jsonl")[0] for name in ("review", "meta"))
    folder = raw / "amazon_reviews_2023/raw"
    assert set(review) == set(lines_of(folder / "review_categories/Gift_Cards.jsonl")[0])
    assert set(item) == set(lines_of(folder / "meta_categories/meta_Gift_Cards.jsonl")[0])

    judgements = pq.read_schema(REAL / "esci/test-sample.parquet")
    ours_schema = pq.read_schema(raw / "esci/shopping_queries_dataset_examples.parquet")
    assert all(judgements.field(field.name).type == field.type for field in ours_schema)
