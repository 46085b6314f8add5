"""Which lessons come when, and batches of them.

A net learns to look up words in short lists of few words first, then all words; from then on the shop's questions fade in. Where they came
at once, or more words before the first were found, a net guessed the commonest number for millions of tokens (docs/demo-model.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

from shopbench.lessons.lists import Piece, copy, find_among, find_in_list, find_meaning
from shopbench.lessons.shop import EASY_PAIRS, PLAIN_PAIRS, Shop, match_words
from shopbench.lessons.words import LIST_WORDS

# Lists have this many different words until the clock stands at FEW_UNTIL, then twice as many every DOUBLING tokens.
FEW_WORDS, FEW_UNTIL, DOUBLING = 64, 200_000, 50_000
# Where the clock waits for the mean loss of the last WAIT_STEPS steps to fall to MASTERED, for at most MOST_WAITED tokens: when a net finds
# out how to look up depends on chance. Other lessons begin there, and have their full share FADING tokens later.
GATE, MASTERED, WAIT_STEPS, MOST_WAITED, FADING = 400_000, 0.25, 100, 2_000_000, 500_000
# Tokens of a step, with padding: small steps, many of them, until lists are mastered.
FIRST_BATCH, BATCH = 1024, 4096
TEXT_WEIGHT = 0.3
# Batches are sorted by length within so many.
BATCHES_OF_A_CHUNK = 12
MOST_TOKENS = 640

Lesson = tuple[float, Callable[..., list[Piece]], dict[str, Any]]
Encode = Callable[[list[str]], list[list[int]]]


class Example(NamedTuple):
    """Token ids of a lesson and the weight of each in the loss, equally long."""

    ids: list[int]
    weights: list[float]


def advanced(clock: int, waited: int, tokens: int, losses: Sequence[float]) -> tuple[int, int]:
    """(clock, tokens waited at the gate) after a chunk of `tokens` tokens; `losses` are those of the last steps."""
    recent = losses[-WAIT_STEPS:]
    mastered = len(recent) == WAIT_STEPS and sum(recent) / WAIT_STEPS <= MASTERED
    if clock < GATE:
        return min(clock + tokens, GATE), 0
    if clock == GATE and not mastered and waited + tokens < MOST_WAITED:
        return clock, waited + tokens
    return clock + tokens, waited


def list_words(clock: int, seed: int) -> list[str]:
    """The words of the lists when the clock stands at `clock` tokens, in an order of the seed's."""
    words = list(LIST_WORDS)
    Random(seed).shuffle(words)
    doublings = max(0.0, (clock - FEW_UNTIL) / DOUBLING)
    return words[: int(min(len(words), FEW_WORDS * 2**doublings))]


def lessons(shop: Shop, clock: int, seed: int) -> list[Lesson]:
    """(how often it comes, lesson, its arguments) when the clock stands at `clock` tokens; how often in samples, not in tokens."""
    words = list_words(clock, seed)
    table: list[tuple[float, float, Callable[..., list[Piece]], dict[str, Any]]] = [
        (4, 1, find_in_list, {"words": words, "longest": 5, "most_words": 1, "back": 0.0, "quoted": 0.0}),
        (4, 1, find_among, {"words": words, "longest": 5, "most_words": 1}),
        (2, 4, copy, {"words": words}),
        (0, 0.5, find_in_list, {"words": words}),
        (0, 1, find_among, {"words": words, "meaning": 0.6}),
        (0, 0.7, find_meaning, {"longest": 8}),
        (0, 0.7, match_words, {"words": words}),
        (0, 1.5, shop.match, {"pairs": PLAIN_PAIRS, "near": (0,), "most": 4, "plain": True}),
        (0, 2, shop.match, {"pairs": EASY_PAIRS, "near": (0,), "most": 4}),
        (0, 3, shop.match, {}),
        (0, 4, shop.pick, {}),
        (0, 4, shop.entity, {}),
        (0, 2, shop.rank, {}),
        (0, 0.5, shop.rank_reviews, {}),
        (0, 1, shop.rate, {}),
        (0, 4, shop.write, {}),
        (0, 2, shop.relate, {}),
        (0, 1.5, shop.opinions, {}),
        (0, 0.8, shop.complement, {}),
        (0, 0.7, shop.text, {"weight": TEXT_WEIGHT}),
    ]
    faded = min(1.0, max(0.0, (clock - GATE) / FADING))
    return [(first + (last - first) * faded, lesson, arguments) for first, last, lesson, arguments in table]


def encoded(pieces: list[Piece], encode: Encode) -> Example:
    """A lesson's tokens, at most `MOST_TOKENS`. Pieces are encoded one by one, as training encodes a prompt and its answer."""
    ids: list[int] = []
    weights: list[float] = []
    for piece, tokens in zip(pieces, encode([piece.text for piece in pieces]), strict=True):
        ids += tokens
        weights += [piece.weight] * len(tokens)
    return Example(ids[:MOST_TOKENS], weights[:MOST_TOKENS])


def chunk(shop: Shop, number: int, clock: int, seed: int, encode: Encode) -> list[list[Example]]:
    """Chunk `number` of the training: twelve batches of `FIRST_BATCH` tokens, or of `BATCH` once the clock has passed the gate.

    `clock`: tokens read, but for those during which it waited.

    A function of its arguments alone, so that a training can go on where it was killed.
    """
    random = Random(f"{seed}/{number}")
    batch_tokens = FIRST_BATCH if clock <= GATE else BATCH
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
