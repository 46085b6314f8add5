"""Every dataset module on simulated raw files: its contract, and its answers looked up again in the tables by the row's keys."""

import ast
import json
import math
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from build_dataset import load_module
from in_process import run

from shopbench.dataset_table import read_dataset_table
from shopbench.parsers import parse
from shopbench.routing import task_type
from shopbench.tables import facts_of

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared/data"
MODULES = ROOT / "workflow/scripts/datasets"
TABLE = {name: row for name, row in read_dataset_table(ROOT / "config/datasets.tsv").items() if row["module"] == "ready"}
CATEGORIES = ["All_Beauty", "Gift_Cards"]
TABLES_OF = {
    "amazon_m2": ["m2_products"],
    "kdd_cup_2023": ["m2_products", "m2_sessions"],
    "amazon_reviews_2023": [f"{table}.{category}" for table in ("reviews", "review_products") for category in CATEGORIES],
    "ecinstruct": ["ecinstruct"],
    "alpaca_cleaned": ["alpaca"],
    "mmlu": ["mmlu"],
    "esci": ["esci_judgements", "esci_products"],
}
ESCI_GAIN = {"E": 1, "S": 0.1, "C": 0.01, "I": 0}
# Rows of each dataset: enough to see a systematic mistake.
SIZE = 60


def simulate(folder: Path, source: str, file: str) -> Path:
    """One simulated raw file, as small as the simulator makes it."""
    path = folder / "raw" / source / file
    result = run("simulate_source.py", "--source", source, "--file", file, "--scale", 0.0005, "--seed", 3, "--output", path)
    assert result.returncode == 0, result.stderr
    return path


def tabulate(program: str, *arguments: object) -> None:
    result = run(program, *arguments, "--broken-share", 0.05)
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Path:
    """All tables of the simulated sources."""
    folder = tmp_path_factory.mktemp("tables")
    esci = [simulate(folder, "esci", f"shopping_queries_dataset_{name}.parquet") for name in ("examples", "products")]
    outputs = ["--output-judgements", folder / "esci_judgements.parquet", "--output-products", folder / "esci_products.parquet"]
    tabulate("tabulate_esci.py", "--examples", esci[0], "--products", esci[1], "--pool-judgements", 100_000, *outputs)
    m2 = [simulate(folder, "amazon_m2", f"{name}_train.csv") for name in ("products", "sessions")]
    outputs = ["--output-products", folder / "m2_products.parquet", "--output-sessions", folder / "m2_sessions.parquet"]
    pools = ["--pool-products", 5_000, "--pool-sessions", 1_000]
    tabulate("tabulate_amazon_m2.py", "--products", m2[0], "--sessions", m2[1], *pools, *outputs)
    for category in CATEGORIES:
        reviews = simulate(folder, "amazon_reviews_2023", f"raw/review_categories/{category}.jsonl")
        products = simulate(folder, "amazon_reviews_2023", f"raw/meta_categories/meta_{category}.jsonl")
        outputs = ["--output-reviews", folder / f"reviews.{category}.parquet"]
        outputs += ["--output-products", folder / f"review_products.{category}.parquet"]
        tabulate("tabulate_reviews.py", "--reviews", reviews, "--products", products, "--pool-reviews", 5_000, *outputs)
    items = simulate(folder, "ecinstruct", "dataset.json")
    tabulate("tabulate_ecinstruct.py", "--input", items, "--items", 5_000, "--output", folder / "ecinstruct.parquet")
    parts = [simulate(folder, "mmlu", f"all/{part}-00000-of-00001.parquet") for part in ("test", "validation", "dev", "auxiliary_train")]
    tabulate("tabulate_mmlu.py", "--inputs", *parts, "--output", folder / "mmlu.parquet")
    items = simulate(folder, "alpaca_cleaned", "alpaca_data_cleaned.json")
    tabulate("tabulate_alpaca.py", "--input", items, "--output", folder / "alpaca.parquet")
    return folder


def arguments_of(name: str, tables: Path, output: Path) -> list[str]:
    row = TABLE[name]
    inputs = [tables / f"{table}.parquet" for table in TABLES_OF[row["source"]]]
    given = ["--module", MODULES / f"{name}.py", "--row", json.dumps(row), "--tables", *inputs]
    return list(map(str, [*given, "--scale", SIZE / row["size"], "--seed", 5, "--validation-share", 0.2, "--output", output]))


@pytest.fixture(scope="module")
def built(tables) -> dict[str, list[dict]]:
    """The rows of every ready dataset."""
    rows = {}
    for name in TABLE:
        path = tables / "datasets" / f"{name}.parquet"
        result = run("build_dataset.py", *arguments_of(name, tables, path))
        assert result.returncode == 0, f"{name}: {result.stderr}"
        rows[name] = pl.read_parquet(path).to_dicts()
        facts = facts_of(path)
        assert facts["rows"] == len(rows[name]) == facts["wanted"] - facts["shortfall"]
        assert all(read["rows_read"] > sum(read["broken"].values()) for read in facts["tables"].values())
    return rows


