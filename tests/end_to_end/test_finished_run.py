"""The whole graph on tests/config/tiny.yaml: is what it leaves true? Each check goes another way than the program it checks."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter

import numpy as np
import polars as pl
import pytest
import yaml
from browser import CHROMIUM
from page_in_browser import check_page
from safetensors.numpy import load_file
from support import REAL_DATA, TINY, snakemake

COLUMNS = ["id", "dataset", "task_type", "track", "locale", "prompt", "completion", "group", "split", "source"]


@pytest.fixture(scope="module")
def results(finished_run):
    return finished_run / "results/tiny"


@pytest.fixture(scope="module")
def run_config(results):
    return yaml.safe_load((results / "run_config.yaml").read_text())


def delta(folder):
    """A PEFT adapter's delta by module, from the definition: scale * B A."""
    config = json.loads((folder / "adapter_config.json").read_text())
    assert not config.get("use_rslora")
    scale = config["lora_alpha"] / config["r"]
    factors = load_file(folder / "adapter_model.safetensors")
    stems = {re.match(r"base_model\.model\.(.*)\.lora_A\.weight", name).group(1) for name in factors if "lora_A" in name}
    product = {s: factors[f"base_model.model.{s}.lora_B.weight"] @ factors[f"base_model.model.{s}.lora_A.weight"] for s in stems}
    return {s: scale * p.astype(np.float64) for s, p in product.items()}


def bfloat16_weights(file):
    """A safetensors file's bfloat16 tensors as float32, which NumPy lacks: the upper half of a float32 each, behind a header in JSON."""
    content = file.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    tensors = {name: entry for name, entry in json.loads(content[8:start]).items() if name != "__metadata__"}
    assert {entry["dtype"] for entry in tensors.values()} == {"BF16"}
    weights = {}
    for name, entry in tensors.items():
        first, last = entry["data_offsets"]
        upper = np.frombuffer(content[start + first : start + last], dtype="<u2").astype(np.uint32)
        weights[name] = (upper << 16).view(np.float32).reshape(entry["shape"])
    return weights


def read_predictions(results, question_set, variant, track="track5"):
    return [json.loads(line) for line in (results / f"predictions/{question_set}/{variant}/{track}.jsonl").read_text().splitlines()]


def test_39_datasets_with_the_fixed_columns(results):
    files = sorted(results.glob("datasets/*.parquet"))
    assert len(files) == 39
    for file in files:
        frame = pl.read_parquet(file)
        assert frame.columns == COLUMNS and frame.height > 0, file.name
        assert frame["id"].n_unique() == frame.height, file.name


def test_no_group_is_on_both_sides_of_the_split(results):
    rows = pl.concat([pl.read_parquet(file, columns=["group", "split"]) for file in results.glob("datasets/*.parquet")])
    assert rows.group_by("group").agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(rows["split"]) == {"train", "validation"}


def test_blends_hold_train_rows_only(results):
    for file in results.glob("blends/*.parquet"):
        frame = pl.read_parquet(file)
        assert set(frame["split"]) == {"train"}
        assert frame.select("prompt", "completion").is_duplicated().sum() == 0


def test_every_dataset_and_blend_has_its_card(results):
    for kind in ("datasets", "blends"):
        for file in results.glob(f"{kind}/*.parquet"):
            rows = pl.read_parquet(file)
            card = json.loads((results / f"cards/{kind}/{file.stem}.json").read_text())
            for column in ("task_type", "locale", "split"):
                assert card["counts"][column] == dict(rows.group_by(column).len().iter_rows()), file.name
            assert {row["id"] for row in card["samples"]} <= set(rows["id"])
            (digest,) = card["sha256"]["result"].values()
            assert digest == hashlib.sha256(file.read_bytes()).hexdigest()
            assert len((results / f"cards/{kind}/{file.stem}.md").read_text()) > 1000
            if kind == "blends":
                assert len(card["coverage"]["tasks"]) == 18
                assert all(0 < task["similarity"] <= 1 for task in card["coverage"]["tasks"].values())


