"""Which datasets a blend takes; the table is the real one, so its names and sizes are tested with it."""

from pathlib import Path

import pytest

from shopbench.blends import select, selections
from shopbench.dataset_table import read_dataset_table
from shopbench.files import BadInput

TABLE = read_dataset_table(Path(__file__).resolve().parents[2] / "config/datasets.tsv")


def of(column, value):
    return [name for name, row in TABLE.items() if row[column] == value]


def test_lines_add_up():
    taken = select({"take": [{"cluster": "new"}, {"dataset": "alpaca", "rows": 7}]}, TABLE)
    assert taken == dict.fromkeys(of("cluster", "new")) | {"alpaca": 7} and list(taken) == [n for n in TABLE if n in taken]


@pytest.mark.parametrize(("caps", "expected"), [((3, 5), 5), ((5, 3), 5), ((3, None), None), ((None, 3), None)])
def test_the_larger_cap_wins_in_any_order(caps, expected):
    lines = [{"source": "mmlu", **({"rows": cap} if cap else {})} for cap in caps]
    assert select({"take": lines}, TABLE) == dict.fromkeys(of("source", "mmlu"), expected)


def test_without():
    taken = select({"take": [{"source": "mmlu"}], "without": ["mmlu_test"]}, TABLE)
    assert taken == {"mmlu_auxiliary": None}


def test_a_dataset_that_the_run_leaves_out_is_no_mistake():
    built = {name: row for name, row in TABLE.items() if name != "alpaca"}
    take = {"take": [{"dataset": "alpaca"}, {"dataset": "mmlu_test"}]}
    assert select(take, built, TABLE) == {"mmlu_test": None}
    with pytest.raises(BadInput):
        select(take, built)


@pytest.mark.parametrize(
    ("blend", "message"),
    [
        ({"take": [{"dataset": "alpacca"}]}, "did you mean 'alpaca'"),
        ({"take": [{"cluster": "nwe"}]}, "did you mean 'new'"),
        ({"take": [{"source": "esci"}], "without": ["rank_product"]}, "did you mean 'rank_products'"),
        ({"take": [{"rows": 3}]}, "exactly one of"),
        ({"take": [{"source": "esci", "cluster": "new"}]}, "exactly one of"),
        ({"take": [{"dataset": "alpaca"}], "without": ["alpaca"]}, "takes no dataset"),
    ],
)
def test_mistakes_are_named(blend, message):
    with pytest.raises(BadInput, match=message):
        select(blend, TABLE)


def test_a_mistake_in_the_config_names_the_blend():
    with pytest.raises(BadInput, match=r"^config: blends\.v7 names the dataset 'alpacca'"):
        selections({"v7": {"take": [{"dataset": "alpacca"}]}}, TABLE, TABLE, scale=1)


def test_caps_shrink_with_the_datasets():
    blends = {"v7": {"take": [{"dataset": "alpaca", "rows": 30}, {"dataset": "mmlu_test"}]}}
    assert selections(blends, TABLE, TABLE, scale=0.1) == {"v7": {"alpaca": 3, "mmlu_test": None}}
