"""A site against its file and the jobs: what `sinfo` and `sacctmgr` print on clusters of several shapes, and the findings that follow."""

import os
import stat
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest
from check_site import (
    ERROR,
    NOTE,
    WARNING,
    bfloat16_key,
    check_account,
    check_bfloat16,
    check_build,
    check_disks,
    check_jobs,
    check_partitions,
    check_provided,
    check_shared,
    check_tokens,
    check_tools,
    existing,
    file_system_of,
    free_bytes,
    read_lock,
)

from shopbench.estimates import read_run
from shopbench.files import BadInput
from shopbench.planned_jobs import PlannedJob
from shopbench.site_partitions import read_partitions
from shopbench.slurm import SITE_VARIABLE, ask_slurm
from shopbench.slurm_nodes import (
    Association,
    parse_associations,
    parse_gpus,
    parse_limit,
    parse_qos_limits,
    parse_sinfo,
)

ROOT = Path(__file__).resolve().parents[2]

SINFO = """\
cpu*|up|7-00:00:00|mixed|12|64|256000|(null)
cpu*|up|7-00:00:00|drained*|1|64|256000|(null)
a100|up|2-00:00:00|allocated|3|128|1031000|gpu:a100:8(S:0-1)
a100|up|2-00:00:00|down*|1|128|1031000|gpu:a100:8(S:0-1)
mixed|up|infinite|idle|2|32|128000|gpu:t4:4(S:0,1),shard:t4:16
mixed|up|infinite|drained|2|48|512000|gpu:a100:4(S:0)
old|down|1-00:00:00|idle|2|16|64000|gpu:k80:2
"""
GPU = {"threads": 64, "gpu": 8, "gpu_model": "a100", "mem_mb": 480000, "runtime": 1800}
SMALL = {"threads": 1, "mem_mb": 4000, "runtime": 60}