def options_of(prompt: str) -> list[str]:
    """The last numbered list of a prompt."""
    found = re.findall(r"^(\d+)\. (.*)$", prompt, re.M)
    starts = [
        place
        for place, (number, _) in enumerate(found)
        if int(number) in (0, 1) and (place == 0 or int(found[place - 1][0]) >= int(number))
    ]
    return [text for _, text in found[starts[-1] :]] if starts else []


def best_score(response: str, kind: str, truth: object) -> float:
    """What the challenge's metric of a task type gives a response, written out from its rules."""
    parsed = parse(response, kind)
    if kind == "multiple-choice":
        return float(parsed == truth)
    if kind == "retrieval":
        return len(set(parsed) & set(truth)) / len(truth)
    if kind == "ranking":
        dcg = [sum((2**w - 1) / math.log2(n + 2) for n, w in enumerate(ws)) for ws in ([truth[p - 1] for p in parsed], sorted(truth)[::-1])]
        return dcg[0] / dcg[1]
    if kind == "named_entity_recognition":
        return float({e.lower() for e in parsed} == {e.lower() for e in truth} and len(parsed) == len(truth))
    return float(parsed == truth)


def test_there_is_a_module_for_every_ready_dataset_and_no_other():
    assert {path.stem for path in MODULES.glob("*.py")} == set(TABLE)
    assert {row["source"] for row in TABLE.values()} == set(TABLES_OF)
    assert {row["task_type"] for row in TABLE.values()} == {
        "multiple-choice",
        "retrieval",
        "ranking",
        "named_entity_recognition",
        "generation",
    }


@pytest.mark.parametrize("name", TABLE)
def test_contract(built, name):
    rows, expected = built[name], TABLE[name]
    assert len(rows) >= 10
    assert len({row["id"] for row in rows}) == len({row["prompt"] for row in rows}) == len(rows)
    assert {row["split"] for row in rows} == {"train", "validation"}
    for row in rows:
        truth = json.loads(row["source"])["truth"]
        assert (row["dataset"], row["task_type"], row["track"]) == (name, expected["task_type"], expected["track"])
        assert best_score(row["completion"], row["task_type"], truth) == pytest.approx(1.0), row
        assert task_type(row["prompt"], row["task_type"] == "multiple-choice") == row["task_type"], row["prompt"]
        assert row["locale"] and re.fullmatch(r"[a-z0-9_]+:[a-z]+:.+", row["group"])
        assert not re.search(r"\{\w+\}", row["prompt"]) and "None" not in row["completion"]
        options = options_of(row["prompt"])
        if expected["task_type"] in ("multiple-choice", "ranking", "retrieval") and name != "review_rating":
            assert len({option.casefold() for option in options}) == len(options), row["prompt"]
            highest = truth if isinstance(truth, int) else len(truth) - 1 if row["task_type"] == "ranking" else max(truth) - 1
            assert highest < len(options)


def test_no_place_of_the_right_option_is_favoured(built):
    fixed_order = {"review_rating", "query_product_relation", "mmlu_test", "mmlu_auxiliary"}
    drawn = [name for name, row in TABLE.items() if row["task_type"] == "multiple-choice" and row["source"] in ("esci", "amazon_m2")]
    places = [json.loads(row["source"])["truth"] for name in drawn if name not in fixed_order for row in built[name]]
    assert len(places) > 400
    # Five standard deviations around a quarter.
    assert all(abs(places.count(place) / len(places) - 0.25) < 5 * math.sqrt(0.25 * 0.75 / len(places)) for place in range(4))


def test_one_group_is_on_one_side_in_all_datasets(built):
    side: dict[str, str] = {}
    for rows in built.values():
        for row in rows:
            assert side.setdefault(row["group"], row["split"]) == row["split"]


def looked_up(tables: Path, table: str, **keys: object) -> dict:
    """The one row of a table with these keys."""
    frame = pl.read_parquet(tables / f"{table}*.parquet").filter(*(pl.col(column) == value for column, value in keys.items()))
    assert frame.height == 1, keys
    return frame.row(0, named=True)


def right_texts(row: dict) -> list[str]:
    truth = json.loads(row["source"])["truth"]
    options = options_of(row["prompt"])
    return [options[truth]] if isinstance(truth, int) else [options[place - 1] for place in truth]


