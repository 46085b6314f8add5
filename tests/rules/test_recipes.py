"""The recipes of CONTRIBUTING.md, followed as they stand: what they write is written, their commands run, and exactly their jobs appear."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import polars as pl
import pytest
from support import ROOT, TINY, adopt_environments, planned_jobs, snakemake

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
RECIPES = dict(re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M | re.S))
DEMO = ["--configfile", "config/demo.yaml"]


def blocks(recipe: str) -> list[tuple[str, str]]:
    """(language, text) of a recipe's fenced blocks, in order."""
    return BLOCK.findall(RECIPES[recipe])


def follow(recipe: str, folder: Path) -> list[str]:
    """Write and append what the recipe says; its commands are returned."""
    commands = []
    for language, text in blocks(recipe)[:-1]:
        first, rest = text.split("\n", 1)
        if language == "sh":
            commands += text.splitlines()
        elif appended := re.fullmatch(r"# at the end of (\S+)", first):
            file = folder / appended[1]
            file.write_text(file.read_text(encoding="utf-8") + rest, encoding="utf-8")
        else:
            file = folder / first.removeprefix("# ")
            assert not file.exists()
            file.write_text(rest, encoding="utf-8")
    return commands


def configs(folder: Path) -> list[str]:
    return [*DEMO, *(["config/mine.yaml"] if (folder / "config/mine.yaml").exists() else [])]


def run(folder: Path, command: str) -> str:
    environment = {**os.environ, "MAKEFLAGS": ""}
    result = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, f"{command}:\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    return result.stdout


def test_the_page_has_the_three_recipes():
    assert list(RECIPES) == ["Add a dataset", "Add an adapter", "Add a variant"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_exactly_its_jobs_appear(checkout, recipe):
    before = planned_jobs(checkout, *DEMO)
    commands = follow(recipe, checkout)
    after = planned_jobs(checkout, *configs(checkout))
    language, listed = blocks(recipe)[-1]
    assert language == "text" and len(commands) == 1
    assert before < after
    assert {job.rstrip(")").replace("(", " ") for job in after - before} == set(listed.splitlines())


@pytest.mark.parametrize("recipe", ["Add an adapter", "Add a variant"])
def test_make_why_names_the_new_jobs(checkout, recipe):
    (command,) = follow(recipe, checkout)
    said = run(checkout, command)
    for job in blocks(recipe)[-1][1].splitlines():
        assert re.search(rf"^{re.escape(job)} +missing +\S+: never made$", said, re.M)


def test_the_dataset_builds_and_its_rows_are_shown(checkout):
    (command,) = follow("Add a dataset", checkout)
    adopt_environments(checkout)
    # At the tests' scale; the rest of the command is the recipe's.
    tiny = f".envs/workflow/bin/snakemake {' '.join(TINY)} --profile profiles/demo"
    makefile = checkout / "Makefile"
    makefile.write_text(makefile.read_text().replace("results/demo", "results/tiny"))
    shown = run(checkout, f'{command} DEMO="{tiny}"')
    assert "Answer:" in shown
    rows = pl.read_parquet(checkout / "results/tiny/datasets/title_language.parquet").to_dicts()
    assert len(rows) > 100 and {row["split"] for row in rows} == {"train", "validation"}
    languages = {"us": "English", "es": "Spanish", "jp": "Japanese"}
    for row in rows:
        options = dict(re.findall(r"^(\d)\. (\w+)$", row["prompt"], re.M))
        assert options[row["completion"]] == languages[row["locale"]]
        assert json.loads(row["source"])["truth"] == int(row["completion"])


def test_an_adapter_with_a_path_is_not_trained(checkout):
    (checkout / "config/mine.yaml").write_text("adapters: {v8-small: {path: /my/adapter}}\n")
    said = snakemake(checkout, "--dry-run", *DEMO, "config/mine.yaml").stdout
    assert "adapter=v8-small" not in said