def test_adapters_are_the_papers_but_for_their_rank(results, run_config):
    for name in ("v7", "v8", "v7b", "v9b"):
        config = json.loads((results / f"adapters/{name}/adapter_config.json").read_text())
        assert config["r"] == run_config["training"]["rank"] == 2 * config["lora_alpha"]
        assert {module.split(".")[-1] for module in config["target_modules"]} == {
            "q_proj",
            "k_proj",
            "v_proj",
            "o_proj",
            "gate_proj",
            "up_proj",
            "down_proj",
        }
    v7, v7b = delta(results / "adapters/v7"), delta(results / "adapters/v7b")
    assert max(np.abs(v7[m] - v7b[m]).max() for m in v7) > 1e-4


def test_every_trained_adapter_has_its_card(results, run_config):
    for name, adapter in run_config["adapters"].items():
        card = json.loads((results / f"cards/adapters/{name}.json").read_text())
        assert (card["adapter"], card["blend"]["name"], card["start_from"]) == (name, adapter["blend"], adapter.get("start_from"))
        assert card["training"] == {**card["training"], **adapter["training"]}
        assert card["blend"]["rows"] == pl.read_parquet(results / f"blends/{adapter['blend']}.parquet").height
        (digest,) = card["sha256"]["result"].values()
        assert digest == hashlib.sha256((results / f"adapters/{name}/adapter_model.safetensors").read_bytes()).hexdigest()
        page = (results / f"cards/adapters/{name}.md").read_text()
        assert f"trained on blend {adapter['blend']}" in page and "| packing | true |" in page


def test_training_lowers_the_loss(results):
    for name in ("v7", "v8"):
        before, *steps = [json.loads(line) for line in (results / f"adapters/{name}/metrics.jsonl").read_text().splitlines()]
        losses = [step["loss"] for step in steps]
        assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5]), losses
        assert (before["step"], steps[-1]["step"]) == (0, len(steps))
        assert steps[-1]["validation_loss"] < before["validation_loss"]


def test_ensembles_are_the_signed_sums_of_their_adapters(results, run_config):
    deltas = {name: delta(results / f"adapters/{name}") for name in run_config["adapters"]}
    built = {name: delta(results / f"ensembles/{name}") for name in run_config["ensembles"]}
    for name, ensemble in run_config["ensembles"].items():
        assert ensemble["mode"] == "stack"
        weights = {m["name"]: m["weight"] for m in ensemble["adapters"]}
        for module in built[name]:
            expected = 0
            for member, weight in weights.items():
                start = run_config["adapters"][member].get("start_from")
                change = deltas[member][module] - (deltas[start][module] if start in weights else 0)
                expected = expected + ensemble["alpha"] * weight * change
            np.testing.assert_allclose(built[name][module], expected, atol=1e-5)
    modules = list(built["track1"])
    for a, b in (("track1", "track24"), ("track24", "track35"), ("track1", "track35")):
        assert max(np.abs(built[a][m] - built[b][m]).max() for m in modules) > 1e-4


def test_merged_weights_are_base_plus_ensemble_and_zeros(results, run_config):
    base = bfloat16_weights(results / "base/demo-base/model.safetensors")
    merged = {}
    for file in (results / "merged/track35").glob("*.safetensors"):
        merged |= load_file(file)
    added = delta(results / "ensembles/track35")
    for name, weight in base.items():
        expected = weight.astype(np.float64) + added.get(name.removesuffix(".weight"), 0)
        rows, columns = (*weight.shape, 1)[:2]
        found = merged[name].reshape(merged[name].shape[0], -1)
        np.testing.assert_allclose(found[:rows, :columns], expected.reshape(rows, columns), atol=1e-6)
        assert not found[rows:].any() and not found[:, columns:].any()
    assert merged["model.layers.0.mlp.gate_proj.weight"].shape[0] == run_config["merge"]["pad_intermediate_to"]