@pytest.mark.parametrize(
    ("name", "table", "answer"),
    [
        ("title_brand", "esci_products", lambda product: product["brand"]),
        ("title_for_description", "esci_products", lambda product: product["title"]),
        ("title_for_features", "esci_products", lambda product: product["title"]),
        ("mmlu_test", "mmlu", lambda question: question["choices"][question["answer"]]),
        ("mmlu_auxiliary", "mmlu", lambda question: question["choices"][question["answer"]]),
    ],
)
def test_right_options_stand_in_the_table(built, tables, name, table, answer):
    for row in built[name][:20]:
        assert right_texts(row) == [answer(looked_up(tables, table, **json.loads(row["source"])["keys"]))]


@pytest.mark.parametrize("name", ["query_for_title", "query_for_description", "query_for_features"])
def test_right_queries_judged_the_product_exact(built, tables, name):
    for row in built[name][:20]:
        judgement = looked_up(tables, "esci_judgements", **json.loads(row["source"])["keys"])
        assert judgement["label"] == "E" and right_texts(row) == [judgement["query"]]


def test_query_product_relations_are_the_labels(built, tables):
    words = {"E": "exact", "S": "substitute", "C": "complement", "I": "irrelevant"}
    for row in built["query_product_relation"][:20]:
        judgement = looked_up(tables, "esci_judgements", **json.loads(row["source"])["keys"])
        assert right_texts(row) == [words[judgement["label"]]] and judgement["query"] in row["prompt"]


def test_rankings_carry_the_judged_relevance(built, tables):
    judgements = pl.read_parquet(tables / "esci_judgements.parquet").join(
        pl.read_parquet(tables / "esci_products.parquet"), on=["locale", "product_id"]
    )
    for row in built["rank_products"][:20]:
        source = json.loads(row["source"])
        label_of = dict(judgements.filter(pl.col("query_id") == source["keys"]["query_id"]).select("title", "label").iter_rows())
        assert source["truth"] == [ESCI_GAIN[label_of[title]] for title in options_of(row["prompt"])]
    for row in built["exact_matches"][:20]:
        exact = judgements.filter(pl.col("query_id") == json.loads(row["source"])["keys"]["query_id"], pl.col("label") == "E")[
            "title"
        ].to_list()
        shown = options_of(row["prompt"])
        assert len(shown) == 10 and set(shown) & set(exact) == set(right_texts(row))


def test_translations_are_of_one_product(built, tables):
    for row in built["translate_title"][:20]:
        keys = json.loads(row["source"])["keys"]
        titles = [looked_up(tables, "m2_products", product_id=keys["product_id"], locale=keys[side])["title"] for side in ("from", "to")]
        assert titles[0] in row["prompt"] and row["completion"] == titles[1] and row["locale"] == keys["to"]


def test_previous_clicks_are_of_the_session(built, tables):
    products = pl.read_parquet(tables / "m2_products.parquet")
    for row in built["previous_clicks"][:20]:
        session = looked_up(tables, "m2_sessions", **json.loads(row["source"])["keys"])
        clicked = products.filter(pl.col("locale") == session["locale"], pl.col("product_id").is_in(session["previous"]))["title"].to_list()
        assert len(right_texts(row)) == 3 and set(options_of(row["prompt"])) & set(clicked) == set(right_texts(row))


def test_ratings_are_the_reviews(built, tables):
    for row in built["review_rating"][:20]:
        source = json.loads(row["source"])
        assert source["truth"] == looked_up(tables, "reviews.", **source["keys"])["rating"]


def test_helpful_reviews_fall_with_the_votes(built, tables):
    reviews = pl.read_parquet(tables / "reviews.*.parquet")
    for row in built["helpful_reviews"][:20]:
        source = json.loads(row["source"])
        of_product = reviews.filter(pl.col("product_id") == source["keys"]["product_id"])
        votes = [set(of_product.filter(pl.col("text").str.starts_with(text))["helpful_votes"]) for text in options_of(row["prompt"])]
        known = [(min(found), weight) for found, weight in zip(votes, source["truth"], strict=True) if len(found) == 1]
        assert all((a[0] > b[0]) == (a[1] > b[1]) for a in known for b in known)


def test_pairs_of_products_are_asked_about_in_both_orders_on_one_side_of_the_split(tables):
    items = pl.read_parquet(tables / "ecinstruct.parquet")
    frame = (
        load_module(MODULES / "product_matching.py")
        .build(SimpleNamespace(table=lambda name, *columns, task: items.filter(pl.col("task") == task).select(columns)))
        .frame
    )
    pairs = items.filter(pl.col("task") == "product_matching")
    assert frame.height == 2 * pairs.height
    for _, both in frame.group_by("item"):
        one, other = (json.loads(fields) for fields in both.sort("order")["fields"])
        assert (one["product 1"], one["product 2"]) == (other["product 2"], other["product 1"])
        assert both["about"].n_unique() == both["output"].n_unique() == 1


