"""Loading what stays until the program ends, without Python's garbage collector looking for what could go."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading_for_good() -> Iterator[None]:
    """Around the import of a large library and what is made of it: no collections meanwhile, and later ones leave out what is there.

    vLLM's 6,000 modules leave a million objects, which each collection walks through: a sixth of an engine's start on the demo's model
    (benchmarks/bench_loading.py).
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
