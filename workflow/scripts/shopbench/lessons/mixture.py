"""Which lessons come when, and batches of them.

A net learns to look up words in short lists of few words first, then of all words, then in other spellings and languages, then in questions
of the shop with one deciding word, then in all. One kind fades into the next: where the lessons changed at once, what was learned was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

import numpy as np

from shopbench.lessons.lists import Piece, copy, find_among, find_in_list, find_meaning
from shopbench.lessons.shop import EASY_PAIRS, PLAIN_PAIRS, Shop, match_words
from shopbench.lessons.words import LIST_WORDS

# Lists have this many different words until the clock stands at FEW_UNTIL, then twice as many every DOUBLING tokens.
FEW_WORDS, FEW_UNTIL, DOUBLING = 64, 1_200_000, 120_000
# Where the clock waits, the mean loss of the last WAIT_STEPS steps that lets it go on, and the most tokens for which it waits: when a net
# finds out how to copy and to look up depends on chance, and more words or other lessons before that undo what it has.
GATES = (
    (900_000, 0.25, 4_000_000),
    (1_200_000, 0.4, 2_000_000),
    (1_750_000, 0.5, 2_000_000),
    (2_000_000, 0.4, 620_000),
    (2_300_000, 0.45, 400_000),
)
WAIT_STEPS = 100
# Small steps, many of them, until lists are mastered; then steps of twice as many tokens.
FIRST_BATCH, SMALL_UNTIL = 1024, 3_200_000
TEXT_WEIGHT = 0.3
# Batches are sorted by length within so many.
BATCHES_OF_A_CHUNK = 12
MOST_TOKENS = 640

Lesson = tuple[float, Callable[..., list[Piece]], dict[str, Any]]
Encode = Callable[[list[str]], list[list[int]]]

# How often a lesson comes (samples, not tokens) when the clock stands at so many million tokens; in between, on the line between.
KNOTS = (0.0, 0.9, 1.2, 1.75, 2.0, 2.3, 2.7, 3.2, 4.0)


class Example(NamedTuple):
    """Token ids of a lesson and the weight of each in the loss, equally long."""

    ids: list[int]
    weights: list[float]


def advanced(clock: int, waited: int, tokens: int, losses: Sequence[float]) -> tuple[int, int]:
    """(clock, tokens waited at its gate) after a chunk of `tokens` tokens; `losses` are those of the last steps.

    The clock goes on to the next gate, and waits there.
    """
    recent = losses[-WAIT_STEPS:]
    for gate, least, most in GATES:
        mastered = len(recent) == WAIT_STEPS and sum(recent) / WAIT_STEPS <= least
        if clock == gate and not mastered and waited + tokens < most:
            return clock, waited + tokens
    return min([clock + tokens, *(gate for gate, *_ in GATES if gate > clock)]), 0


def list_words(clock: int, seed: int) -> list[str]:
    """The words of the lists when the clock stands at `clock` tokens, in an order of the seed's."""
    words = list(LIST_WORDS)
    Random(seed).shuffle(words)
    doublings = max(0.0, (clock - FEW_UNTIL) / DOUBLING)
    return words[: int(min(len(words), FEW_WORDS * 2**doublings))]