def test_sentiments_and_attributes_are_ecinstructs(built, tables):
    items = pl.read_parquet(tables / "ecinstruct.parquet")
    scale = ["very positive", "positive", "neutral", "negative", "very negative"]
    reviews = items.filter(pl.col("task") == "sentiment_analysis")
    answer_of = {json.loads(fields)["review"]: output for fields, output in reviews.select("fields", "output").iter_rows()}
    for row in built["sentiment_analysis"]:
        said = [output for review, output in answer_of.items() if review in row["prompt"]]
        assert any(
            right_texts(row)[0] == output.split(": ")[-1] or right_texts(row)[0] == scale["ABCDE".index(output[0])] for output in said
        )
    outputs = " ".join(items.filter(pl.col("task") == "attribute_extraction")["output"]).casefold()
    for row in built["attribute_extraction"]:
        assert all(f'"value": "{value.casefold()}"' in outputs and value in row["prompt"] for value in json.loads(row["source"])["truth"])


@pytest.mark.parametrize("name", ["rank_pairs", "translate_title", "also_liked", "rank_reviews"])
def test_same_bytes_with_one_and_two_threads(tables, tmp_path, name):
    command = [sys.executable, ROOT / "workflow/scripts/build_dataset.py", *arguments_of(name, tables, tmp_path / "out.parquet")]
    made = []
    for threads in ("1", "2"):
        environment = {"POLARS_MAX_THREADS": threads, "PYTHONHASHSEED": threads}
        subprocess.run(command, check=True, env=environment, capture_output=True)
        made.append((tmp_path / "out.parquet").read_bytes())
    assert made[0] == made[1]


def string_constants(path: Path, name: str) -> list[str]:
    """The strings of the constants whose name ends in `name`, as the module has them after running."""
    namespace: dict = {}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kept = [node for node in tree.body if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "").endswith((name, "FORM"))]
    exec(compile(ast.Module(kept, []), str(path), "exec"), namespace)
    return [text for key, texts in namespace.items() if key.endswith(name) for text in texts]


def as_example(row: dict) -> str:
    """A row as the docstring of its module shows it."""
    lines = f"{row['prompt']}\n-> {row['completion']}".split("\n")
    return "".join(textwrap.fill(line, 138, initial_indent="    ", subsequent_indent="      ") + "\n" for line in lines)


@pytest.mark.parametrize("path", sorted(MODULES.glob("*.py")), ids=lambda path: path.stem)
def test_the_docstrings_example_is_a_row_that_the_module_makes(path, built, request):
    text = path.read_text(encoding="utf-8")
    examples = [as_example(row) for row in built[path.stem]]
    if request.config.getoption("--write-examples"):
        shown = [example for example in examples if "\\" not in example and '"""' not in example]
        start = text.index("Example:\n\n") + len("Example:\n\n")
        if text[start : text.index('"""', start)] not in examples:
            path.write_text(text[:start] + min(shown, key=lambda e: (len(e), e)) + text[text.index('"""', start) :], encoding="utf-8")
        text = path.read_text(encoding="utf-8")
    example = text.split("Example:\n\n")[1].split('"""')[0]
    assert example in examples, "write another with pytest --write-examples"


@pytest.mark.parametrize("path", sorted(MODULES.glob("*.py")), ids=lambda path: path.stem)
def test_prompts_are_routed_to_their_type(path, built):
    kind = TABLE[path.stem]["task_type"]
    routed = [task_type(row["prompt"], kind == "multiple-choice") == kind for row in built[path.stem]]
    # Alpaca's instructions are anybody's.
    assert all(routed) or path.stem == "alpaca"


@pytest.mark.parametrize("path", sorted(MODULES.glob("*.py")), ids=lambda path: path.stem)
def test_wordings(path):
    wordings = string_constants(path, "WORDINGS")
    assert len(set(wordings)) == len(wordings) >= 4


@pytest.mark.skipif(not REAL.exists(), reason="no real rows here")
def test_no_sentence_is_the_challenges():
    """The wordings are this project's own: none has eight words in a row of the development set's."""
    rows = (REAL / "kddcup2024/development.json").read_text(encoding="utf-8").splitlines()
    theirs = " ".join(" ".join(json.loads(row)["input_field"].casefold().split()) for row in rows)
    for path in MODULES.glob("*.py"):
        for wording in string_constants(path, "WORDINGS"):
            for sentence in re.split(r"\{\w+\}|\n", wording.casefold()):
                words = sentence.split()
                assert not any(" ".join(words[n : n + 8]) in theirs for n in range(len(words) - 7)), f"{path.stem}: {sentence}"
