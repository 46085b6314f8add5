"""The simulated shop: what a model can learn from it holds in every row."""

from collections import Counter
from math import gcd

import numpy as np
import pytest

from shopbench.simulators.amazon_m2 import numpy_repr
from shopbench.world import (
    candidates,
    colors_of,
    complements_of,
    esci_label,
    explanation_of,
    members,
    product,
    product_id,
    query,
    review,
    scaled,
    spread,
    user_of,
)
from shopbench.world_words import ASPECTS, LANGUAGES, REVIEW_VERDICTS, SIZES, SPECIAL_VALUES, TYPE_BY_NAME, TYPES

PRODUCTS = 960


def test_every_type_is_complete():
    assert len(TYPE_BY_NAME) == len(TYPES)
    for kind in TYPES:
        assert len(kind.names) == len(LANGUAGES)
        assert set(kind.aspects) <= set(ASPECTS)
        assert kind.special in SPECIAL_VALUES
        assert kind.unit in SIZES
        assert kind not in complements_of(kind)
    for at, language in enumerate(LANGUAGES):
        assert len({kind.names[at] for kind in TYPES}) == len(TYPES), f"two types share a name in {language}"
    assert len({explanation_of(kind) for kind in TYPES}) == len(TYPES)


def test_a_type_fixes_what_its_products_can_be():
    for index in range(PRODUCTS):
        item = product(1, "shop", index)
        assert item.kind is TYPES[index % len(TYPES)]
        assert item.color in colors_of(item.kind)
        assert item.special in SPECIAL_VALUES[item.kind.special]
        assert item.title().startswith(item.brand)


def test_titles_are_translated_word_by_word():
    """The German word of an English word is the same in all titles."""
    german: dict[str, str] = {}
    for index in range(PRODUCTS):
        item = product(1, "shop", index)
        for at in ("color", "material", "adjective"):
            english, translated = getattr(item, at)[0].title(), getattr(item, at)[1]
            assert english in item.title()
            assert translated in item.title("de")
            assert german.setdefault(english, translated) == translated


def test_ids_are_unique_and_look_like_asins():
    assert gcd(2_654_435_761, 36) == 1
    ids = {product_id(1, "shop", index) for index in range(20_000)}
    assert len(ids) == 20_000
    assert all(len(name) == 10 and name.startswith("B0") and name.isalnum() and name == name.upper() for name in ids)
    assert not ids & {product_id(1, "another shop", index) for index in range(20_000)}


def test_judgements_follow_type_and_wish():
    labels: Counter[str] = Counter()
    for index in range(200):
        search = query(1, "shop", index, "us", PRODUCTS)
        found = candidates(1, "shop", index, search.kind, PRODUCTS, 20)
        assert len(set(found)) == len(found) == 20
        items = [product(1, "shop", one) for one in found]
        assert esci_label(search, items[0]) == "E", "the first candidate is the product that the query was made for"
        for item in items:
            label = esci_label(search, item)
            labels[label] += 1
            assert (label in "ES") == (item.kind is search.kind)
            if search.wish and label == "E":
                assert getattr(item, search.wish[0]) == search.wish[1]
    assert min(labels["E"], labels["S"], labels["C"], labels["I"]) > 200


def test_ratings_follow_the_words():
    """No two ratings share a closing sentence, so the text alone decides."""
    written = [review(1, "shop", index, PRODUCTS) for index in range(1000)]
    endings = {rating: {verdict.split("{")[0] for verdict in verdicts} for rating, verdicts in REVIEW_VERDICTS.items()}
    for one in written:
        told = [rating for rating, verdicts in endings.items() if any(verdict in one.text for verdict in verdicts)]
        assert told == [one.rating], one.text
    shares = Counter(one.rating for one in written)
    assert set(shares) == {1, 2, 3, 4, 5}
    assert max(shares.values()) < 450


def test_helpful_votes_grow_with_the_length_of_a_review():
    written = [review(1, "shop", index, PRODUCTS) for index in range(1000)]
    read = [(len(one.text.split(".")), one.votes) for one in written if one.votes > 0]
    assert np.corrcoef(np.array(read).T)[0, 1] > 0.8


def test_users_buy_what_goes_together():
    written = [review(1, "shop", index, PRODUCTS) for index in range(1200)]
    users: dict[str, list] = {}
    for one in written:
        users.setdefault(one.user, []).append(one.product.kind)
    assert Counter(len(kinds) for kinds in users.values()) == {5: 100, 4: 100, 2: 100, 1: 100}
    for kinds in users.values():
        assert all(kind is kinds[0] or kind in complements_of(kinds[0]) for kind in kinds)
    assert [user_of(index) for index in (0, 4, 5, 11, 12)] == [(0, 0), (0, 4), (1, 0), (3, 0), (4, 0)]


def test_members_are_the_products_of_a_type():
    kind = TYPES[7]
    assert [product(1, "shop", index).kind for index in members(kind, 300)] == [kind] * len(members(kind, 300))
    assert sum(len(members(kind, 300)) for kind in TYPES) == 300


@pytest.mark.parametrize("count", [1, 3, 5, 6, 7, 12, 31])
def test_sessions_are_printed_as_numpy_does(count):
    items = [product_id(1, "shop", index) for index in range(count)]
    assert numpy_repr(items) == str(np.array(items))


def test_sizes():
    assert [scaled(1000, scale, 50) for scale in (1.0, 0.5, 0.001)] == [1000, 500, 50]
    assert scaled(10, 0.001, 50) == 10
    assert list(spread(10, 4)) == [2, 3, 2, 3]
