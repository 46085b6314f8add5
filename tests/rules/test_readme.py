"""Every command of the README: run here at the tests' scale, or the very line that continuous integration or the cluster suite runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from support import ROOT, TINY, planned_jobs

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
COMMAND = re.compile(r"(make|snakemake|export|\.envs/\S+) [^`]+")

# In a fresh copy of the checkout: what looks, and makes no results.
LOOKED_AT = [
    "make workflow-env",
    "export PATH=$PWD/.envs/workflow/bin:$PATH",
    "snakemake -n --profile slurm",
    "make plan",
    "make plan CONFIG=config/7b.yaml",
    "make dag",
    ".envs/workflow/bin/python workflow/scripts/estimate_training.py --adapter v8 --gpu a100",
]
# On a finished run of the tests' size, with the demo's config and folder replaced by its own.
AT_THE_TESTS_SCALE = [
    "make demo",
    "make figures",
    "make why TARGET=results/demo/report.html CONFIG=config/demo.yaml",
    "make compare A=results/demo B=results/other",
    "make show DATASET=review_rating",
    ".envs/model-cpu/bin/python workflow/scripts/score.py --output scores.json "
    "--predictions results/demo/predictions/development/base-strict/track5.jsonl --truth results/demo/raw/kddcup2024/development.json",
]
# Lines of .ci/run.
BY_CI = ["make test", "make cluster-test", "make test-backends"]
# The programs of these need a SLURM: the cluster suite runs them on its own.
ON_A_CLUSTER = ["make check-site", "make status", "make usage", "snakemake --profile slurm"]
# These have tests of their own: an endpoint that a test starts is named in the environment there; of a training of half an hour the
# program and the graph are tested.
ELSEWHERE = ["make locks", "make demo-base", "export OPENAI_API_KEY=... OPENAI_BASE_URL=https://your.endpoint/v1"]


def commands() -> list[str]:
    """The commands of the README's indented blocks and code spans, a broken line as one."""
    indented = re.findall(r"^    (\S(?:.*\\\n)*.*)$", README, re.M)
    spans = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", README)
    found = [re.sub(r"\s*\\\n\s*", " ", text).strip() for text in [*indented, *spans]]
    return list(dict.fromkeys(text for text in found if COMMAND.fullmatch(text)))


MID_WAY = [command for command in commands() if "--allowed-rules" in command]


def shell(folder: Path, command: str) -> str:
    path = f"{folder}/.envs/workflow/bin:/usr/bin:/bin"
    environment = {"PATH": path, "HOME": str(folder / ".home"), "LANG": "C.UTF-8"}
    result = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, f"{command}:\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    return result.stdout


def recipe(target: str) -> str:
    """The lines below a target of the Makefile."""
    return re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.M)[1]


def test_every_command_is_accounted_for():
    known = [*LOOKED_AT, *AT_THE_TESTS_SCALE, *BY_CI, *ON_A_CLUSTER, *ELSEWHERE, *MID_WAY]
    assert len(MID_WAY) == 1 and len(commands()) > 15
    assert sorted(commands()) == sorted(known)


@pytest.mark.parametrize("command", LOOKED_AT)
def test_looking_at_a_run(checkout, command):
    said = shell(checkout, command)
    if command.startswith(("make plan", "snakemake")):
        assert "train_adapter" in said
    if command == "make dag":
        assert (checkout / "README.md").read_text(encoding="utf-8") == README, "run make dag"
        assert "</svg>" in (checkout / "results/jobgraph.svg").read_text()


@pytest.fixture
def finished(finished_run, tmp_path):
    """A finished run's folder whose Makefile and targets say the tests' run where the README says the demo's."""
    makefile, backup = finished_run / "Makefile", tmp_path / "Makefile"
    shutil.copy2(makefile, backup)
    yield finished_run
    shutil.copy2(backup, makefile)


def smaller(folder: Path, command: str) -> str:
    """The command for the tests' run in place of the demo's."""
    file = folder / "Makefile"
    text = MAKEFILE.replace("results/demo", "results/tiny").replace("--profile profiles/demo", f"{' '.join(TINY)} --profile profiles/demo")
    file.write_text(text)
    return command.replace("results/demo", "results/tiny").replace("CONFIG=config/demo.yaml", f'CONFIG="{" ".join(TINY[1:])}"')


