"""The site file, and what squeue and sacct print, read back."""

import subprocess
from pathlib import Path

import pytest

from shopbench.files import BadInput
from shopbench.job_usage import FIELDS, logged_jobs, mebibytes, parse_usage
from shopbench.slurm import ALONGSIDE, check_alone, gpus_of, parse_queue, read_site, rule_and_wildcards, seconds, site_resources

ROOT = Path(__file__).resolve().parents[2]
# squeue --Format pads each field to its width.
QUEUE = """\
56 |RUNNING |1:06 |1-00:00:00 |a100 |a100-1 |cpu=64,gres/gpu:a100=8,gres/gpu=8 |/home/me/shop |rule_train_adapter_wildcards_v8 |
57 |PENDING |0:00 |8:00:00 |t4 | |cpu=16,gres/gpu=4 |/home/me/shop |rule_answer_questions_wildcards_base_strict |
58 |RUNNING |0:02 |30:00 |cpu |cpu-1 |cpu=1,mem=4000M,node=1,billing=1 |/home/me/shop |rule_tabulate_mmlu |
59 |RUNNING |9:02 |30:00 |cpu |cpu-1 |cpu=1,mem=4000M,node=1,billing=1 |/home/me/other |a job of mine |
"""


def write_site(tmp_path, text):
    path = tmp_path / "site.yaml"
    path.write_text(text)
    return path


def test_the_shipped_site_file_names_nobody():
    assert site_resources(ROOT / "profiles/slurm/partitions.yaml") == {}


def test_account_and_qos_become_resources(tmp_path):
    path = write_site(tmp_path, "account: 123456\nqos: long\npartitions: {cpu: {max_runtime: 60}}\n")
    assert site_resources(path) == {"slurm_account": "123456", "qos": "long"}


@pytest.mark.parametrize(
    "text, says",
    [
        ("partition: {}", "no partitions"),
        ("a: [", "not YAML"),
        ("partitions: {}", "no partitions"),
        ("acount: x\npartitions: {cpu: {}}", "acount: no such key"),
    ],
)
def test_a_broken_site_file_is_named(tmp_path, text, says):
    with pytest.raises(BadInput, match=says):
        read_site(write_site(tmp_path, text))
    with pytest.raises(BadInput, match="no such site file"):
        read_site(tmp_path / "absent.yaml")


def test_queue_names_rule_wildcards_and_gpus():
    jobs = parse_queue(QUEUE)
    assert [(job.job, job.rule, job.wildcards, job.state, job.node, job.gpus) for job in jobs] == [
        ("56", "train_adapter", "v8", "RUNNING", "a100-1", "a100:8"),
        ("57", "answer_questions", "base_strict", "PENDING", "", "4"),
        ("58", "tabulate_mmlu", "", "RUNNING", "cpu-1", ""),
    ]
    assert {job.folder for job in jobs} == {Path("/home/me/shop")}


def test_comments_of_other_jobs_are_not_ours():
    assert rule_and_wildcards("rule_datasets_build_dataset") == ("datasets_build_dataset", "")
    assert rule_and_wildcards("my own job") is None
    assert gpus_of("cpu=1") == ""


def fake_squeue(monkeypatch, text):
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", lambda *args, **keywords: subprocess.CompletedProcess(args, 0, stdout=text, stderr=""))


def test_jobs_of_an_earlier_run_stop_a_new_one(monkeypatch, tmp_path):
    ours = QUEUE.replace("/home/me/shop", str(tmp_path))
    fake_squeue(monkeypatch, ours)
    with pytest.raises(BadInput, match=r"56 \(train_adapter v8, running\).*58 \(tabulate_mmlu, running\).*scancel 56 57 58"):
        check_alone(tmp_path)
    check_alone(tmp_path / "elsewhere")
    monkeypatch.setenv(ALONGSIDE, "1")
    check_alone(tmp_path)


