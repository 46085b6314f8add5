"""The algebra of ensembles, against the paper's ensembles worked out by hand."""

import pytest

from shopbench.ensembles import LORA_RANKS, best_alpha, padded_rank, signed_weights
from shopbench.files import BadInput

START_FROM = {"v7b": "v7", "v9b": "v8", "v10c": "v9b"}


def ensemble(mode, *members, alpha=1.0):
    return {"mode": mode, "alpha": alpha, "adapters": [{"name": name, "weight": weight} for name, weight in members]}


def test_stack_adds_what_the_second_round_changed():
    # 0.56 D1 + 0.75 (D2 - D1)
    assert signed_weights(ensemble("stack", ("v8", 0.56), ("v9b", 0.75)), START_FROM) == pytest.approx({"v8": -0.19, "v9b": 0.75})


def test_interpolate_lies_between_the_rounds():
    # (1 - 0.25) 0.56 D1 + 0.25 D2
    assert signed_weights(ensemble("interpolate", ("v8", 0.56), ("v9b", 0.25)), START_FROM) == pytest.approx({"v8": 0.42, "v9b": 0.25})


@pytest.mark.parametrize("mode", ["stack", "interpolate"])
def test_second_round_with_weight_zero_is_the_first_round(mode):
    assert signed_weights(ensemble(mode, ("v8", 0.56), ("v9b", 0.0)), START_FROM) == {"v8": 0.56, "v9b": 0.0}


@pytest.mark.parametrize("mode", ["stack", "interpolate"])
def test_full_weights_give_the_second_round_alone(mode):
    assert signed_weights(ensemble(mode, ("v7", 1.0), ("v7b", 1.0)), START_FROM) == {"v7": 0.0, "v7b": 1.0}


@pytest.mark.parametrize("mode", ["stack", "interpolate"])
def test_adapters_of_one_round_are_summed(mode):
    assert signed_weights(ensemble(mode, ("v7", 0.5), ("v8", 0.3)), START_FROM) == {"v7": 0.5, "v8": 0.3}


@pytest.mark.parametrize("mode", ["stack", "interpolate"])
def test_second_round_without_its_first_enters_whole(mode):
    assert signed_weights(ensemble(mode, ("v7b", 0.5), ("v8", 0.5)), START_FROM) == {"v7b": 0.5, "v8": 0.5}


def test_order_does_not_matter_and_alpha_multiplies_all():
    signed = signed_weights(ensemble("stack", ("v9b", 0.75), ("v8", 0.56), alpha=0.5), START_FROM)
    assert signed == pytest.approx({"v8": -0.095, "v9b": 0.375})


def test_third_round_reaches_through_an_unlisted_second():
    assert signed_weights(ensemble("stack", ("v8", 0.5), ("v10c", 0.2)), START_FROM) == pytest.approx({"v8": 0.3, "v10c": 0.2})
    three = ensemble("interpolate", ("v8", 0.5), ("v9b", 0.4), ("v10c", 0.2))
    assert signed_weights(three, START_FROM) == pytest.approx({"v8": 0.8 * 0.6 * 0.5, "v9b": 0.8 * 0.4, "v10c": 0.2})


@pytest.mark.parametrize(
    ("bad", "named"),
    [(ensemble("stack", ("v8", 1), ("v8", 1)), "v8"), (ensemble("mean", ("v8", 1)), "mean")],
)
def test_bad_ensembles_are_refused_by_name(bad, named):
    with pytest.raises(BadInput, match=named):
        signed_weights(bad, START_FROM)


def test_a_circle_of_rounds_is_refused():
    with pytest.raises(BadInput, match="starts from itself"):
        signed_weights(ensemble("stack", ("a", 1)), {"a": "b", "b": "a"})


def test_ranks_are_padded_to_what_the_engine_takes():
    assert [padded_rank(rank) for rank in (0, 1, 2, 64, 128, 129, 257, 512)] == [1, 1, 8, 64, 128, 256, 320, 512]
    assert all(padded_rank(rank) == rank for rank in LORA_RANKS)
    with pytest.raises(BadInput, match="513"):
        padded_rank(513)


def test_best_alpha_is_the_mean_over_tasks_of_its_own_set():
    def row(alpha, evaluation_set, score):
        return {"alpha": alpha, "set": evaluation_set, "score": score}

    rows = [row(0.5, "validation", 0.6), row(0.5, "validation", 0.4), row(1.0, "validation", 0.8), row(1.0, "validation", 0.1)]
    rows += [row(0.2, "validation", 0.5), row(0.2, "validation", 0.5), row(2.0, "development", 1.0)]
    assert best_alpha(rows, "validation") == 0.2, "of equal means the smaller alpha"
    assert best_alpha(rows, "development") == 2.0
    with pytest.raises(BadInput, match="shopping_mmlu"):
        best_alpha(rows, "shopping_mmlu")
