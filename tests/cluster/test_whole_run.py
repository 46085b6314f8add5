"""The whole graph at the tests' scale through SLURM: the same results as without it, each job once, on the partition and GPUs it needs."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations

import pytest
from cluster_runs import THREADS, cluster_run, jobs_of

from shopbench.job_usage import JobUsage

WHOLE_RUN_SECONDS = 1500


@pytest.fixture(scope="module")
def whole_run(cluster_folder):
    with cluster_run(cluster_folder, *THREADS, "--jobs", "12") as run:
        assert run.finish(WHOLE_RUN_SECONDS) == 0, run.said[-6000:]
    return cluster_folder


@pytest.fixture(scope="module")
def jobs(whole_run) -> list[JobUsage]:
    return jobs_of(whole_run)


@pytest.mark.parametrize("files", ["datasets/*.parquet", "blends/*.parquet", "evaluation/*.parquet"])
def test_the_same_bytes_as_without_slurm(whole_run, finished_run, files):
    here, there = (sorted((folder / "results/tiny").glob(files)) for folder in (whole_run, finished_run))
    assert [file.name for file in here] == [file.name for file in there] and here
    for mine, other in zip(here, there, strict=True):
        assert mine.read_bytes() == other.read_bytes(), mine.name


def test_the_same_answers_as_without_slurm(whole_run, finished_run):
    def answers(folder):
        files = sorted((folder / "results/tiny/predictions").rglob("*.jsonl"))
        lines = {file.relative_to(folder): map(json.loads, file.read_text().splitlines()) for file in files}
        return {name: [(row["id"], row["response"]) for row in rows] for name, rows in lines.items()}

    mine, other = answers(whole_run), answers(finished_run)
    assert set(mine) == set(other) and len(mine) > 10
    for name, rows in mine.items():
        assert rows == other[name], name


def test_the_report_is_there(whole_run):
    assert (whole_run / "results/tiny/report.html").stat().st_size > 100_000
    assert (whole_run / "results/tiny/checked.json").exists()


def test_no_job_ran_twice(whole_run, jobs):
    assert {job.state for job in jobs} == {"COMPLETED"}
    logs = [log for log in (whole_run / "logs/slurm").rglob("*.log") if not log.parts[-2].startswith("group_") and "/rule_" in str(log)]
    assert max(Counter(log.parent for log in logs).values()) == 1
    # One start of the program in each job.
    for log in logs:
        assert len(starts(log)) == 1, log


def test_small_jobs_share_a_slurm_job(jobs):
    count = Counter(job.rule for job in jobs)
    assert count["datasets_build_dataset"] == 4
    assert sum(count.values()) < 70


def test_gpus_are_of_the_model_and_number_that_a_rule_needs(whole_run, jobs):
    by_rule = {}
    for job in jobs:
        by_rule.setdefault(job.rule, []).append(job)
    assert {(job.partition, job.gpus) for job in by_rule["train_adapter"]} == {("a100", 8)}
    assert {(job.partition, job.gpus) for job in by_rule["quantize_model"]} == {("a100", 1)}
    # Quantized models answer on the challenge's machine, the others where they fit.
    assert {(job.partition, job.gpus) for job in by_rule["answer_questions"]} == {("t4", 4), ("a100", 4)}
    assert {(job.partition, job.gpus) for job in by_rule["score_predictions"]} == {("cpu", 0)}


def starts(log):
    """Node and GPUs of each start of a program that SLURM's log file of a job shows."""
    return re.findall(r"^SLURM job \d+ on (\S+), GPUs (\S+)$", log.read_text(), re.M)


def test_jobs_at_the_same_time_have_gpus_of_their_own(whole_run, jobs):
    places = {}
    for log in (whole_run / "logs/slurm").rglob("*.log"):
        for node, gpus in starts(log):
            if gpus != "none":
                places[log.stem] = (node, set(gpus.split(",")))
    gpu_jobs = [job for job in jobs if job.gpus]
    assert gpu_jobs and all(len(places[job.job][1]) == job.gpus for job in gpu_jobs)
    together = [(a, b) for a, b in combinations(gpu_jobs, 2) if a.start < b.end and b.start < a.end]
    assert any(places[a.job][0] == places[b.job][0] for a, b in together), "no two jobs shared a node: nothing is shown"
    for a, b in together:
        if places[a.job][0] == places[b.job][0]:
            assert not places[a.job][1] & places[b.job][1], (a, b)


def test_a_second_run_has_nothing_to_do(whole_run):
    with cluster_run(whole_run, *THREADS) as run:
        assert run.finish() == 0 and "Nothing to be done" in run.said
