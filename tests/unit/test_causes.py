"""Causes in words, from what Snakemake recorded of a job."""

import pytest

from shopbench.causes import ABSENT, Settings, changed_line, changed_parameters, config_key, flat, likeness, place_of, places_of
from shopbench.planned_jobs import PlannedJob


def job(rule="train_adapter", **wildcards):
    return PlannedJob(rule, wildcards, False, [], [], 0, None, 1, {}, {})


def test_parameters_meet_their_recorded_selves_without_names():
    now = {"training": '{"rank": 8, "epochs": 2}', "seed": 4, "python": "b/python"}
    before = ["'a/python'", '\'{"epochs": 1, "rank": 8, "steps": 9}\'', "3"]
    assert changed_parameters(now, before) == [
        ("training.epochs", 2, 1),
        ("training.steps", ABSENT, 9),
        ("seed", 4, 3),
        ("python", "b/python", "a/python"),
    ]


def test_a_parameter_that_is_new_or_gone():
    assert changed_parameters({"launcher": "x.py"}, []) == [("launcher", "x.py", ABSENT)]
    assert changed_parameters({}, ["7"]) == [("a parameter", ABSENT, 7)]


@pytest.mark.parametrize(
    ("one", "other", "alike"), [({"a": 1}, {"a": 2}, 1), ({"a": 1}, "a", 0), ([1, 2], [2], 0.5), (1, 2.5, 0.1), (1, "1", 0)]
)
def test_likeness(one, other, alike):
    assert likeness(one, other) == alike


def test_a_key_is_named_only_where_both_values_agree():
    now = flat({"training": {"epochs": 2}, "adapters": {"v7": {"epochs": 2}, "v8": {"epochs": 2}}, "seed": 2})
    then = flat({"training": {"epochs": 1}, "adapters": {"v7": {"epochs": 1}, "v8": {"epochs": 1}}, "seed": 2})
    settings = Settings(now, then, {})
    assert config_key("training.epochs", 2, 1, job(adapter="v8"), settings) == "adapters.v8.epochs"
    assert config_key("epochs", 2, 1, job(), settings) is None, "three keys fit, and no wildcard says which"
    assert config_key("seed", 5, 2, job(), settings) is None
    assert config_key("config.training.epochs", 2, 1, job(), settings) == "training.epochs"


def test_places_are_the_last_files_and_inherited_ones_are_found(tmp_path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("seed: 1\ntraining:\n  rank: 8\n  epochs: 1\n")
    second.write_text("\ntraining: {epochs: 2}\n")
    places = places_of([first, second])
    assert places["training.rank"] == f" ({first}, line 3)"
    assert place_of("adapters.v8.training.epochs", places) == f" ({second}, line 2)"
    assert place_of("adapters.v8.seed", places) == "", "a last part alone is no inheritance"


def test_a_changed_command_is_told_by_its_words():
    assert changed_line("run --a 1 \n  --b {x:q}", "run --a 1") == "its command: (nothing) -> --b {x:q}"