@pytest.mark.parametrize("method", ["awq", "gptq"])
def test_quantized_models_say_what_they_are(results, method):
    config = json.loads((results / f"quantized/track35-{method}/config.json").read_text())
    assert config["quantization_config"]["quant_method"] == method
    assert (results / f"verified/track35-{method}.json").exists()


def test_each_question_is_answered_once_and_answers_differ(results, run_config):
    for question_set in run_config["evaluation"]["sets"]:
        asked = pl.read_parquet(results / f"evaluation/{question_set}.parquet")
        for variant in run_config["variants"]:
            answers = read_predictions(results, question_set, variant)
            assert sorted(a["id"] for a in answers) == sorted(asked["id"])
            assert all(list(a) == ["id", "task", "task_type", "prompt", "response", "seconds"] for a in answers)
            assert len({a["response"] for a in answers}) > 5, variant
            by_track = [a["id"] for t in (1, 2, 3, 4) for a in read_predictions(results, question_set, variant, f"track{t}")]
            assert sorted(by_track) == sorted(asked.filter(pl.col("track") != "track5")["id"])


def test_strict_answers_are_well_formed(results, run_config):
    strict = [name for name, variant in run_config["variants"].items() if variant["constraints"] == "strict"]
    shapes = {"multiple-choice": r"[0-5]", "ranking": r"\d(,\d)*", "retrieval": r"\d+(,\d+){0,2}"}
    for variant in strict:
        for answer in read_predictions(results, "validation", variant):
            if answer["task_type"] in shapes:
                assert re.fullmatch(shapes[answer["task_type"]], answer["response"]), answer
                numbers = answer["response"].split(",")
                assert len(set(numbers)) == len(numbers)


def test_accuracy_recomputed(results, run_config):
    """Scores of the multiple-choice tasks, counted again from answers and truths."""
    asked = pl.read_parquet(results / "evaluation/validation.parquet")
    for variant in run_config["variants"]:
        scores = json.loads((results / f"scores/validation/{variant}.json").read_text())
        answers = {a["id"]: a["response"].strip() for a in read_predictions(results, "validation", variant)}
        for (task,), rows in asked.filter(pl.col("metric") == "accuracy").group_by("task"):
            right = [answers[i][:1] == t.strip() for i, t in rows.select("id", "truth").iter_rows()]
            assert scores["tasks"][task]["score"] == pytest.approx(np.mean(right)), (variant, task)
            assert scores["tasks"][task]["low"] <= scores["tasks"][task]["score"] <= scores["tasks"][task]["high"]


def test_the_sweep_begins_at_the_base_model(results):
    sweep = pl.read_parquet(results / "sweeps/v8.parquet").filter((pl.col("alpha") == 0) & (pl.col("set") == "validation"))
    base = json.loads((results / "scores/validation/base-strict.json").read_text())["tasks"]
    assert sweep.height > 30
    for task, score in sweep.select("task", "score").iter_rows():
        assert score == pytest.approx(base[task]["score"], abs=1e-9), task


