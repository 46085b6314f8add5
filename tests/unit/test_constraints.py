"""What constraints admit, in terms of the challenge's parsers."""

import itertools
import re

import pytest

from shopbench.constraints import (
    boosts,
    choice_digits,
    constraint,
    cut_text,
    distinct_picks,
    retrievable_numbers,
    strict_grammar,
    well_formed,
)
from shopbench.parsers import parse_ranking, parse_retrieval


def listed(first, last):
    return "\n".join(f"{n}. thing" for n in range(first, last + 1))


def letters(text):
    """An encoding in which every character is a token of its own."""
    return [ord(character) for character in text]


def words(text):
    """An encoding in which "None" is one token, as in Qwen2's."""
    return [7] if text in ("None", "none") else letters(text)


@pytest.mark.parametrize(("numbers", "picks"), [(range(1, 6), 5), (range(1, 13), 3), (range(3), 2), ([4], 1)])
def test_the_expression_admits_all_permutations_and_nothing_else(numbers, picks):
    expression = re.compile(distinct_picks(list(numbers), picks))
    wanted = {",".join(map(str, pick)) for pick in itertools.permutations(numbers, picks)}
    assert all(expression.fullmatch(answer) for answer in wanted)
    others = {",".join(map(str, pick)) for pick in itertools.product(numbers, repeat=picks)} - wanted
    assert not any(expression.fullmatch(answer) for answer in [*others, "", ",", "1,", "1,2,3,4,5,6", "13,1,2"])


def test_every_strict_answer_is_read_in_full_by_the_challenge():
    ranking = strict_grammar("ranking", listed(1, 5), 9)["regex"]
    for order in itertools.permutations(range(1, 6)):
        answer = ",".join(map(str, order))
        assert re.fullmatch(ranking, answer) and parse_ranking(answer) == list(order) and len(answer) <= 9
    assert re.fullmatch(strict_grammar("retrieval", listed(1, 15), 8)["regex"], "15,14,13") and parse_retrieval("15,14,13") == [15, 14, 13]


@pytest.mark.parametrize(
    ("prompt", "digits"),
    [
        (listed(0, 3), [0, 1, 2, 3]),
        (listed(0, 9), [0, 1, 2, 3, 4, 5]),
        ("Rate the review on a scale of 1 to 5.", [1, 2, 3, 4, 5]),
        ("Review: points are\n1. good\n2. bad\nEvaluate it with a rating from 1 to 5.", [1, 2, 3, 4, 5]),
        ("On a scale of 1 to 5, what did they give?\n0. one star\n1. two stars", [0, 1]),
        ("Which one?", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_choices_are_the_digits_that_are_really_there(prompt, digits):
    assert choice_digits(prompt) == digits
    strict = constraint("strict", "multiple-choice", prompt, 1, letters, 0)
    assert strict.allowed_token_ids == [ord(str(digit)) for digit in digits] and not strict.structured


def test_digits_of_several_tokens_are_chosen_by_a_grammar():
    def with_marks(text):
        return [0, *letters(text)]

    strict = constraint("strict", "multiple-choice", listed(0, 2), 1, with_marks, 0)
    assert strict.structured == {"choice": ["0", "1", "2"]} and not strict.allowed_token_ids


def test_retrieval_takes_what_there_is_and_what_fits_the_limit():
    assert retrievable_numbers(listed(1, 2), 8) == ([1, 2], 2)
    assert retrievable_numbers(listed(1, 15), 8) == (list(range(1, 16)), 3)
    assert retrievable_numbers(listed(1, 15), 5) == (list(range(1, 10)), 3)
    assert retrievable_numbers("Select three numbers.", 8) == (list(range(1, 21)), 3)


@pytest.mark.parametrize(
    ("kind", "prompt", "good", "bad"),
    [
        ("multiple-choice", listed(0, 3), ["3", " 0"], ["4", "", "x", "-1"]),
        ("ranking", listed(1, 5), ["5,4,3,2,1"], ["5,4,3,2", "1,1,2,3,4", "6,1,2,3,4", ""]),
        ("retrieval", listed(1, 10), ["10,1,2"], ["10,1", "1,1,2", "11,1,2", ""]),
        ("named_entity_recognition", "anything", ["a, b", "a"], ["", " ,", "[]"]),
        ("generation", "anything", ["", "text"], []),
    ],
)
def test_well_formed_is_stricter_than_the_parser(kind, prompt, good, bad):
    assert all(well_formed(kind, prompt, answer, 9) for answer in good)
    assert not any(well_formed(kind, prompt, answer, 9) for answer in bad)


def test_boosts_are_the_published_ones():
    digits = {ord(d): 100.0 for d in "012345,"}
    assert constraint("boost", "multiple-choice", "x", 1, words, 1).logit_bias == digits | {7: -100.0}
    assert boosts("ranking", "x", letters, 1) == digits
    assert boosts("retrieval", "x", letters, 1) == {ord(d): 100.0 for d in "0123456789,"}
    assert boosts("named_entity_recognition", "ab", letters, 1) == {ord("a"): 1.0, ord("b"): 1.0, ord(","): 1.0, 1: 1.0}
    assert constraint("boost", "generation", "x", 50, words, 1).logit_bias == {7: -100.0}


def test_a_none_of_several_tokens_does_not_forbid_its_pieces():
    assert constraint("boost", "generation", "x", 50, letters, 1).logit_bias == {}


def test_biases_stay_below_the_cuda_runners_limit_and_keep_the_end_of_the_prompt():
    prompt = "".join(chr(1000 + n) for n in range(3000))
    biases = constraint("boost", "named_entity_recognition", prompt, 15, words, 1).logit_bias
    assert len(biases) <= 1024
    assert {1, 7, ord(","), ord(prompt[-1])} <= set(biases) and ord(prompt[0]) not in biases


def test_none_constrains_nothing():
    free = constraint("none", "ranking", listed(1, 5), 9, words, 1)
    assert free.logit_bias == {} and free.structured == {}


def test_text_is_cut_at_the_first_sentence_end_after_15_words():
    early = "Short. " + "word " * 12
    assert cut_text(early + "a fifteenth. And more. ") == early + "a fifteenth."
    assert cut_text(early + "the end. ") == early + "the end."
    assert cut_text(early + "3.5 mm wide and no end") == early + "3.5 mm wide and no end"
    assert cut_text("One. Two! ") == "One. Two!"