@pytest.mark.parametrize("command", AT_THE_TESTS_SCALE)
def test_commands_of_the_demo_on_the_tests_run(finished, command):
    results, other = finished / "results/tiny", finished / "results/other"
    page = results / "report.html"
    if "other" in command:
        shutil.copytree(
            results, other, ignore=shutil.ignore_patterns("raw", "base", "merged", "quantized", "adapters", "ensembles", ".parts")
        )
    if command == "make demo":
        page.unlink()
    made = {path: path.stat().st_mtime_ns for path in (results / "figures").glob("*.png")}
    said = shell(finished, smaller(finished, command))
    if command == "make figures":
        assert made and all(path.stat().st_mtime_ns > before for path, before in made.items())
    if command.startswith("make why"):
        assert "up to date" in said
    if command.startswith("make compare"):
        shutil.rmtree(other)
        assert "</html>" in (finished / "results/compare.html").read_text(encoding="utf-8")
    if "score.py" in command:
        ours, alone = (json.loads(file.read_text()) for file in (results / "scores/development/base-strict.json", finished / "scores.json"))
        ours, alone = (scores["overall"]["mean_over_tasks"]["score"] for scores in (ours, alone))
        # Sentences embedded in other batches differ in the last digits.
        assert alone == pytest.approx(ours, abs=1e-6)
    if command.startswith("make show"):
        assert "review_rating" in said
    assert page.exists()


@pytest.mark.parametrize("command", BY_CI)
def test_commands_that_continuous_integration_runs(command):
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert any(re.match(rf'(timeout "\$left" )?{command}(?![-\w])', line) for line in lines)


@pytest.mark.parametrize("command", ON_A_CLUSTER)
def test_commands_that_the_cluster_suite_runs(command):
    suite = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests/cluster").glob("*.py"))
    if command.startswith("snakemake"):
        assert '"-m", "snakemake", *CLUSTER' in suite and 'CLUSTER = ["--profile", "slurm"' in suite
        return
    program = re.search(r"workflow/scripts/(\w+)\.py", recipe(command.removeprefix("make ")))[1]
    # Its program, or the one function that it prints.
    library = {"show_jobs": "from shopbench.slurm import", "show_usage": "from shopbench.job_usage import"}
    assert library.get(program, f"workflow/scripts/{program}.py") in suite


def test_datasets_that_are_there_are_not_built(checkout):
    folder = checkout / "results/7b/datasets"
    folder.mkdir(parents=True)
    for row in (checkout / "config/datasets.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        (folder / f"{row.split(chr(9))[0]}.parquet").touch()
    said = shell(checkout, f"{MID_WAY[0]} --dry-run")
    rules = set(re.findall(r"^(?:local)?rule (\w+):", said, re.M))
    assert {"blend_datasets", "train_adapter"} <= rules
    assert not rules & {"build_dataset", "simulate_source"} and not any(rule.startswith("tabulate") for rule in rules)


def test_a_models_and_an_adapters_path_and_a_development_set_are_taken(checkout):
    given = re.findall(r"^\| .+ \| `(\w+: \{.+\})` \|$", README.split("## Entering mid-way")[1].split("\n## ")[0], re.M)
    assert len(given) == 3
    config = {key: value for line in given for key, value in yaml.safe_load(line.replace(": /", f": {checkout}/")).items()}
    for path in (config["models"]["qwen2-72b"]["path"], config["adapters"]["v8"]["path"]):
        Path(path).mkdir(parents=True)
    Path(config["evaluation"]["development"]).touch()
    (checkout / "config/mine.yaml").write_text(yaml.safe_dump(config))
    jobs = planned_jobs(checkout, "--configfile", "config/mine.yaml")
    gone = {"download_model(qwen2-72b)", "train_adapter(v8)", "provide_source(kddcup2024, development.json)"}
    usual = planned_jobs(checkout, "--configfile", "config/config.yaml")
    assert gone <= usual and not gone & jobs
    assert "train_adapter(v9b)" in jobs
