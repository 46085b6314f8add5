"""The language-model stage in the graph: what an edit asks anew, the stage turned off, and that no secret is written anywhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import polars as pl
import pytest
from scripted_endpoint import KEY, ScriptedEndpoint
from support import TINY, adopt_environments, commented, edited, planned_jobs, snakemake

STAGE = ("list_seeds", "build_tasks", "enrich_seeds", "reword_instructions", "judge_answers")


def of_stage(jobs):
    return {job for job in jobs if job.startswith(STAGE)}


def built(jobs):
    return {job for job in jobs if job.startswith("build_dataset(")}


def test_a_template_asks_its_own_set_anew(finished_run):
    template = finished_run / "workflow/prompts/review_aspects.yaml"
    with edited(template, lambda text: text.replace("You read customers' reviews", "You study customers' reviews")):
        jobs = planned_jobs(finished_run, *TINY)
    assert of_stage(jobs) == {"enrich_seeds(review_aspects)", "judge_answers(review_aspects)"}
    assert built(jobs) == {"build_dataset(review_aspects)", "build_dataset(review_snippets)"}


def test_a_sets_module_reaches_its_own_dataset_alone(finished_run):
    with edited(finished_run / "workflow/scripts/synthetic/document_questions.py", commented):
        jobs = planned_jobs(finished_run, *TINY)
    # The cache answers what the second of these asks, unless the seeds are others.
    assert of_stage(jobs) == {f"{rule}(document_questions)" for rule in ("list_seeds", "build_tasks", "judge_answers")}
    assert built(jobs) == {"build_dataset(answerability)"}


def test_of_a_datasets_module_only_its_wordings_are_asked_about_anew(finished_run):
    module = finished_run / "workflow/scripts/datasets/title_brand.py"
    with edited(module, commented):
        assert of_stage(planned_jobs(finished_run, *TINY)) == set()
    with edited(module, lambda text: text.replace("An online shop sells", "A shop on the web sells")):
        jobs = planned_jobs(finished_run, *TINY)
    assert of_stage(jobs) == {"list_seeds(wordings)", "reword_instructions(wordings)", "judge_answers(wordings)"}


def test_another_sampling_asks_all_sets_anew(finished_run, tmp_path):
    overlay = tmp_path / "warmer.yaml"
    overlay.write_text("language_model: {sampling: {temperature: 1.1}}\n")
    jobs = of_stage(planned_jobs(finished_run, *TINY, str(overlay)))
    assert {job for job in jobs if job.startswith("list_seeds")} == set() and len(jobs) == 6


@pytest.fixture
def off(tmp_path):
    overlay = tmp_path / "off.yaml"
    overlay.write_text("language_model: {enabled: false}\n")
    return str(overlay)


def test_one_key_turns_the_stage_off(checkout, off):
    jobs = planned_jobs(checkout, "--profile", "slurm", "--configfile", off)
    assert of_stage(jobs) == set() and len(built(jobs)) == 39
    # Llama-3-70B stays, as a model to compare with.
    assert "download_model(llama-3-70b)" in jobs


def test_an_endpoint_is_asked_from_the_login_node(checkout, tmp_path):
    overlay = tmp_path / "endpoint.yaml"
    overlay.write_text("language_model: {engine: openai}\n")
    command = [sys.executable, "workflow/scripts/plan_run.py", "--configfile", str(overlay), "--whole"]
    said = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout
    where = dict(
        re.findall(
            r"^(build_tasks|enrich_seeds|reword_instructions|judge_answers|answer_questions) .*?(login node|cpu|a100|t4)  ", said, re.M
        )
    )
    assert where.pop("judge_answers") == "cpu" and where.pop("answer_questions") in ("a100", "t4")
    assert where == dict.fromkeys(("build_tasks", "enrich_seeds", "reword_instructions"), "login node")


def test_without_the_stage_held_out_rows_are_the_same_and_the_report_says_so(finished_run, tmp_path, off):
    """Three datasets, the table and the pie of a run that differs in this key alone; its tables are the finished run's."""
    overlay = tmp_path / "elsewhere.yaml"
    elsewhere = "results/without-model"
    pathvars = {"results": elsewhere, "raw": "results/tiny/raw", "merged": f"{elsewhere}/merged", "parts": f"{elsewhere}/.parts"}
    overlay.write_text(json.dumps({"run": "without-model", "pathvars": pathvars}))
    names = ["category_attribute", "complement", "review_snippets"]
    target = [f"{elsewhere}/datasets/{name}.parquet" for name in names]
    table = f"{elsewhere}/report_tables/language_model.tsv"
    snakemake(finished_run, *target, table, *TINY, str(overlay), off, "--cores", "1", "--show-failed-logs")
    for name in names:
        rows = {where: pl.read_parquet(finished_run / f"results/{where}/datasets/{name}.parquet") for where in ("tiny", "without-model")}
        held_out = {where: frame.filter(pl.col("split") == "validation").sort("id").rows() for where, frame in rows.items()}
        assert held_out["without-model"] and set(held_out["tiny"]) <= set(held_out["without-model"])
        assert not rows["without-model"]["source"].str.contains('"llm"').any()
    assert (finished_run / table).read_text().count("\n") == 1
    page = (finished_run / "results/tiny/report.html").read_text()
    assert re.search(r"[\d.]+ % of them made with a language model", page)


