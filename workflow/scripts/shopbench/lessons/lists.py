"""The first lessons: find a word in a numbered list, and copy.

A net can answer "which option matches" once it binds every word to its line's number and finds a word again. Lists with many questions each
teach that within a million tokens, where a question of the shop, one answer in 150 tokens, taught nothing in four.

A word that is asked for stands after another one, with a space before it, so that it is the same token as in the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from shopbench.dataset.combinators import numbered
from shopbench.lessons.words import CONCEPTS

ASKING = ("Find", "Query:", "Which", "Product:", "Word:", "-", "?")
ASKED = ("Answer:", "Output:", "Number:", "Result:")
MOST_ASKED = 8
# How often a language is drawn, in LANGUAGES order: as often as the shop's sources have it.
LANGUAGE_WEIGHTS = (6, 2, 2, 4, 2, 4)


class Piece(NamedTuple):
    """Some text of a lesson, and what each of its tokens weighs in the loss."""

    text: str
    weight: float


def language(random: Random) -> int:
    """A position in LANGUAGES."""
    return random.choices(range(len(LANGUAGE_WEIGHTS)), LANGUAGE_WEIGHTS)[0]


def find_in_list(
    random: Random, words: Sequence[str], longest: int = 15, most_words: int = 3, back: float = 0.2, quoted: float = 0.2
) -> list[Piece]:
    """A list of up to `longest` lines with up to `most_words` words each, then up to eight questions: the number of a word or a line.

    In a share of `back` of the lists it is the other way round: the line of a number. In a share of `quoted` what is asked for is quoted.
    """
    lines, first = random.randrange(2, longest + 1), random.randrange(2)
    each = random.choice([1, 1, 2, 3]) if most_words > 1 else 1
    bag = random.sample(words, lines * each)
    shown = [bag[line * each : (line + 1) * each] for line in range(lines)]
    if random.random() < back:
        pieces = [_listed(shown, first)]
        for line in _asked(random, lines):
            pieces += [Piece(f"{line + first}.", 0.0), Piece(" " + " ".join(shown[line]), 1.0), Piece("\n", 0.0)]
        return pieces
    asked = [(line, random.choice(shown[line]) if random.random() < 0.6 else " ".join(shown[line])) for line in _asked(random, lines)]
    return _questions(random, shown, first, asked, quoted)


def find_among(random: Random, words: Sequence[str], longest: int = 6, most_words: int = 3, meaning: float = 0.0) -> list[Piece]:
    """A word, then a list of up to `longest` lines of which one has it, then its number: the order of most questions of the shop.

    In a share of `meaning` the word is meant, not spelt: the line has it in other letters or in another language.
    """
    lines, first = random.randrange(2, longest + 1), random.randrange(2)
    each = random.choice([1, 1, 2, 3]) if most_words > 1 else 1
    right = random.randrange(lines)
    if random.random() < meaning:
        at = language(random)
        bag = random.sample(CONCEPTS, lines * each)
        wanted = spelt(random, random.choice(bag[right * each : (right + 1) * each])[at if random.random() < 0.5 else language(random)])
        listed = [spelt(random, meant[at]) for meant in bag]
    else:
        listed = random.sample(words, lines * each)
        wanted = random.choice(listed[right * each : (right + 1) * each])
    shown = [listed[line * each : (line + 1) * each] for line in range(lines)]
    asked = Piece(f"{random.choice(ASKING)} {wanted}\n", 0.0)
    return [asked, _listed(shown, first), Piece(f"{random.choice(ASKED)}\n", 0.0), Piece(str(right + first), 1.0), Piece("\n", 0.0)]


def find_meaning(random: Random, longest: int = 15, quoted: float = 0.2) -> list[Piece]:
    """Like `find_in_list`, but a word is asked for in another spelling (capitals) or another language."""
    lines, first, each = random.randrange(2, longest + 1), random.randrange(2), random.choice([1, 1, 2, 3])
    at = language(random)
    bag = random.sample(CONCEPTS, lines * each)
    meant = [bag[line * each : (line + 1) * each] for line in range(lines)]
    shown = [[spelt(random, words[at]) for words in line] for line in meant]
    asked = []
    for line in _asked(random, lines):
        words = random.choice(meant[line])
        asked.append((line, spelt(random, words[at if random.random() < 0.5 else language(random)])))
    return _questions(random, shown, first, asked, quoted)


def copy(random: Random, words: Sequence[str]) -> list[Piece]:
    """Some words, and the same again once or twice."""
    text = " ".join(random.sample(words, random.randrange(4, 16)))
    between = random.choice(["\n", ". ", " | "])
    return [Piece(text + between, 0.0), Piece(between.join([text] * random.choice([1, 2])), 1.0)]


def spelt(random: Random, word: str) -> str:
    """The word as it is, in small letters, or with capitals."""
    return word if random.random() < 0.4 else word.lower() if random.random() < 0.5 else word.title()


def _asked(random: Random, lines: int) -> list[int]:
    """Places of at most eight lines, in drawn order."""
    return random.sample(range(lines), min(lines, MOST_ASKED))


def _listed(shown: list[list[str]], first: int) -> Piece:
    return Piece(numbered([" ".join(line) for line in shown], first) + "\n", 0.0)


def _questions(random: Random, shown: list[list[str]], first: int, asked: list[tuple[int, str]], quoted: float) -> list[Piece]:
    """The list, then a question a line and its number."""
    asking, quotes = random.choice(ASKING), "'" if random.random() < quoted else ""
    pieces = [_listed(shown, first)]
    for line, text in asked:
        pieces += [Piece(f"{asking} {quotes}{text}{quotes}\n", 0.0), Piece(str(line + first), 1.0), Piece("\n", 0.0)]
    return pieces
