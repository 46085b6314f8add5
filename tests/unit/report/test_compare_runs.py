"""Two runs side by side: numbers recomputed by another route, and a page that is whole and looks like the report."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml
from made_up_run import ROOT, fabricate, run_program

from shopbench.run_comparison import config_difference, read_finished_run, score_rows, task_differences

SET, VARIANT = "validation", "track35-awq"


def edit_scores(folder: Path, change) -> None:
    file = folder / f"scores/{SET}/{VARIANT}.json"
    scores = json.loads(file.read_text())
    change(scores)
    file.write_text(json.dumps(scores))


def all_right(scores) -> None:
    """Every question of one task answered rightly, with the totals that follow."""
    for question in scores["questions"]:
        if question["task"] == "review_rating":
            question["score"] = 1.0
    task = scores["tasks"]["review_rating"]
    gain = 1.0 - task["score"]
    task["score"] = 1.0
    scores["overall"]["mean_over_tasks"]["score"] += gain / len(scores["tasks"])


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> tuple[Path, Path]:
    """A made-up run, and a copy with one variant better in one task, one sweep point moved and one line of config changed."""
    a = tmp_path_factory.mktemp("runs") / "first"
    fabricate(a)
    b = a.with_name("second")
    shutil.copytree(a, b)
    edit_scores(b, all_right)
    config = yaml.safe_load((b / "run_config.yaml").read_text())
    config["run"] = "second"
    config["training"]["learning_rate"] = 0.5
    (b / "run_config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    (b / "scores/development/v7.json").unlink()
    return a, b


@pytest.fixture(scope="module")
def page(runs) -> Path:
    output = runs[0].with_name("compare.html")
    done = run_program("compare_runs.py", "--a", runs[0], "--b", runs[1], "--output", output, "--bootstrap", "300")
    assert done.returncode == 0, done.stderr
    return output


def test_differences_are_the_questions_own(runs):
    a, b = map(read_finished_run, runs)
    rows = {(row["set"], row["variant"], row["track"]): row for row in score_rows(a, b, 300, 1)}
    # By another route: the mean over tasks of each task's mean over questions.
    tasks: dict[str, list[float]] = {}
    for question in json.loads((runs[0] / f"scores/{SET}/{VARIANT}.json").read_text())["questions"]:
        tasks.setdefault(question["task"], []).append((1.0 - question["score"]) if question["task"] == "review_rating" else 0.0)
    expected = np.mean([np.mean(gains) for gains in tasks.values()])
    row = rows[SET, VARIANT, "track5"]
    assert row["difference"] == pytest.approx(expected) and expected > 0
    assert 0 < row["low"] < row["difference"] < row["high"] and row["paired"]
    others = [row for key, row in rows.items() if key[:2] != (SET, VARIANT)]
    assert len(others) > 50 and all(row["difference"] == row["low"] == row["high"] == 0 for row in others)
    assert not any(key[:2] == ("development", "v7") for key in rows)


def test_the_order_of_questions_does_not_matter(runs, tmp_path):
    other = tmp_path / "turned"
    shutil.copytree(runs[0], other)
    edit_scores(other, lambda scores: scores["questions"].reverse())
    a, b = read_finished_run(runs[0]), read_finished_run(other)
    found = task_differences(a.scores[SET, VARIANT], b.scores[SET, VARIANT], 50, 1)
    assert len(found) == len(a.scores[SET, VARIANT]["tasks"]) and all(np.all(drawn == 0) for _, drawn in found.values())


def test_other_questions_have_no_paired_interval(runs, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(runs[0], other)

    def renamed(scores):
        for question in scores["questions"]:
            question["id"] = f"other {question['id']}"

    edit_scores(other, renamed)
    rows = [row for row in score_rows(read_finished_run(runs[0]), read_finished_run(other), 50, 1) if row["variant"] == VARIANT]
    assert {(row["set"] == SET, row["paired"], row["low"] is None) for row in rows} == {(True, False, True), (False, True, False)}


def test_the_configs_difference_leaves_names_and_folders_out(runs):
    a, b = map(read_finished_run, runs)
    assert config_difference(a.config, b.config) == [("training.learning_rate", str(a.config["training"]["learning_rate"]), "0.5")]
    assert config_difference({"a": {"b": 1}}, {"c": [2]}) == [("a.b", "1", "(none)"), ("c", "(none)", "[2]")]


def test_the_page_is_whole_and_needs_nothing_else(page, runs):
    html = page.read_text()
    ids, links = re.findall(r' id="([^"]+)"', html), re.findall(r' (?:href|aria-labelledby)="([^"]+)"', html)
    assert len(set(ids)) == len(ids) and len(links) > 20
    assert {link.removeprefix("#") for link in links} - {"data:,"} <= set(ids)
    loads, alts = re.findall(r' src="([^"]+)"', html), re.findall(r' alt="([^"]+)"', html)
    assert len(loads) == len(alts) == 3 + 3 and all(load.startswith("data:image/png;base64,") for load in loads)
    assert not re.search(r"@import|url\(|https?://", html)
    text = re.sub(r"<[^>]+>", " ", html)
    for words in ("training.learning_rate", "Only in A: v7 on development", "A and B: simulated data", "B is higher in 1, lower in 0"):
        assert words in re.sub(r"\s+", " ", text)


def test_the_page_has_the_reports_style(page):
    style = re.search(r"<style>(.*?)</style>", (ROOT / "workflow/report/page.html.j2").read_text(), re.S)
    assert style and style[1] in page.read_text()


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda folder: shutil.rmtree(folder), "no such folder"),
        (lambda folder: (folder / "run_config.yaml").unlink(), "no run_config.yaml"),
        (lambda folder: shutil.rmtree(folder / "scores"), "no scores/<set>/<variant>.json"),
        (lambda folder: (folder / "run_config.yaml").write_text("- 1\n"), "no key 'run'"),
        (lambda folder: (folder / f"scores/{SET}/{VARIANT}.json").write_text("{"), "not JSON"),
        (lambda folder: edit_scores(folder, lambda scores: scores.pop("questions")), "no key 'questions'"),
    ],
)
def test_a_folder_that_is_no_run_is_refused_in_a_line(runs, tmp_path, broken, says):
    folder = tmp_path / "broken"
    shutil.copytree(runs[0], folder)
    broken(folder)
    done = run_program("compare_runs.py", "--a", runs[0], "--b", folder, "--output", tmp_path / "page.html")
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) <= 2
    assert says in done.stderr and str(folder) in done.stderr and not (tmp_path / "page.html").exists()


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium")
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_it_without_scrolling_sideways(page, tmp_path, width):
    told = "<script>addEventListener('load', () => parent.postMessage(document.documentElement.scrollWidth, '*'))</script>"
    (tmp_path / "page.html").write_text(page.read_text().replace("</body>", f"{told}</body>"))
    frame = f'<iframe src="page.html" width="{width}" height="900"></iframe><p id="told"></p>'
    listen = (
        "<script>addEventListener('message', event => { document.getElementById('told').textContent = 'wide ' + event.data; })</script>"
    )
    (tmp_path / "frame.html").write_text(f"<!doctype html>{listen}{frame}")
    options = (
        "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync"
    )
    command = ["chromium", *options.split(), f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=5000", "--dump-dom"]
    dom = subprocess.run([*command, (tmp_path / "frame.html").as_uri()], capture_output=True, text=True, timeout=120).stdout
    told_width = re.search(r"wide (\d+)", dom)
    assert told_width and int(told_width[1]) <= width