def reworded(messages):
    """An instruction with a sentence of small talk before it, as the template for wordings asks."""
    instruction = messages[-1]["content"].split("filled in later:\n")[1].split("\n\nSay it in other words")[0]
    talk = "Imagine that you stand behind the counter while somebody waits for your help today."
    return json.dumps({"wording": f"{talk}\n{instruction}"})


def test_an_endpoints_good_answers_reach_the_dataset(checkout, tmp_path, monkeypatch):
    adopt_environments(checkout)
    overlay = tmp_path / "endpoint.yaml"
    overlay.write_text("language_model: {engine: openai, endpoint: {model: scripted, requests_per_minute: 100000}}\n")
    dataset = "results/tiny/datasets/title_brand.parquet"
    with ScriptedEndpoint(reworded) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        snakemake(checkout, dataset, *TINY, str(overlay), "--cores", "2", "--show-failed-logs")
        asked = len(server.seen)
        # The answers are kept outside results: a run that starts anew asks nothing.
        (checkout / "results/tiny/answers/wordings.jsonl").unlink()
        (checkout / dataset).unlink()
        snakemake(checkout, dataset, *TINY, str(overlay), "--cores", "2", "--show-failed-logs")
        assert len(server.seen) == asked > 100
    lines = [json.loads(line) for line in (checkout / "results/tiny/synthetic/wordings.jsonl").open()]
    kept = [line for line in lines if line["verdict"] == "kept"]
    assert len(kept) > 0.9 * len(lines) == 0.9 * asked
    rows = pl.read_parquet(checkout / dataset)
    in_its_words = rows["prompt"].str.starts_with("Imagine that you stand behind the counter")
    marked = rows["source"].str.json_path_match("$.llm").is_not_null()
    assert (in_its_words == marked).all() and 0.3 < marked.filter(rows["split"] == "train").mean() < 0.7
    assert not marked.filter(rows["split"] == "validation").any()
    facts = json.loads(pl.read_parquet_metadata(checkout / dataset)["shopbench"])["llm"]
    assert facts == {"rows": int(marked.sum()), "build": 0, "enrich": 0, "reword": int(marked.sum())}


def test_no_secret_is_written(checkout, tmp_path, monkeypatch):
    """By an endpoint that gives key and address away in every answer and error: no file that the run leaves holds them, nor does the
    screen."""
    adopt_environments(checkout)
    overlay = tmp_path / "endpoint.yaml"
    endpoint = "model: scripted, requests_per_minute: 100000, retries: 0, in_flight: 4"
    overlay.write_text(f"language_model: {{engine: openai, unanswered_share: 1.0, endpoint: {{{endpoint}}}}}\n")
    sets = ("wordings", "document_questions")
    with ScriptedEndpoint(lambda messages: '{"wording": "x"}', {"good": 3, "broken": 1, "bad_request": 1, "html": 1}) as server:
        server.echoes = True
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        targets = [f"results/tiny/synthetic/{name}.jsonl" for name in sets]
        done = snakemake(checkout, *targets, *TINY, str(overlay), "--cores", "2", "--show-failed-logs")
        # A server that is wrongly addressed echoes, too, and its job fails.
        server.refuses = 401
        wrong = ["results/tiny/synthetic/review_aspects.jsonl", *TINY, str(overlay), "--cores", "1", "--show-failed-logs"]
        refused = snakemake(checkout, *wrong, check=False)
        secrets = [KEY, server.address]
    assert refused.returncode != 0 and "set OPENAI_API_KEY" in refused.stdout + refused.stderr
    lines = [json.loads(line) for name in sets for line in (checkout / f"results/tiny/synthetic/{name}.jsonl").open()]
    assert sum("<OPENAI_API_KEY>" in (line["response"] or "") for line in lines) > 20
    assert {"not JSON", "no answer: HTTP 500", "no answer: HTTP 400"} <= {line["verdict"] for line in lines}
    looked_at = [path for folder in ("results", ".snakemake", "logs", "cache") for path in (checkout / folder).rglob("*") if path.is_file()]
    assert {path.relative_to(checkout).parts[0] for path in looked_at} == {"results", ".snakemake", "logs", "cache"}
    for secret in secrets:
        assert [path for path in looked_at if secret.encode() in path.read_bytes()] == []
        assert all(secret not in text for run in (done, refused) for text in (run.stdout, run.stderr))
