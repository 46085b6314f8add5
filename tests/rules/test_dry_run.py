"""The graph of the paper's run, as anyone can look at it: no GPU, SLURM, data or network."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml
from support import ROOT, planned_jobs, snakemake


@pytest.fixture
def no_slurm(monkeypatch, tmp_path_factory):
    """PATH without SLURM's programs, wherever they are installed."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ("bash", "sh", "which"):
        (folder / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(folder))
    assert not shutil.which("sinfo")


def test_the_papers_graph_is_whole(checkout, no_slurm):
    jobs = planned_jobs(checkout, "--profile", "slurm")
    of = {rule: sorted(job for job in jobs if job.startswith(f"{rule}(")) for rule in {job.split("(")[0] for job in jobs}}
    assert len(of["build_dataset"]) == len(of["describe_dataset"]) == 39
    assert of["describe_blend"] == ["describe_blend(v7)", "describe_blend(v7b)", "describe_blend(v8)", "describe_blend(v9b)"]
    assert of["train_adapter"] == ["train_adapter(v7)", "train_adapter(v7b)", "train_adapter(v8)", "train_adapter(v9b)"]
    assert of["describe_adapter"] == ["describe_adapter(v7)", "describe_adapter(v7b)", "describe_adapter(v8)", "describe_adapter(v9b)"]
    assert len(of["merge_ensemble"]) == 3 and len(of["quantize_model"]) == 6 and len(of["verify_quantized"]) == 6
    assert of["download_model"] == [f"download_model({name})" for name in ("bagel-34b", "llama-3-70b", "qwen2-72b", "smaug-72b")]
    assert "simulate_source" not in of and "pretrain_demo_base" not in of
    assert {job.split("(")[1].split(",")[0] for job in of["provide_source"]} == {"amazon_m2", "kddcup2024"}


def test_gpus_and_partitions(checkout):
    text = snakemake(checkout, "--dry-run", "--profile", "slurm").stdout
    blocks = text.split("\nrule ")

    def resources(rule, output):
        block = next(b for b in blocks if b.startswith(f"{rule}:") and output in b.split("output:")[1].splitlines()[0])
        return block.split("resources:")[1].splitlines()[0]

    assert "gpu=8" in resources("train_adapter", "adapters/v8") and "gpu_model=a100" in resources("train_adapter", "adapters/v8")
    assert "gpu_model=t4" in resources("answer_questions", "predictions/development/track1-awq/")
    assert "gpu_model=a100" in resources("answer_questions", "predictions/development/track1/")


def test_a_quantized_model_comes_from_its_backends_own_environment(checkout, tmp_path):
    overlay = tmp_path / "older.yaml"
    overlay.write_text("quantization: {methods: {awq: {backend: autoawq}, gptq: {backend: auto-gptq}}}\n")
    commands = {}
    for name, files in {"newer": [], "older": ["--configfile", str(overlay)]}.items():
        text = snakemake(checkout, "--dry-run", "--printshellcmds", "--profile", "slurm", *files).stdout
        for block in text.split("\nrule quantize_model:")[1:]:
            inputs, method = re.search(r"input: (.*)", block)[1].split(", "), re.search(r"--method (\w+)", block)[1]
            interpreter = re.search(r"(\S+) workflow/scripts/quantize_model.py\s+--method", block)[1]
            modules = [file for file in inputs if "/quantizers/" in file]
            locks = [file for file in inputs if file.startswith(".envs/")]
            commands[name, method] = (interpreter, modules, locks)
    quantizers = "workflow/scripts/quantizers"
    assert commands == {
        (when, method): (f".envs/{env}-cuda/bin/python", [f"{quantizers}/{module}.py"], [f".envs/{env}-cuda/lock.txt"])
        for when, method, env, module in [
            ("newer", "awq", "model", "gptqmodel"),
            ("newer", "gptq", "model", "gptqmodel"),
            ("older", "awq", "autoawq", "autoawq"),
            ("older", "gptq", "auto-gptq", "auto_gptq"),
        ]
    }


def test_a_smaller_run_asks_for_fewer_gpus(checkout):
    adapter = "results/7b/adapters/v8/manifest.json"
    text = snakemake(checkout, "--dry-run", "--profile", "slurm", adapter, "--configfile", "config/7b.yaml").stdout
    (line,) = re.findall(r"resources: .*", text.split("rule train_adapter:")[1])
    assert "gpu=1," in line and "gpu_model=a100" in line


def test_every_rule_of_the_report_is_in_its_group():
    """A figure that is left out would cost a SLURM job of its own."""
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    rules = {name for file in ROOT.glob("workflow/rules/report*.smk") for name in re.findall(r"^rule (\w+):", file.read_text(), re.M)}
    assert rules <= {rule for rule, group in profile["groups"].items() if group == "report"}


def test_other_configs_show_their_graph(checkout):
    assert "download_model(qwen2-7b)" in planned_jobs(checkout, "--configfile", "config/7b.yaml")
    jobs = planned_jobs(checkout, "--profile", "profiles/demo")
    assert "link_model(demo-base)" in jobs and "pretrain_demo_base(demo-base)" not in jobs
    anew = planned_jobs(checkout, "--profile", "profiles/demo", "--configfile", "config/demo.yaml", "config/demo_base.yaml")
    assert "pretrain_demo_base(demo-base)" in anew and "link_model(demo-base)" not in anew


def test_the_rule_graph_is_drawn_and_the_readmes_is_fresh(checkout):
    command = [sys.executable, "workflow/scripts/draw_rule_graph.py", "--configfile", "config/config.yaml"]
    command += ["--svg", "g.svg", "--mermaid", "g.mmd"]
    subprocess.run(command, cwd=checkout, check=True)
    assert "train_adapter" in (checkout / "g.svg").read_text()
    mermaid = (checkout / "g.mmd").read_text()
    number = dict((name, index) for index, name in re.findall(r'^  (\d+)\["(.+)"\]$', mermaid, re.M))
    assert f"  {number['train_adapter']} --> {number['build_ensemble']}\n" in mermaid
    assert f"```mermaid\n{mermaid}```" in (checkout / "README.md").read_text(), "run make dag"


def test_the_jobs_are_drawn_by_stage(checkout):
    command = [sys.executable, "workflow/scripts/draw_job_graph.py", "--configfile", "config/config.yaml", "--svg", "jobs.svg"]
    subprocess.run(command, cwd=checkout, check=True)
    svg = (checkout / "jobs.svg").read_text()
    drawn = re.findall(r'class="rule"[^>]*>([^<]+)</text><text class="small count"[^>]*>(\d+) jobs?', svg)
    printed = [job.split("(")[0] for job in planned_jobs(checkout, "--profile", "slurm", "--forceall")]
    assert {("build_dataset", "39"), ("draw_*", str(sum(rule.startswith("draw_") for rule in printed)))} <= set(drawn)
    assert sum(int(number) for _, number in drawn) == len([rule for rule in printed if rule not in ("build_env", "all")])
    assert len(drawn) < 40
