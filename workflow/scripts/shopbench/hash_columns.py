"""A project-owned hash of whole columns: what samples pools and datasets, the same on every machine and in every version of a library.

A value is read as 64-bit words: an integer is one word; a text is its UTF-8 bytes (of more than 64 bytes: their 32-byte BLAKE2b digest),
8 to a word, little endian, the last word padded with zeros, and then its length in bytes. Each word w turns the state h into mix(h xor w).
The first state is the hash of the keys (shopbench/hashing.py), so that samples for different purposes have nothing to do with each other.

Source of mix: the finalizer of SplitMix64 (G. Steele, D. Lea, C. Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from shopbench.hashing import hash64

if TYPE_CHECKING:
    import polars as pl

Words = np.ndarray[Any, np.dtype[np.uint64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]
WORD_BYTES = 8
LONGEST_BYTES = 64
DIGEST_BYTES = 32


def hash_columns(columns: Sequence[pl.Series], *keys: object) -> Words:
    """uint64 array of shape (rows,): a hash of the values that the columns (integers or texts) have in each row, under the keys.

    Raises TypeError for a column of another type, ValueError for a missing value.
    """
    import polars as pl

    values: list[Integers | list[bytes]] = []
    for column in columns:
        if column.null_count():
            raise ValueError(f"column {column.name} has missing values, which have no hash")
        if column.dtype.is_integer():
            values.append(column.cast(pl.Int64).to_numpy())
        elif column.dtype == pl.String:
            values.append(column.cast(pl.Binary).to_list())
        else:
            raise TypeError(f"column {column.name} is {column.dtype}; only integers and texts are hashed")
    return hash_values(values, *keys)


def hash_values(columns: Sequence[Integers | list[bytes]], *keys: object) -> Words:
    """`hash_columns` of int64 arrays and lists of texts in UTF-8."""
    state = np.full(len(columns[0]), hash64(*keys), dtype=np.uint64)
    for column in columns:
        state = _mix_texts(state, column) if isinstance(column, list) else _mix(state ^ column.view(np.uint64))
    return state


def _mix(state: Words) -> Words:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _mix_texts(state: Words, texts: list[bytes]) -> Words:
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    if (long := lengths > LONGEST_BYTES).any():
        texts = list(texts)
        for place in np.flatnonzero(long).tolist():
            texts[place] = hashlib.blake2b(texts[place], digest_size=DIGEST_BYTES).digest()
    stored = np.where(long, DIGEST_BYTES, lengths)
    # One block of bytes, zeros behind the shorter texts, read as words.
    width = -(-max(1, int(stored.max(initial=0))) // WORD_BYTES)
    words = np.array(texts, dtype=f"S{width * WORD_BYTES}").view("<u8").reshape(len(texts), width)
    for word in range(width):
        state = np.where(stored > word * WORD_BYTES, _mix(state ^ words[:, word]), state)
    return _mix(state ^ lengths.astype(np.uint64))