def test_finished_jobs_stop_nobody(monkeypatch, tmp_path):
    ended = QUEUE.replace("/home/me/shop", str(tmp_path)).replace("RUNNING", "COMPLETED").replace("PENDING", "CANCELLED")
    fake_squeue(monkeypatch, ended)
    check_alone(tmp_path)


def test_a_queue_that_does_not_answer_stops_only_who_submits(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    refused = subprocess.CompletedProcess([], 1, stdout="", stderr="squeue: fatal: no configuration\n")
    monkeypatch.setattr(subprocess, "run", lambda *args, **keywords: refused)
    check_alone(tmp_path, must_know=False)
    with pytest.raises(BadInput, match="squeue: fatal: no configuration"):
        check_alone(tmp_path)


def test_without_slurm_there_are_no_jobs(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda name: None)
    check_alone(tmp_path)


def sacct_line(**fields):
    values = dict.fromkeys(FIELDS, "") | fields
    return "|".join(values[name] for name in FIELDS)


def test_usage_adds_up_a_job_and_its_steps(tmp_path):
    whole = {
        "JobIDRaw": "7", "State": "FAILED", "Partition": "a100", "Start": "2026-01-01T00:00:00", "End": "2026-01-01T00:02:00",
        "ElapsedRaw": "120", "TimelimitRaw": "60", "TotalCPU": "03:00.500", "AllocCPUS": "4", "ReqMem": "2G",
        "AllocTRES": "billing=4,cpu=4,gres/gpu:a100=8,gres/gpu=8,mem=2G,node=1", "WorkDir": str(tmp_path),
    }  # fmt: skip
    lines = [
        sacct_line(**whole),
        sacct_line(JobIDRaw="7.batch", State="FAILED", MaxRSS="102400K"),
        sacct_line(JobIDRaw="7.0", State="COMPLETED", MaxRSS="300M"),
        sacct_line(JobIDRaw="7.1", State="OUT_OF_MEMORY", MaxRSS="1500M"),
        # Still running, and one of another folder.
        sacct_line(**whole | {"JobIDRaw": "8", "State": "RUNNING"}),
        sacct_line(**whole | {"JobIDRaw": "9", "WorkDir": "/elsewhere"}),
    ]
    (job,) = parse_usage(lines, {"7": "train_adapter", "8": "x", "9": "y"}, tmp_path)
    assert (job.job, job.rule, job.state, job.partition) == ("7", "train_adapter", "OUT_OF_MEMORY", "a100")
    assert (job.wall, job.wall_limit, job.cpu_time, job.cpus, job.gpus) == (120, 3600, 180.5, 4, 8)
    assert (job.memory, job.memory_limit) == (1600, 2048)


def test_a_cancelled_job_has_one_word_for_its_state(tmp_path):
    fields = {
        "JobIDRaw": "7",
        "State": "CANCELLED by 0",
        "ElapsedRaw": "1",
        "TotalCPU": "00:00:01",
        "AllocCPUS": "1",
        "WorkDir": str(tmp_path),
    }
    (job,) = parse_usage([sacct_line(**fields, TimelimitRaw="UNLIMITED")], {"7": "r"}, tmp_path)
    assert job.state == "CANCELLED" and job.wall_limit == float("inf")


@pytest.mark.parametrize("text, expected", [("00:01", 1), ("02:03.500", 123.5), ("01:00:00", 3600), ("2-01:00:00", 176_400)])
def test_seconds_of_sacct(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text, expected", [("", 0), ("0", 0), ("512K", 0.5), ("400M", 400), ("1.5G", 1536), ("1048576", 1)])
def test_mebibytes_of_sacct(text, expected):
    assert mebibytes(text) == expected


def test_log_files_say_which_rule_a_job_was_for(tmp_path):
    for name in ("rule_train_adapter/v8/56.log", "rule_tabulate_mmlu/58.log", "group_report/60.log", "rule_x/notes.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert logged_jobs(tmp_path) == {"56": "train_adapter", "58": "tabulate_mmlu", "60": "report"}