def read_table(results, name):
    with (results / f"report_tables/{name}.tsv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_the_pies_recounted_from_the_datasets(results):
    rows = Counter(task_type for file in results.glob("datasets/*.parquet") for task_type in pl.read_parquet(file)["task_type"])
    shown = {row["part"]: float(row["share"]) for row in read_table(results, "dataset_pies") if row["division"] == "task type"}
    assert shown == pytest.approx({part: 100 * count / rows.total() for part, count in rows.items()}, abs=0.051)


def test_final_scores_recomputed_from_answers(results, run_config):
    """Track 2 of the validation set is multiple choice alone: answers against truths, a mean over tasks."""
    variant = run_config["systems"]["final"]["track2"]
    answers = {a["id"]: a["response"].strip() for a in read_predictions(results, "validation", variant, "track2")}
    asked = pl.read_parquet(results / "evaluation/validation.parquet").filter(pl.col("track") == "track2")
    assert set(asked["metric"]) == {"accuracy"}
    tasks = [
        np.mean([answers[i][:1] == t.strip() for i, t in part.select("id", "truth").iter_rows()]) for _, part in asked.group_by("task")
    ]
    (row,) = [r for r in read_table(results, "final_scores") if (r["set"], r["track"]) == ("validation", "track2")]
    assert (row["variant"], int(row["questions"])) == (variant, asked.height)
    assert float(row["score"]) == pytest.approx(np.mean(tasks), abs=1e-6)


def test_training_curves_resummed_from_the_logs(results):
    for name in ("v7", "v9b"):
        steps = [json.loads(line) for line in (results / f"adapters/{name}/metrics.jsonl").read_text().splitlines()]
        last = [row for row in read_table(results, "training_curves") if row["adapter"] == name][-1]
        assert int(last["tokens"]) == sum(step.get("tokens", 0) for step in steps)
        assert float(last["loss"]) == pytest.approx(steps[-1]["loss"], abs=1e-6)


def test_what_the_run_took_is_what_was_run(results, run_config):
    rows = {row["rule"]: row for row in read_table(results, "run_summary")}
    assert int(rows["train_adapter"]["jobs"]) == 4 and int(rows["build_dataset"]["jobs"]) == 39
    assert int(rows["answer_questions"]["jobs"]) == len(run_config["variants"])
    assert 0 < float(rows["train_adapter"]["hours"]) < float(rows["all"]["hours"]) < 2


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_page_in_a_browser_with_the_network_off(results):
    check_page(results / "report.html")


def test_the_page_needs_nothing_else(results):
    page = (results / "report.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:|#)(?!https?://)[^"]*"', page)
    assert not re.findall(r'src="https?:', page)
    assert "simulated" in page
    assert len(page) < 50e6
    for item in ("final_scores", "pipeline", "card-datasets-title_brand", "card-adapters-v8"):
        assert f'id="{item}"' in page
    for ending in ("tex", "html"):
        assert {file.stem for file in results.glob(f"report_tables/*.{ending}")} == {f.stem for f in results.glob("report_tables/*.tsv")}


def test_snakemakes_own_report_has_every_item_with_its_caption(finished_run, results, tmp_path):
    snakemake(finished_run, "--report", str(tmp_path / "own.html"), *TINY)
    page = (tmp_path / "own.html").read_text()
    for kind, files in {"figure": results.glob("figures/*.png"), "table": results.glob("report_tables/*.tsv")}.items():
        for file in files:
            labels = re.escape(json.dumps({"item": file.stem.replace("_", " "), "kind": kind}))
            path = re.escape(str(file.relative_to(finished_run)))
            assert re.search(rf'"{path}": .{{0,160}}"labels": {labels}.{{0,40}}"caption": "<p>', page), file.name


def test_the_real_development_set_is_answered_and_scored(finished_run, tmp_path):
    real = REAL_DATA / "kddcup2024/development.json"
    if not real.exists():
        pytest.skip("the challenge's development set is not here")
    overlay = tmp_path / "real.yaml"
    overlay.write_text(
        yaml.safe_dump(
            {
                "run": "real",
                "pathvars": {"results": "results/real", "raw": "results/tiny/raw", "parts": "results/real/.parts", "logs": "logs/real"},
                "evaluation": {"development": str(real)},
                "base_model": "given",
                "models": {"given": {"path": str(finished_run / "results/tiny/base/demo-base")}},
            }
        )
    )
    scores = "results/real/scores/development/base-strict.json"
    snakemake(finished_run, scores, "--configfile", *TINY[1:], str(overlay), "--cores", "2", "--show-failed-logs")
    tasks = json.loads((finished_run / scores).read_text())["tasks"]
    assert sum(task["n"] for task in tasks.values()) == 96 and len(tasks) == 18
    labelled = {row["input_field"]: row["task_type"] for row in map(json.loads, real.read_text().splitlines())}
    answers = read_predictions(finished_run / "results/real", "development", "base-strict")
    rerouted = [a["task"] for a in answers if a["task_type"] != labelled[a["prompt"]]]
    assert rerouted == ["task6"] * 8
