"""Plans of the real graph: what Snakemake says of its jobs, and the README's tables."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support import planned_jobs as printed_jobs

ROOT = Path(__file__).resolve().parents[2]


def run(folder, *arguments):
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)


def plan_jobs(folder, *arguments):
    """The jobs that shopbench/planned_jobs.py reads, as dictionaries."""
    code = "import sys, json, dataclasses; from pathlib import Path; sys.path.insert(0, 'workflow/scripts')\n"
    code += "from shopbench.planned_jobs import planned_jobs\n"
    code += f"jobs = planned_jobs({arguments[0]}, Path('{arguments[1]}'), {arguments[2]})\n"
    code += "print(json.dumps([dataclasses.asdict(job) for job in jobs]))"
    result = run(folder, "-c", code)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_plan_has_the_dry_runs_jobs_and_leaves_nothing(checkout):
    # The dry run prints grouped jobs in another form.
    file = checkout / "profiles/slurm/config.yaml"
    profile = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({key: value for key, value in profile.items() if key not in ("groups", "group-components")}))
    before = {path for path in checkout.rglob("*") if ".snakemake" not in path.parts}
    jobs = plan_jobs(checkout, "[Path('config/config.yaml')]", "profiles/slurm", True)
    printed = printed_jobs(checkout, "--profile", "slurm", "--forceall")
    assert {f"{job['rule']}({', '.join(job['wildcards'].values())})" for job in jobs} == printed
    after = {path for path in checkout.rglob("*") if ".snakemake" not in path.parts and "__pycache__" not in path.parts}
    assert {path for path in after - before if path.is_file()} == set()


def test_resources_local_rules_and_the_last_attempt(checkout):
    jobs = plan_jobs(checkout, "[Path('config/config.yaml')]", "profiles/slurm", True)
    of = {job["rule"]: job for job in jobs}
    train, download = of["train_adapter"], of["download_model"]
    assert (train["submitted"]["gpu"], train["submitted"]["gpu_model"], train["submitted"]["threads"]) == (8, "a100", 64)
    assert download["local"] and of["all"]["local"] and not train["local"]
    assert of["tabulate_esci"]["submitted_last"]["mem_mb"] > of["tabulate_esci"]["submitted"]["mem_mb"]


def test_grouped_jobs_are_read_with_what_their_group_asks_for(checkout):
    file = checkout / "profiles/slurm/config.yaml"
    profile = yaml.safe_load(file.read_text())
    profile |= {"groups": {"build_dataset": "datasets"}, "group-components": {"datasets": 39}}
    profile["set-resources"]["build_dataset"] = {"mem_mb": 3000, "runtime": 20}
    file.write_text(yaml.safe_dump(profile))
    jobs = plan_jobs(checkout, "[Path('config/config.yaml')]", "profiles/slurm", True)
    built = [job for job in jobs if job["rule"] == "build_dataset"]
    assert len(built) == 39 and {job["group"] for job in built} == {"datasets"}
    assert len({job["submission"] for job in built}) == 1
    asked = built[0]["submitted"]
    assert asked["mem_mb"] == 39 * 3000 and asked["runtime"] == 20 or asked["mem_mb"] == 3000 and asked["runtime"] == 39 * 20, asked
    result = run(checkout, "workflow/scripts/plan_run.py", "--whole")
    assert result.returncode == 0 and "39 in 1" in result.stdout, result.stderr


def test_what_is_done_is_left_out_unless_the_whole_run_is_asked_for(checkout):
    made = checkout / "results/demo/raw/esci/shopping_queries_dataset_examples.parquet"
    made.parent.mkdir(parents=True)
    made.touch()
    names = []
    for whole in (True, False):
        jobs = plan_jobs(checkout, "[Path('config/demo.yaml')]", "profiles/demo", whole)
        names.append({" ".join([job["rule"], *job["wildcards"].values()]) for job in jobs})
    assert names[0] - names[1] >= {"simulate_source esci shopping_queries_dataset_examples.parquet"}
    assert "train_adapter v8" in names[0] & names[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--configfile", "config/no.yaml"], "config/no.yaml: no such file"),
        (["--configfile", "bad.yaml"], "unknown key 'rankk' in training; did you mean 'rank'?"),
        (["--profile", "profiles/no"], "profiles/no"),
    ],
)
def test_bad_input_is_one_line(checkout, arguments, message):
    (checkout / "bad.yaml").write_text("training: {rankk: 3}\n")
    result = run(checkout, "workflow/scripts/plan_run.py", *arguments)
    assert result.returncode == 2 and message in result.stderr and len(result.stderr.splitlines()) == 1, result.stderr


def test_the_readmes_plans_are_fresh():
    readme = (ROOT / "README.md").read_text()
    result = run(ROOT, "-c", "import sys; sys.path.insert(0, 'workflow/scripts'); import plan_run; print(plan_run.readme_part(), end='')")
    assert result.returncode == 0, result.stderr
    assert f"<!-- plan: begin -->\n{result.stdout}<!-- plan: end -->" in readme, "run make plan-readme"
