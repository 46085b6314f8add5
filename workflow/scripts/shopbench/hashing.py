"""Random choices that depend on names alone: a keyed hash instead of a generator with a state.

A choice made from `(seed, "review", 17)` is the same in every process, on every machine and in every order of work, so
files can be written one at a time, in parallel, and still agree with each other. Keys are strings, integers, floats,
booleans or None, or tuples and lists of these. Keys of different types never collide: 1, "1" and 1.0 are three keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")
WORD = 2**64 - 1
PLAIN = frozenset((str, int, float, bool, type(None)))


def hash64(*keys: object) -> int:
    """Whole number in [0, 2**64) of the keys: the first 8 bytes (big endian) of BLAKE2b over their unambiguous text."""
    text = repr(keys if PLAIN.issuperset(map(type, keys)) else _plain(keys))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def uniform(*keys: object) -> float:
    """Number in [0, 1) of the keys, with the 53 random bits a float can hold."""
    return (hash64(*keys) >> 11) / 2**53


def pick(sequence: Sequence[Item], *keys: object) -> Item:
    """One member of a sequence that is not empty, each with the same chance."""
    return sequence[hash64(*keys) % len(sequence)]


def shuffled(sequence: Sequence[Item], *keys: object) -> list[Item]:
    """The members in an order that depends on the keys and the length only, each order with the same chance.

    Source: the Fisher-Yates shuffle, driven by SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) from the hash of the keys.
    """
    members = list(sequence)
    state = hash64(*keys)
    for last in range(len(members) - 1, 0, -1):
        state = (state + 0x9E3779B97F4A7C15) & WORD
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & WORD
        place = (mixed ^ (mixed >> 31)) % (last + 1)
        members[last], members[place] = members[place], members[last]
    return members


def _plain(key: object) -> object:
    """The key with lists as tuples, so that both spell the same; anything without a stable text is refused."""
    if key is None or isinstance(key, (str, int, float)):
        return key
    if isinstance(key, (tuple, list)):
        return tuple(_plain(part) for part in key)
    raise TypeError(f"a hash key must be text, a number, None, or a list of these, not {type(key).__name__}")
