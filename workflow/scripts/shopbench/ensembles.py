"""The arithmetic of adapter ensembles: which saved adapters enter with which signed coefficient.

Standard library alone, so that rule files and the report can use it. The algebra over the weights themselves is in shopbench/lora.py.
Source: Team NVIDIA's KDD Cup '24 solution (arXiv 2408.04658), sections on Wise-ft and model ensembles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shopbench.files import BadInput

# The ranks that vLLM's max_lora_rank takes.
LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


def signed_weights(ensemble: Mapping[str, Any], start_from: Mapping[str, str | None]) -> dict[str, float]:
    """The coefficient of each listed adapter's saved delta, in the order of the list.

    `ensemble` is {mode, alpha, adapters: [{name, weight}]} with a number as alpha; `start_from` names the adapter that another one
    continues from. A saved second-round adapter D2 contains the D1 that it continues from, so with both in the list, weighted a1 and w,

        stack        a1 D1 + w (D2 - D1)
        interpolate  (1 - w) a1 D1 + w D2

    and alpha times that. "Continues from" reaches through adapters that are not in the list; one whose ancestors are all missing from it
    enters whole. With a third round, stack subtracts the nearest ancestor and interpolate shrinks all of them. Bad lists raise BadInput.
    """
    weights: dict[str, float] = {}
    for entry in ensemble["adapters"]:
        if entry["name"] in weights:
            raise BadInput(f"ensembles: adapter {entry['name']} is listed twice; add its weights up")
        weights[entry["name"]] = float(entry["weight"])

    signed = dict(weights)
    for name, weight in weights.items():
        listed = [ancestor for ancestor in ancestors(name, start_from) if ancestor in weights]
        if ensemble["mode"] == "stack":
            for nearest in listed[:1]:
                signed[nearest] -= weight
        elif ensemble["mode"] == "interpolate":
            for ancestor in listed:
                signed[ancestor] *= 1.0 - weight
        else:
            raise BadInput(f"ensembles: mode {ensemble['mode']} is neither stack nor interpolate")
    return {name: ensemble["alpha"] * coefficient for name, coefficient in signed.items()}


def ancestors(name: str, start_from: Mapping[str, str | None]) -> list[str]:
    """The adapters that `name` continues from, nearest first; a circle raises BadInput."""
    found: list[str] = []
    parent = start_from.get(name)
    while parent is not None:
        if parent == name or parent in found:
            raise BadInput(f"adapters: {name} starts from itself, by way of {parent}")
        found.append(parent)
        parent = start_from.get(parent)
    return found


def padded_rank(rank: int) -> int:
    """The smallest rank that vLLM takes and that holds `rank`; none raises BadInput."""
    for allowed in LORA_RANKS:
        if rank <= allowed:
            return allowed
    raise BadInput(
        f"the adapters' ranks add up to {rank}, vLLM takes at most {LORA_RANKS[-1]}; list fewer adapters, train smaller ranks, "
        f"or cut the sum by singular values (svd_rank: {LORA_RANKS[-1]} in the ensemble's config; not exact)"
    )


def best_alpha(rows: Iterable[Mapping[str, Any]], evaluation_set: str) -> float:
    """The alpha of a sweep with the highest mean score over the tasks of one evaluation set; of equals the smallest.

    `rows` are the sweep's (columns set, alpha, score; one row a task). No row of that set raises BadInput.
    """
    scores: dict[float, list[float]] = {}
    for row in rows:
        if row["set"] == evaluation_set:
            scores.setdefault(row["alpha"], []).append(row["score"])
    if not scores:
        raise BadInput(f"the sweep has no scores on {evaluation_set}; sweep it, or select on another set")
    return min(scores, key=lambda alpha: (-sum(scores[alpha]) / len(scores[alpha]), alpha))