def lessons(shop: Shop, clock: int, seed: int) -> list[Lesson]:
    """(how often it comes, lesson, its arguments) when the clock stands at `clock` tokens."""
    words = list_words(clock, seed)
    table: list[tuple[tuple[float, ...], Callable[..., list[Piece]], dict[str, Any]]] = [
        ((6, 6, 4, 4, 1.5, 0.7, 0.5, 0.4, 0.3), find_in_list, {"words": words, "longest": 5, "most_words": 1, "back": 0.0, "quoted": 0.0}),
        ((0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5), find_in_list, {"words": words}),
        ((0, 0, 8, 8, 2.5, 1, 0.5, 0.4, 0.3), find_among, {"words": words, "longest": 5, "most_words": 1}),
        ((0, 0, 0, 0, 6, 4, 2, 1, 0.7), match_words, {"words": words}),
        ((0, 0, 0, 0, 0, 7, 4, 3, 1.5), shop.match, {"pairs": PLAIN_PAIRS, "near": (0,), "most": 4, "plain": True}),
        ((0, 0, 0, 0, 0, 0, 3, 2, 1), find_among, {"words": words, "meaning": 0.6}),
        ((0, 0, 0, 0, 0, 0, 1, 1, 0.7), find_meaning, {"longest": 8}),
        ((2, 2, 2, 2, 0.6, 0.3, 0.3, 0.3, 0.3), copy, {"words": words}),
        ((0, 0, 0, 0, 0, 0, 3, 4, 2), shop.match, {"pairs": EASY_PAIRS, "near": (0,), "most": 4}),
        ((0, 0, 0, 0, 0, 0, 0, 2, 5), shop.match, {}),
        ((0, 0, 0, 0, 0, 0, 0.5, 1.5, 2.5), shop.pick, {}),
        ((0, 0, 0, 0, 0, 1, 1, 1, 1), shop.entity, {}),
        ((0, 0, 0, 0, 0, 0, 0, 0.7, 1.5), shop.rank, {}),
        ((0, 0, 0, 0, 0, 0, 0, 0.2, 0.5), shop.rank_reviews, {}),
        ((0, 0, 0, 0, 0, 0, 0, 0.3, 0.6), shop.rate, {}),
        ((0, 0, 0, 0, 0, 0, 0.3, 0.6, 1), shop.write, {}),
        ((0, 0, 0, 0, 0, 0, 0, 0.3, 0.7), shop.opinions, {}),
        ((0, 0, 0, 0, 0, 0, 0, 0.4, 0.8), shop.complement, {}),
        ((0, 0, 0, 0, 0, 0, 0.5, 0.6, 0.7), shop.text, {"weight": TEXT_WEIGHT}),
    ]
    return [(float(np.interp(clock / 1e6, KNOTS, shares)), lesson, arguments) for shares, lesson, arguments in table]


def encoded(pieces: list[Piece], encode: Encode) -> Example:
    """A lesson's tokens, at most `MOST_TOKENS`. Pieces are encoded one by one, as training encodes a prompt and its answer."""
    ids: list[int] = []
    weights: list[float] = []
    for piece, tokens in zip(pieces, encode([piece.text for piece in pieces]), strict=True):
        ids += tokens
        weights += [piece.weight] * len(tokens)
    return Example(ids[:MOST_TOKENS], weights[:MOST_TOKENS])


def chunk(shop: Shop, number: int, clock: int, seed: int, encode: Encode) -> list[list[Example]]:
    """Chunk `number` of the training: twelve batches of `FIRST_BATCH` tokens (with padding) or twice as many.

    `clock`: tokens read, but for those during which it waited.

    A function of its arguments alone, so that a training can go on where it was killed.
    """
    random = Random(f"{seed}/{number}")
    batch_tokens = FIRST_BATCH if clock < SMALL_UNTIL else 2 * FIRST_BATCH
    drawn = lessons(shop, clock, seed)
    shares = [share for share, *_ in drawn]
    examples: list[Example] = []
    while sum(len(example.ids) for example in examples) < batch_tokens * BATCHES_OF_A_CHUNK:
        _, lesson, arguments = random.choices(drawn, shares)[0]
        examples.append(encoded(lesson(random=random, **arguments), encode))
    batches = list(_of_like_length(examples, batch_tokens))
    random.shuffle(batches)
    return batches


def _of_like_length(examples: list[Example], batch_tokens: int) -> Iterator[list[Example]]:
    batch: list[Example] = []
    for example in sorted(examples, key=lambda example: len(example.ids)):
        if batch and len(example.ids) * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(example)
    yield batch
