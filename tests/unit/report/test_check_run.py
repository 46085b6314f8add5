"""The run's check of itself: silent on a sound run, one line for each thing that is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from made_up_run import run_program

CONFIG: dict[str, Any] = {
    "run": "small",
    "evaluation": {"sets": ["validation"]},
    "blends": {"v8": {}},
    "adapters": {"v8": {}},
    "ensembles": {"one": {}, "other": {}},
    "sweeps": {"v8": {}},
    "variants": {
        "base": {"precision": "bf16", "constraints": "strict"},
        "one": {"ensemble": "one", "precision": "awq", "constraints": "strict"},
    },
    "inference": {"new_tokens": {"multiple-choice": 1, "ranking": 9}},
    "report": {"check": {"finetuned": "one", "base": "base"}},
}
OPTIONS = "Which one?\n0. red\n1. green\n2. blue\nAnswer:"


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A results folder in which nothing is wrong."""
    for path in ("report.html", "evaluation/validation.parquet", "blends/v8.parquet", "sweeps/v8.parquet"):
        write(tmp_path / path, "x")
    for path in ("adapters/v8", "quantized/one-awq"):
        write(tmp_path / path / "manifest.json", {"files": []})
    for name in ("one", "other"):
        write(tmp_path / f"ensembles/{name}/adapter_model.safetensors", name)
        write(tmp_path / f"ensembles/{name}/manifest.json", {"files": [{"name": "adapter_model.safetensors", "bytes": 3, "sha256": name}]})
    write(tmp_path / "run_config.yaml", yaml.safe_dump(CONFIG))
    row = {"id": "a", "task": "colour", "task_type": "multiple-choice", "prompt": OPTIONS, "response": "2", "seconds": 0.1}
    task = {"track": "track1", "score": 0.5, "low": 0.4, "high": 0.6, "trivial": 0.3}
    for variant in CONFIG["variants"]:
        write(tmp_path / f"scores/validation/{variant}.json", {"tasks": {"colour": task, "refused": dict.fromkeys(task)}})
        for track in range(1, 6):
            write(tmp_path / f"predictions/validation/{variant}/track{track}.jsonl", json.dumps(row) + "\n")
    write(tmp_path / "comparisons/one-over-base.json", {"difference": 0.2, "low": 0.1, "high": 0.3})
    return tmp_path


def check(results: Path) -> SimpleNamespace:
    return run_program("check_run.py", "--results", results, "--config", results / "run_config.yaml", "--output", results / "checked.json")


def test_a_sound_run_passes_and_says_what_was_checked(sound: Path) -> None:
    done = check(sound)
    assert done.returncode == 0, done.stderr
    checked = json.loads((sound / "checked.json").read_text())["checked"]
    assert checked == {"files": 21, "scores": 2, "strict responses": 2, "ensembles": 1, "fine-tuning": 1}


def empty_blend(results: Path) -> None:
    (results / "blends/v8.parquet").write_text("")


def missing_page(results: Path) -> None:
    (results / "report.html").unlink()


def broken_score(results: Path) -> None:
    path = results / "scores/validation/one.json"
    path.write_text(path.read_text().replace("0.5", "NaN", 1))


def unreadable_response(results: Path) -> None:
    path = results / "predictions/validation/one/track5.jsonl"
    path.write_text(path.read_text().replace('"response": "2"', '"response": "blue"'))


def choice_that_is_not_offered(results: Path) -> None:
    path = results / "predictions/validation/one/track5.jsonl"
    path.write_text(path.read_text().replace('"response": "2"', '"response": "7"'))


def equal_ensembles(results: Path) -> None:
    (results / "ensembles/other/manifest.json").write_text((results / "ensembles/one/manifest.json").read_text())


def useless_fine_tuning(results: Path) -> None:
    write(results / "comparisons/one-over-base.json", {"difference": 0.1, "low": -0.01, "high": 0.3})


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (empty_blend, "blends/v8.parquet"),
        (missing_page, "report.html"),
        (broken_score, "colour"),
        (unreadable_response, "'blue'"),
        (choice_that_is_not_offered, "'7'"),
        (equal_ensembles, "same weights"),
        (useless_fine_tuning, "not above zero"),
    ],
)
def test_each_fault_is_one_line(sound: Path, damage: Callable[[Path], None], word: str) -> None:
    damage(sound)
    done = check(sound)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and word in done.stderr
    assert not (sound / "checked.json").exists()