@pytest.fixture
def nodes():
    return parse_sinfo(SINFO)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A function that makes a site of lines below `partitions:`."""

    def make(*lines, head=""):
        monkeypatch.setenv(SITE_VARIABLE, str(tmp_path / "partitions.yaml"))
        (tmp_path / "partitions.yaml").write_text(head + "partitions:\n" + "".join(f"  {line}\n" for line in lines))
        return read_partitions()

    return make


CPU_LINE = "cpu: {max_runtime: 10080, max_mem_mb: 256000, max_cpus_per_task: 64}"
A100_LINE = "a100: {max_runtime: 2880, max_mem_mb: 1000000, max_cpus_per_task: 128, max_gpu: 8, available_gpu_models: [a100]}"


def job(rule, first, last=None, local=False, group=None, **wildcards):
    return PlannedJob(rule, wildcards, local, [], [], 0, group, 1, first, last or first)


def texts(findings, level=None):
    return [finding.text for finding in findings if level in (None, finding.level)]


# parsers


def test_sinfo_is_read_whatever_the_shape_of_a_cluster(nodes):
    assert [row.partition for row in nodes] == ["cpu", "cpu", "a100", "a100", "mixed", "mixed", "old"]
    assert [row.usable for row in nodes] == [True, False, True, False, True, False, True]
    assert nodes[0].default and not nodes[2].default
    assert nodes[2].minutes == 2880 and nodes[4].minutes is None
    assert nodes[2].gpus == {"a100": 8} and nodes[4].gpus == {"t4": 4} and nodes[0].gpus == {}
    assert not nodes[6].up


@pytest.mark.parametrize(
    ("gres", "gpus"),
    [
        ("(null)", {}),
        ("gpu:4", {"": 4}),
        ("gpu:a100:8", {"a100": 8}),
        ("gpu:a100:8(S:0-1)", {"a100": 8}),
        ("gpu:nvidia_a100_80gb_pcie:2(S:0,2)", {"nvidia_a100_80gb_pcie": 2}),
        ("gpu:a100:4(S:0),gpu:t4:2(S:1),nvme:1", {"a100": 4, "t4": 2}),
        ("gpu:1g.5gb:7", {"1g.5gb": 7}),
        ("craynetwork:4", {}),
        ("shard:a100:32", {}),
    ],
)
def test_gpus_of_a_node(gres, gpus):
    assert parse_gpus(gres) == gpus


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("infinite", None),
        ("UNLIMITED", None),
        ("n/a", None),
        ("30", 30),
        ("30:00", 30),
        ("1:30:00", 90),
        ("2-00:00:00", 2880),
        ("7-12", 10800),
        ("1-02:30", 1590),
    ],
)
def test_slurms_times(text, minutes):
    assert parse_limit(text) == minutes


def test_states_with_marks():
    line = "p|up|1:00|{}|1|1|1|(null)"
    usable = {
        state: parse_sinfo(line.format(state))[0].usable
        for state in ("idle~", "mixed#", "idle*", "allocated+", "maint", "draining", "mixed-")
    }
    assert usable == {"idle~": True, "mixed#": True, "idle*": False, "allocated+": True, "maint": False, "draining": False, "mixed-": True}


def test_an_empty_partition_and_a_strange_line():
    assert parse_sinfo("empty|up|infinite|n/a|0|0|0|(null)")[0].number == 0
    with pytest.raises(BadInput, match="cannot read the line 'PARTITION AVAIL'"):
        parse_sinfo("PARTITION AVAIL")


def test_associations_and_qos():
    assert parse_associations("shop||normal,long\nother|a100|normal\n") == [
        Association("shop", "", ["normal", "long"]),
        Association("other", "a100", ["normal"]),
    ]
    assert parse_qos_limits("normal|\nshort|02:00:00\n") == {"short": 120}


def test_a_missing_or_failing_client_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="sinfo: not found, so there is no SLURM here; run this on a login node"):
        ask_slurm(["sinfo"])
    program(tmp_path / "sinfo", 'echo "slurm_load_partitions: Unable to contact slurm controller" >&2; exit 1')
    with pytest.raises(BadInput, match="sinfo: slurm_load_partitions: Unable to contact slurm controller; run"):
        ask_slurm(["sinfo"])


# the site's file


def test_a_file_that_is_true_has_no_findings(site, nodes):
    assert check_partitions(site(CPU_LINE, A100_LINE), nodes) == []


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ("gpu: {max_gpu: 8}", ERROR, "partition gpu does not exist; sinfo has cpu, a100, mixed, old"),
        ("old: {max_gpu: 2}", ERROR, "partition old is not up"),
        ("cpu: {max_runtime: 20000}", ERROR, "max_runtime 20000 is above its time limit; set 10080"),
        ("cpu: {max_runtime: 14d}", ERROR, "max_runtime 20160 is above its time limit; set 10080"),
        ("cpu: {max_mem_mb: 512000}", ERROR, "max_mem_mb 512000 is above what its largest node has; set 256000"),
        ("cpu: {max_cpus_per_task: 65}", ERROR, "max_cpus_per_task 65 is above what its largest node has; set 64"),
        ("cpu: {max_threads: 65}", ERROR, "max_threads 65 is above"),
        ("a100: {max_gpu: 16, available_gpu_models: [a100]}", ERROR, "max_gpu 16 is above what its largest node has; set 8"),
        (
            "a100: {max_gpu: 8, available_gpu_models: [h100]}",
            ERROR,
            "available_gpu_models has h100, its nodes have a100; write it as sinfo does",
        ),
    ],
)
def test_promises_beyond_the_cluster(site, nodes, line, level, text):
    (finding,) = check_partitions(site(line), nodes)
    assert finding.level == level and text in finding.text


def test_a_partition_without_a_node_that_takes_jobs_is_a_warning(site):
    (finding,) = check_partitions(site("cpu: {}"), parse_sinfo("cpu|up|infinite|down*|3|8|1000|(null)\n"))
    assert finding.level == WARNING and "none of its nodes takes jobs now (down*)" in finding.text


# jobs


def test_jobs_that_fit_have_no_findings(site, nodes):
    here = site(CPU_LINE, A100_LINE)
    assert (
        check_jobs(
            here, nodes, [job("train_adapter", GPU), job("build_dataset", SMALL), job("download_model", {"threads": 999}, local=True)]
        )
        == []
    )


def test_a_job_without_a_partition_says_why_for_each(site, nodes):
    here = site(CPU_LINE, A100_LINE)
    (finding,) = check_jobs(here, nodes, [job("answer_questions", {**GPU, "gpu_model": "h100"})])
    assert finding.level == ERROR
    assert "answer_questions gets no partition: cpu has no GPUs of 8; a100 has no GPU model h100." in finding.text


def test_the_last_attempt_counts_too_and_each_line_comes_once(site, nodes):
    here = site(CPU_LINE, A100_LINE)
    late = {**GPU, "runtime": 5400}
    jobs = [job("train_adapter", GPU, late, adapter=name) for name in ("v7", "v8")]
    (finding,) = check_jobs(here, nodes, jobs)
    assert finding.text.startswith(
        "train_adapter at its last attempt gets no partition: cpu has no GPUs of 8; a100 has max_runtime 2880 for runtime 5400"
    )
    first = check_jobs(here, nodes, [job("train_adapter", late, late)])
    assert texts(first)[0].startswith("train_adapter gets no partition")


def test_a_group_is_named_by_its_group(site, nodes):
    huge = {**SMALL, "mem_mb": 400000}
    (finding,) = check_jobs(site(CPU_LINE), nodes, [job("build_dataset", huge, group="datasets", dataset=name) for name in "ab"])
    assert finding.text.startswith("datasets (a group) gets no partition: cpu has max_mem_mb 256000 for mem_mb 400000")


def test_what_is_asked_for_has_to_be_on_one_node(site, nodes):
    # The file is right about the partition's largest memory and most GPUs, but no node has both.
    here = site("mixed: {max_mem_mb: 512000, max_cpus_per_task: 48, max_gpu: 4, available_gpu_models: [t4, a100]}")
    (finding,) = check_jobs(here, nodes, [job("answer_questions", {**SMALL, "gpu": 4, "gpu_model": "t4", "mem_mb": 400000})])
    assert finding.level == ERROR and "fits no node of partition mixed (1 CPUs, 400000 MB, 4 GPUs of model t4 on one node)" in finding.text


def test_a_job_that_fits_only_nodes_out_of_service_waits(site, nodes):
    here = site("mixed: {max_mem_mb: 512000, max_cpus_per_task: 48, max_gpu: 4, available_gpu_models: [t4, a100]}")
    (finding,) = check_jobs(here, nodes, [job("quantize_model", {**SMALL, "gpu": 1, "gpu_model": "a100"})])
    assert finding.level == WARNING and "take no jobs now (drained)" in finding.text


def test_cpus_per_task_wins_over_threads(site, nodes):
    here = site("cpu: {max_cpus_per_task: 64}")
    (finding,) = check_jobs(here, nodes, [job("merge_ensemble", {**SMALL, "cpus_per_task": 65})])
    assert "cpu has 64 CPUs a task of 65" in finding.text


def test_a_partition_that_the_profile_names_has_to_exist(site, nodes):
    (finding,) = check_jobs(site(CPU_LINE), nodes, [job("x", {**SMALL, "slurm_partition": "fast"})])
    assert "asks for partition fast, which sinfo does not have" in finding.text


# accounts

MINE = [Association("shop", "", ["normal", "long"]), Association("other", "", ["normal"])]


def test_account_and_qos_that_the_user_has(site):
    here = site(CPU_LINE, head="account: shop\nqos: long\n")
    assert check_account(here, [job("x", SMALL)], "ann", MINE, {"long": 600}) == []
    assert check_account(site(CPU_LINE), [job("x", SMALL)], "ann", MINE, {}) == []


@pytest.mark.parametrize(
    ("head", "asked", "text"),
    [
        ("account: shopp\n", SMALL, "user ann has no account shopp, but other, shop"),
        ("qos: fast\n", SMALL, "user ann may not ask for QOS fast; allowed: long, normal"),
        ("account: other\nqos: long\n", SMALL, "user ann may not ask for QOS long; allowed: normal"),
        ("", {**SMALL, "slurm_account": "theirs"}, "no account theirs"),
        ("qos: long\n", {**SMALL, "runtime": 601}, "QOS long ends jobs after 600 minutes, the longest asks for 601"),
    ],
)
def test_account_and_qos_that_the_user_has_not(site, head, asked, text):
    (finding,) = check_account(site(CPU_LINE, head=head), [job("x", asked)], "ann", MINE, {"long": 600})
    assert finding.level == ERROR and text in finding.text


def test_a_user_without_any_account(site):
    (finding,) = check_account(site(CPU_LINE), [job("x", SMALL)], "ann", [], {})
    assert finding.level == WARNING
    (finding,) = check_account(site(CPU_LINE, head="account: shop\n"), [job("x", SMALL)], "ann", [], {})
    assert finding.level == ERROR


# GPUs


@pytest.fixture(scope="module")
def paper():
    return read_run([ROOT / "config/config.yaml"], ROOT)


def test_the_papers_jobs_ask_bfloat16_of_gpus_that_have_it(paper):
    jobs = [
        job("train_adapter", {**SMALL, "gpu_model": "a100"}, adapter="v8"),
        job("answer_questions", {**SMALL, "gpu_model": "t4"}, variant="track1-awq"),
        job("answer_questions", {**SMALL, "gpu_model": "a100"}, variant="track1"),
    ]
    assert check_bfloat16(paper, jobs) == []
    assert [bfloat16_key(paper.config, entry) for entry in jobs] == ["training.compute_dtype", None, "inference.unquantized.dtype"]


@pytest.mark.parametrize(
    ("rule", "wildcards", "key"),
    [
        ("train_adapter", {"adapter": "v8"}, "training.compute_dtype"),
        ("answer_questions", {"variant": "track1"}, "inference.unquantized.dtype"),
        ("sweep_alphas", {"sweep": "v8"}, "inference.unquantized.dtype"),
    ],
)
def test_bfloat16_of_a_gpu_that_has_none(paper, rule, wildcards, key):
    for model in ("v100", "tesla_t4", "p100", "rtx2080ti"):
        (finding,) = check_bfloat16(paper, [job(rule, {**SMALL, "gpu": 1, "gpu_model": model}, **wildcards)])
        assert finding.level == ERROR and f"{key} is bfloat16, which a {model} does not have" in finding.text


def test_the_build_and_the_driver(paper):
    lock = {"torch": "2.13.0", "nvidia-cuda-runtime": "13.0.48"}
    assert check_build(paper, lock, "580.65.06") == []
    (finding,) = check_build(paper, lock, "570.10")
    assert finding.level == ERROR and "driver 570.10 is too old for CUDA 13.0.48" in finding.text
    (finding,) = check_build(paper, lock, None)
    assert finding.level == NOTE and "no nvidia-smi here" in finding.text
    (finding,) = check_build(paper, {**lock, "torch": "2.13.0+cpu"}, "590.1")
    assert finding.level == ERROR and "torch 2.13.0+cpu is a build without CUDA" in finding.text
    (finding,) = check_build(paper, {"torch": "2.13.0", "nvidia-cuda-runtime-cu12": "12.8.90"}, "470.1")
    assert "needs 525 or newer" in finding.text
    assert check_build(read_run([ROOT / "config/demo.yaml"], ROOT), {"torch": "2.13.0+cpu"}, None) == []


def test_locks_are_read(tmp_path):
    (tmp_path / "lock.txt").write_text("# made\ntorch==2.13.0+cpu \\\n    --hash=sha256:00\nsacrebleu[ja]==2.5.1 ; python_version > '3'\n")
    assert read_lock(tmp_path / "lock.txt") == {"torch": "2.13.0+cpu", "sacrebleu": "2.5.1"}
    with pytest.raises(BadInput, match="run this at the top of the checkout"):
        read_lock(tmp_path / "none.txt")


# tools, disks, files, tokens


def test_python_and_packages():
    lock = {"snakemake": "9.27.1", "snakemake-executor-plugin-slurm": "2.8.0"}
    assert check_tools((3, 11), "9.27.1", "2.8.0", lock) == []
    (python,) = check_tools((3, 12), "9.27.1", "2.8.0", lock)
    assert python.level == ERROR and "Python 3.12" in python.text
    older, missing = check_tools((3, 11), "9.20.0", None, lock)
    assert (older.level, missing.level) == (WARNING, ERROR) and "snakemake is 9.20.0" in older.text


def test_folders_on_one_disk_are_added_up():
    free = {Path("a"): (1, 100e9), Path("b"): (1, 100e9), Path("c"): (2, 1000e9)}
    assert check_disks({Path("a"): 30e9, Path("b"): 40e9, Path("c"): 700e9}, free.get) == []
    (full,) = check_disks({Path("a"): 60e9, Path("b"): 50e9, Path("c"): 700e9}, free.get)
    assert full.level == ERROR and "100 GB free, up to 110 GB wanted at once (a 60 GB, b 50 GB)" in full.text
    (tight,) = check_disks({Path("c"): 900e9}, free.get)
    assert tight.level == WARNING


def test_free_bytes_of_a_folder_that_is_not_there_yet(tmp_path):
    assert existing(tmp_path / "a/b/c") == tmp_path
    assert free_bytes(tmp_path / "a/b/c")[0] == tmp_path.stat().st_dev and free_bytes(tmp_path)[1] > 0


def test_folders_that_other_nodes_do_not_see():
    kinds = {"/home/x": "nfs4", "/data/y": "ext4", "/scratch": "lustre"}
    pathvars = {"results": "/home/x", "raw": "/data/y", "merged": "/scratch", "parts": "/tmp/z", "logs": "/dev/shm/l"}
    found = texts(check_shared(pathvars, lambda path: kinds.get(str(path), "tmpfs")))
    assert len(found) == 3
    assert any("pathvars raw lie on a local file system (ext4)" in text for text in found)
    assert any("pathvars parts lie in /tmp" in text for text in found) and any("logs lie in /dev/shm" in text for text in found)


def test_the_file_system_of_a_folder():
    assert file_system_of(Path("/proc/self")) == "proc"
    assert file_system_of(Path("/none/such")) == file_system_of(Path("/"))


def test_files_that_a_person_provides(paper, tmp_path):
    run = SimpleNamespace(config={**paper.config, "sources": {**paper.config["sources"], "provided": str(tmp_path)}}, sources=paper.sources)
    jobs = [job("provide_source", SMALL, local=True, source="amazon_m2", file="products_train.csv")]
    (finding,) = check_provided(run, jobs)
    assert finding.level == ERROR and f"{tmp_path}/amazon_m2/products_train.csv: not there; sign in at AIcrowd" in finding.text
    (tmp_path / "amazon_m2").mkdir()
    (tmp_path / "amazon_m2/products_train.csv").touch()
    assert check_provided(run, jobs) == [] and check_provided(run, []) == []


def test_paths_of_the_config_that_are_not_there(paper, tmp_path):
    config = {
        **paper.config,
        "evaluation": {**paper.config["evaluation"], "development": str(tmp_path / "dev.json")},
        "models": {"mine": {"path": str(tmp_path / "model")}},
    }
    jobs = [job("prepare_development", SMALL), job("link_model", SMALL, model="mine")]
    found = texts(check_provided(SimpleNamespace(config=config, sources=[]), jobs))
    assert len(found) == 2 and "evaluation.development" in found[0] and "models.mine.path" in found[1]


def test_gated_models_need_a_token(tmp_path):
    shape = namedtuple("Shape", "gated")
    run = SimpleNamespace(
        config={"models": {"llama": {"hub": "meta-llama/x"}, "qwen": {"hub": "Qwen/y"}}},
        shapes={"llama": shape(True), "qwen": shape(False)},
    )
    jobs = [job("download_model", SMALL, local=True, model=name) for name in ("llama", "qwen")]
    (finding,) = check_tokens(run, jobs, {}, tmp_path)
    assert (
        finding.level == ERROR and "models.llama: meta-llama/x" in finding.text and f"{tmp_path}/.cache/huggingface/token" in finding.text
    )
    assert check_tokens(run, jobs, {"HF_TOKEN": "x"}, tmp_path) == []
    (tmp_path / "token").touch()
    assert check_tokens(run, jobs, {"HF_HOME": str(tmp_path)}, tmp_path / "nobody") == []
    assert check_tokens(run, jobs[1:], {}, tmp_path) == []


# the program, with made-up clients of SLURM


def program(path, script):
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def run_check(tmp_path, sinfo, *arguments):
    program(tmp_path / "sinfo", f"cat <<'END'\n{sinfo}END")
    program(tmp_path / "sacctmgr", 'echo "You are not running a supported accounting_storage plugin" >&2; exit 1')
    command = [sys.executable, "workflow/scripts/check_site.py", *arguments]
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)


def test_the_program_on_a_cluster_without_gpus(tmp_path):
    result = run_check(tmp_path, "cpu*|up|7-00:00:00|idle|4|64|256000|(null)\n", "--configfile", "config/7b.yaml")
    lines = result.stdout.splitlines()
    assert result.returncode == 2, result.stderr
    assert any(line.startswith("error:") and "partition a100 does not exist; sinfo has cpu" in line for line in lines)
    assert any(line.startswith("note: account and QOS were not checked: sacctmgr: You are not running") for line in lines)
    assert lines[-1].endswith("errors to mend first")
    assert not any(line.startswith("error:") for line in lines[[line.startswith("error:") for line in lines].index(False) :]), (
        "errors come first"
    )


def test_a_profile_that_does_not_submit(tmp_path):
    result = run_check(tmp_path, SINFO, "--configfile", "config/demo.yaml", "--profile", "profiles/demo")
    assert result.returncode == 2 and "error: profiles/demo: its executor is not slurm" in result.stderr
