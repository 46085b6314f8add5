"""Keyed choices: fixed for all time, the same in every process, and even."""

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from shopbench.hashing import hash64, pick, shuffled, uniform

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"


def test_hash64_is_blake2b_of_the_keys_text():
    expected = hashlib.blake2b(b"(1, 'review', 17)", digest_size=8).digest()
    assert hash64(1, "review", 17) == int.from_bytes(expected, "big")


def test_another_process_with_another_hash_seed_agrees():
    code = "from shopbench.hashing import *; print(hash64('a', 1), shuffled('abcdef', 3))"
    environment = {"PYTHONPATH": str(SCRIPTS), "PYTHONHASHSEED": "77"}
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == f"{hash64('a', 1)} {shuffled('abcdef', 3)}"


def test_keys_of_different_types_or_cuts_differ():
    assert len({hash64(1), hash64("1"), hash64(1.0), hash64(None), hash64((1,)), hash64(1, 1), hash64(11)}) == 7
    assert hash64("ab", "c") != hash64("a", "bc")
    assert hash64([1, 2]) == hash64((1, 2))


def test_a_key_without_a_stable_text_is_refused():
    with pytest.raises(TypeError, match="set"):
        hash64({1, 2})


def test_uniform_and_pick_are_even():
    values = [uniform("even", i) for i in range(4000)]
    assert min(values) >= 0
    assert max(values) < 1
    assert sum(values) / len(values) == pytest.approx(0.5, abs=0.02)
    counts = Counter(pick("abcd", "even", i) for i in range(4000))
    assert min(counts.values()) > 900


def test_shuffled_keeps_the_members_and_reaches_every_order():
    orders = {tuple(shuffled([1, 1, 2], i)) for i in range(100)}
    assert orders == {(1, 1, 2), (1, 2, 1), (2, 1, 1)}
