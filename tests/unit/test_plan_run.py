"""The table of a plan: rows, sums and pages of made-up jobs. Real ones are in tests/rules/test_plan.py."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from plan_run import (
    Asked,
    Plan,
    asked_of,
    cells_of,
    families,
    fold_small,
    gpus_used,
    longest_chain,
    rows_of_plan,
    short_limits,
    span_text,
    table_lines,
    time_text,
    totals,
    unused_gpus,
)

from shopbench.estimates import Disk, Estimate
from shopbench.files import BadInput
from shopbench.marked_page import write_marked_part
from shopbench.planned_jobs import PlannedJob, complaint
from shopbench.site_partitions import cpus_of, gpus_of, partition_of, read_partitions
from shopbench.slurm import SITE_VARIABLE

GPU = {"threads": 64, "gpu": 8, "gpu_model": "a100", "mem_mb": 480000, "runtime": 1800}
SMALL = {"threads": 1, "mem_mb": 4000, "runtime": 60}
CONFIG = {
    "accelerator": "cuda",
    "launch": {"processes": 8},
    "variants": {"v8": {"precision": "bf16"}, "track1-awq": {"precision": "awq"}},
    "inference": {"quantized": {"tensor_parallel": 4}, "unquantized": {"tensor_parallel": 2}},
}


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv(SITE_VARIABLE, str(tmp_path / "partitions.yaml"))
    (tmp_path / "partitions.yaml").write_text(
        "account: shop\nqos: null\npartitions:\n"
        "  cpu: {max_runtime: 600, max_mem_mb: 64000, max_cpus_per_task: 32}\n"
        "  a100: {max_runtime: 2880, max_mem_mb: 1000000, max_cpus_per_task: 128, max_gpu: 8, available_gpu_models: [a100]}\n"
    )
    return read_partitions()


def job(rule, asked, number=0, local=False, group=None, inputs=(), outputs=(), attempts=1, **wildcards):
    return PlannedJob(rule, wildcards, local, list(inputs), list(outputs), number, group, attempts, asked, asked)


def plan_of(site, *jobs_and_estimates):
    jobs, estimates = zip(*jobs_and_estimates, strict=True)
    return Plan([Path("x.yaml")], SimpleNamespace(config=CONFIG), list(jobs), list(estimates), site)


def test_a_job_gets_the_partition_that_the_plugin_chooses(site):
    from snakemake_executor_plugin_slurm.partitions import get_best_partition

    for asked in (GPU, SMALL, {**SMALL, "mem_mb": 900000}, {**GPU, "gpu_model": "t4"}, {**SMALL, "slurm_partition": "a100"}):
        resources = {key: value for key, value in asked.items() if key != "threads"}
        theirs = SimpleNamespace(name="x", threads=asked["threads"], resources=resources)
        chosen = asked.get("slurm_partition") or get_best_partition(list(site.partitions), theirs, logging.getLogger("quiet"))
        assert partition_of(site, asked) == chosen
    assert partition_of(site, SMALL) == "cpu" and partition_of(site, GPU) == "a100"
    assert partition_of(site, {**GPU, "runtime": 5400}) is None
    assert site.account == "shop" and site.qos is None


def test_a_broken_partition_is_one_line(tmp_path, monkeypatch):
    file = tmp_path / "partitions.yaml"
    monkeypatch.setenv(SITE_VARIABLE, str(file))
    file.write_text("partitions: {cpu: {max_runtim: 10}}")
    with pytest.raises(BadInput, match=r"partitions.yaml: the SLURM plugin cannot read it .*max_runtim"):
        read_partitions()


def test_cpus_are_what_the_plugin_asks_for():
    assert cpus_of({"threads": 8}) == 8
    assert cpus_of({"threads": 8, "cpus_per_task": 1}) == 1
    assert cpus_of({"threads": 1, "gpu": 4, "cpus_per_gpu": 6}) == 24


def test_local_jobs_ask_a_scheduler_for_nothing(site):
    assert asked_of(job("download_model", SMALL, local=True), site) == Asked("login node", 0, "", 0, 0, 0)
    assert asked_of(job("train_adapter", {**GPU, "runtime": 5400}), site).where == "no partition"
    assert asked_of(job("train_adapter", GPU), None).where == "this machine"


def test_rows_add_up_and_groups_are_counted_by_submission(site):
    built = [(job("build_dataset", SMALL, number=1, group="datasets", dataset=name), Estimate("rows", 0.1)) for name in "abc"]
    trained = [
        (job("train_adapter", GPU, number=2 + i, adapter=name), Estimate("training", hours))
        for i, (name, hours) in enumerate([("v7", 4), ("v8", 20)])
    ]
    rows = rows_of_plan(plan_of(site, *built, *trained))
    assert [cells_of(row) for row in rows] == [
        ["train_adapter", "2", "a100", "8 x a100", "64", "480", "30 h", "4.0 to 20 h", "24 h", "192.0", "training"],
        ["build_dataset", "3 in 1", "cpu", "", "1", "4", "60 min", "6 min", "18 min", "", "rows"],
    ]
    text = "\n".join(totals(plan_of(site, *built, *trained)))
    assert "5 jobs: 3 submissions to SLURM, 0 on the login node" in text
    assert "GPU-hours: 192 a100." in text and "one after another: 24 h" in text


def test_rules_of_one_verb_share_a_row_and_small_ones_fold(site):
    plan = plan_of(
        site,
        *[(job(f"draw_{name}", SMALL, number=i), Estimate("small", 0.03)) for i, name in enumerate("abc")],
        (job("train_adapter", GPU, number=9, adapter="v7"), Estimate("training", 20)),
    )
    rows = families(rows_of_plan(plan))
    assert [cells_of(row)[0] for row in rows] == ["train_adapter", "draw_* (3 rules)"]
    folded = fold_small(rows)
    assert cells_of(folded[1])[:3] == ["draw_* (3 rules)", "3", "cpu"]
    assert sum(len(row.hours) for row in folded) == 4


def test_the_longest_chain_follows_files():
    jobs = [
        job("a", SMALL, outputs=["1"]),
        job("b", SMALL, inputs=["1"], outputs=["2"]),
        job("c", SMALL, inputs=["1", "given"], outputs=["3"]),
        job("d", SMALL, inputs=["2", "3"]),
    ]
    assert longest_chain(jobs, [1, 2, 5, 1]) == (7, ["a", "c", "d"])
    assert longest_chain([], []) == (0.0, [])


def test_disk_and_downloads_are_summed(site):
    made = Estimate("download", 1, download=3e9, disk=(Disk("raw", 3e9), Disk("parts", 20e9, kept=False)))
    text = "\n".join(totals(plan_of(site, (job("download_source", SMALL, local=True), made))))
    assert "To download: 3.0 GB." in text
    assert "at most 23 GB at once, 3.0 GB when the run has ended. At most by place: parts 20 GB, raw 3.0 GB." in text


def test_gpus_beyond_those_used_and_limits_below_the_estimate_are_said(site):
    made = Estimate("training", 31)
    plan = plan_of(site, (job("train_adapter", {**GPU, "gpu": 4}, adapter="v8"), made))
    assert unused_gpus(plan) == [
        "train_adapter asks for 4 GPUs and uses 8; set-resources in the profile, or launch and inference in the config"
    ]
    assert short_limits(plan) == ["train_adapter v8 may take 31 h, its limit is 30 h; raise `runtime` in the profile"]
    assert unused_gpus(plan_of(site, (job("train_adapter", GPU, adapter="v8"), made))) == []


def test_training_may_use_all_its_attempts_and_a_group_adds_up(site):
    long = plan_of(site, (job("train_adapter", GPU, attempts=4, adapter="v8"), Estimate("training", 100)))
    assert short_limits(long) == []
    made = [(job("build_dataset", SMALL, number=3, group="datasets", dataset=name), Estimate("rows", 0.4)) for name in "abc"]
    assert short_limits(plan_of(site, *made)) == [
        "a group of datasets may take 72 min, its limit is 60 min; raise `runtime` in the profile"
    ]


def test_gpus_of_several_nodes(site):
    assert gpus_of({"gpu": 8, "gpu_model": "a100", "nodes": 1}) == (8, "a100")
    assert gpus_of({"gres": "gpu:a100:8", "nodes": 2}) == (8, "a100")
    assert gpus_of({"gres": "gpu:4"}) == (4, "") and gpus_of({"gpu": 16, "nodes": 2}) == (8, "") and gpus_of({}) == (0, "")
    two = {"threads": 64, "gres": "gpu:a100:8", "nodes": 2, "mem_mb": 480000, "runtime": 60}
    assert asked_of(job("train_adapter", two), site).gpus == 16


def test_groups_of_one_name_share_a_row_whatever_their_size(site):
    long = {**SMALL, "runtime": 200}
    made = [(job("build_dataset", long, number=1, group="datasets", dataset=name), Estimate("rows", 0.1)) for name in "abc"]
    made += [(job("build_dataset", SMALL, number=2, group="datasets", dataset="d"), Estimate("rows", 0.1))]
    (row,) = rows_of_plan(plan_of(site, *made))
    assert cells_of(row)[1] == "4 in 2" and row.asked.limit_minutes == 200


def test_rules_of_a_group_share_a_row(site):
    jobs = [(job(rule, SMALL, number=5, group="report"), Estimate("small", 0.03)) for rule in ("draw_a", "make_report", "check_run")]
    (row,) = rows_of_plan(plan_of(site, *jobs))
    assert cells_of(row)[:3] == ["group report (3 rules)", "3 in 1", "cpu"]


def test_gpus_used_come_from_the_config():
    assert gpus_used(job("answer_questions", GPU, variant="v8"), CONFIG) == 2
    assert gpus_used(job("answer_questions", GPU, variant="track1-awq"), CONFIG) == 4
    assert gpus_used(job("sweep_alphas", GPU, sweep="v8"), CONFIG) == 2
    assert gpus_used(job("build_dataset", SMALL, dataset="x"), CONFIG) is None


def test_times_read_well():
    assert [time_text(hours) for hours in (0, 0.01, 0.5, 1.4, 3.21, 24.4)] == ["0", "< 1 min", "30 min", "84 min", "3.2 h", "24 h"]
    assert [span_text(*pair) for pair in ((1, 1), (0.5, 1), (0.5, 9), (0.001, 0.5))] == [
        "60 min",
        "30 to 60 min",
        "30 min to 9.0 h",
        "< 1 min to 30 min",
    ]


def test_tables_for_terminals_and_in_markdown():
    table = (["jobs", "all"], [["a", "2"], ["bc", "10"]])
    assert table_lines(table, markdown=True) == ["| jobs | all |", "|---|---|", "| a | 2 |", "| bc | 10 |"]
    assert table_lines(table, markdown=False) == ["jobs  all", "a       2", "bc     10"]


def test_a_readme_without_marks_is_refused(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("no marks")
    with pytest.raises(BadInput, match="plan: begin"):
        write_marked_part(readme, "plan", "")
    assert readme.read_text() == "no marks"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Using profile x\nerror: config: unknown key 'a'\n", "config: unknown key 'a'"),
        (
            'FileNotFoundError in file "x.smk", line 4:\n[Errno 2] No such file: \'y\'\n  File "z"\n',
            "FileNotFoundError in file \"x.smk\", line 4: [Errno 2] No such file: 'y'",
        ),
        ("WorkflowError:\nno rule\n", "WorkflowError: no rule"),
        ("something else\nlast\n", "last"),
        ("", "it said nothing"),
    ],
)
def test_what_snakemake_complains_of_becomes_one_line(said, told):
    assert complaint(said) == told
