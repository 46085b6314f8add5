"""The hash of columns: fixed for all time, the same row by row and column by column, and even."""

import hashlib

import numpy as np
import polars as pl
import pytest

from shopbench.hash_columns import hash_columns
from shopbench.hashing import hash64

WORD = 2**64 - 1


def mix(state: int) -> int:
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & WORD
    return state ^ (state >> 31)


def hash_of(values, *keys) -> int:
    """The definition, a value at a time."""
    state = hash64(*keys)
    for value in values:
        if isinstance(value, int):
            state = mix(state ^ (value & WORD))
            continue
        data = value.encode()
        stored = data if len(data) <= 64 else hashlib.blake2b(data, digest_size=32).digest()
        for start in range(0, len(stored), 8):
            state = mix(state ^ int.from_bytes(stored[start : start + 8], "little"))
        state = mix(state ^ len(data))
    return state


TEXTS = ["", "a", "a\0", "B09W9FND7K", "12345678", "123456789", "ü" * 4, "x" * 64, "x" * 65, "テスト" * 40, "\0" * 8]
NUMBERS = [0, 1, -1, 2**63 - 1, -(2**63), 7, 8, 9, 10, 11, 12]


def test_every_row_is_hashed_by_the_definition():
    texts, numbers = pl.Series("t", TEXTS), pl.Series("n", NUMBERS)
    for columns in ([texts], [numbers], [texts, numbers], [numbers, texts, texts]):
        expected = [hash_of([column[row] for column in columns], 3, "purpose") for row in range(len(TEXTS))]
        assert hash_columns(columns, 3, "purpose").tolist() == expected


def test_a_row_does_not_depend_on_its_neighbours():
    together = hash_columns([pl.Series(TEXTS)], "k")
    assert [int(hash_columns([pl.Series([text])], "k")[0]) for text in TEXTS] == together.tolist()
    assert len(set(together.tolist())) == len(TEXTS)


def test_known_values():
    assert (
        hash_columns([pl.Series(["B09W9FND7K"])], "pool", "s").tolist() == [hash_of(["B09W9FND7K"], "pool", "s")] == [13720634230229706638]
    )


def test_hashes_are_even_and_other_keys_give_others():
    numbers = pl.Series(range(4_000))
    one, other = hash_columns([numbers], 1), hash_columns([numbers], 2)
    assert not (one == other).any()
    for bit in (0, 31, 63):
        assert abs(int(((one >> np.uint64(bit)) & np.uint64(1)).sum()) - 2_000) < 160


def test_what_has_no_hash_is_refused():
    with pytest.raises(ValueError, match="column x has missing values"):
        hash_columns([pl.Series("x", ["a", None])], "k")
    with pytest.raises(TypeError, match="column x is Float64"):
        hash_columns([pl.Series("x", [1.0])], "k")
    assert hash_columns([pl.Series("x", [], dtype=pl.String)], "k").tolist() == []
