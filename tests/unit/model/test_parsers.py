"""The challenge's parsers, rule by rule; expectations are written from the rules, not from the code."""

import pytest

from shopbench.parsers import parse


@pytest.mark.parametrize(
    ("response", "choice"),
    [
        ("2", 2),
        ("  3\n", 3),
        ("10", 1),  # one character is read
        ("0. mouse pad", 0),
        ("Answer: 2", -1),
        ("-1", -1),
        ("", -1),
        (" \n ", -1),
        ("²", -1),  # numeric, but no integer
    ],
)
def test_multiple_choice_is_the_first_character(response, choice):
    assert parse(response, "multiple-choice") == choice


@pytest.mark.parametrize(
    ("response", "ranking"),
    [
        ("1,2,3,4,5", [1, 2, 3, 4, 5]),
        ("[3, 1, 2, 5, 4]", [3, 1, 2, 5, 4]),
        ("Ranking: 4, 5", [4, 5]),
        ("0,1,2", [0, 1, 2]),  # 0 stays
        ("7,1,6,2", [1, 2]),  # above 5 dropped
        ("9,5,4,3,2,1,0", [5, 4, 3, 2, 1]),  # dropped first, then cut to 5
        ("1,2,2,3", []),  # any duplicate empties the list
        ("1,2,3,4,5,1", [1, 2, 3, 4, 5]),  # beyond the first five, no duplicate
        ("1\n2,3", [3]),  # the newline vanishes: 12 is above 5
        ("-3,-1", [3, 1]),  # the minus vanishes
        ("1 2,3", [3]),  # "1 2" is no integer
        ("1,,2", [1, 2]),
        ("none", []),
        ("", []),
    ],
)
def test_ranking(response, ranking):
    assert parse(response, "ranking") == ranking


@pytest.mark.parametrize(
    ("response", "retrieved"),
    [
        ("6, 9, 15", [6, 9, 15]),
        ("6,9,15,3", [6, 9, 15]),  # first three
        ("100,2", [100, 2]),  # no upper bound
        ("4,4,4", [4, 4, 4]),  # duplicates stay
        ("1\n2\n3", [123]),  # newlines vanish
        ("-7, 8", [7, 8]),
        ("2 and 3, 4", [4]),  # "2  3" is no integer
        ("9" * 6_000, []),  # cut to 5,000 characters, and still longer than Python's limit for integers
        ("no idea", []),
    ],
)
def test_retrieval(response, retrieved):
    assert parse(response, "retrieval") == retrieved


@pytest.mark.parametrize(
    ("response", "entities"),
    [
        ("['New York', 'a, b']", ["New York", "a, b"]),
        ("New York , Amazon,, ", ["New York", "Amazon"]),
        ("[New York, Amazon]", ["[New York", "Amazon]"]),  # no literal: brackets stay
        ("[1, 2]", ["[1", "2]"]),  # a list, but not of strings
        ("('a', 'b')", ["('a'", "'b')"]),  # strings, but not a list
        ("tablette\n", ["tablette"]),
        ("", []),
        ("(" * 4_000, ["(" * 4_000]),  # too deep for Python's own parser
        ("a\0b", ["a\0b"]),
    ],
)
def test_entities(response, entities):
    assert parse(response, "named_entity_recognition") == entities


def test_text_is_stripped():
    assert parse("\n  a lamp\nis a light \n", "generation") == "a lamp\nis a light"


@pytest.mark.parametrize(
    ("task_type", "empty"),
    [("multiple-choice", -1), ("ranking", []), ("retrieval", []), ("generation", "")],
)
def test_what_stands_after_5000_characters_is_not_read(task_type, empty):
    assert parse(" " * 5_000 + "1,2,3", task_type) == empty
    assert parse(" " * 4_995 + "1,2,3", task_type) != empty


def test_unknown_task_type():
    with pytest.raises(KeyError):
        parse("1", "multichoice")
