"""What validators are made of: each check passes in silence or raises `Reject` with a reason that is counted.

Reasons hold for many answers, so they name no answer's words. Texts are compared without case and extra spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from shopbench.dataset.texts import words
from shopbench.hashing import hash64

# Words that carry no matter: to share these alone is to share nothing. "s" and "t" are what "kid's" and "don't" end in.
STOP_WORDS = frozenset(
    words(
        "a an and are as at be best by can do does for from has have how in is it its of on one or that the their these this to what which "
        "who will with you your s t"
    )
)
# Shorter texts have too few letters to tell their language by; their script is looked at instead.
WORDS_OF_LANGUAGE = 5
LANGUAGES = ("en", "de", "es", "fr", "it", "ja")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# Two words are of one stem when they share this many letters from the start ("batteries", "battery") or a plural's ending parts them.
STEM = 5
PLURAL = re.compile(r"(?:(?<=[sxz])es|(?<=[cs]h)es|(?<=[^s])s)$")
# A reviewer's phone types other quotation marks than a language model.
QUOTATION_MARKS = str.maketrans("‘’“”", "''\"\"")
# Any place but one in the middle of a word.
EDGE = r"(?:(?<!\w)|(?!\w))"
# Near duplicates: Jaccard similarity of runs of three words, by MinHash (A. Broder, 1997) in LSH buckets.
ALIKE, PERMUTATIONS, SHINGLE = 0.8, 64, 3


class Reject(Exception):
    """The answer is not kept; the message is the reason."""


def require(condition: bool, reason: str) -> None:
    if not condition:
        raise Reject(reason)


def plain(text: str) -> str:
    """For comparison: one case, single spaces, straight quotation marks."""
    return " ".join(text.casefold().translate(QUOTATION_MARKS).split())


def content_words(text: str) -> list[str]:
    """Words without the stop words, in lower case."""
    return [word for word in words(text) if word not in STOP_WORDS]


def stem(word: str) -> str:
    """What a word is compared by."""
    return PLURAL.sub("", word)[:STEM]


def stems(text: str) -> list[str]:
    """The stems of all words, in order."""
    return [stem(word) for word in words(text)]


def length_within(text: str, least: int, most: int) -> None:
    """A bound on the number of words; Chinese and Japanese characters count as words."""
    count = len(words(text)) if not CJK.search(text) else len(CJK.findall(text))
    require(least <= count, "too short")
    require(count <= most, "too long")


def quoted_from(quote: str, text: str) -> None:
    """The quote stands in the text word for word."""
    found = re.search(f"{EDGE}{re.escape(plain(quote))}{EDGE}", plain(text))
    require(bool(plain(quote) and found), "not grounded: quote not in the text")


def grounded_in(said: str, text: str, least: int = 1) -> None:
    """At least so many content words of what is said (all, if it has fewer) stand in the text, by their stems."""
    found = {stem(word) for word in content_words(said)}
    require(bool(found) and len(found & set(stems(text))) >= min(least, len(found)), "not grounded: no shared words")


def numbers_in(said: str, text: str) -> None:
    """Every number of what is said stands in the text."""
    known = set(NUMBER.findall(text))
    require(all(number in known for number in NUMBER.findall(said)), "not grounded: number not in the text")


def recomputed(answer: int, right: int) -> None:
    """The number that the model gives is what the seed's own facts give."""
    require(answer == right, "wrong when recomputed")


def among(choice: str, options: Sequence[str]) -> str:
    """The option that is chosen, spelt as it is listed."""
    by_plain = {plain(option): option for option in options}
    require(plain(choice) in by_plain, "answer not among the options")
    return by_plain[plain(choice)]


def distinct(texts: Iterable[str]) -> None:
    """No two texts alike, none empty."""
    found = [plain(text) for text in texts]
    require(all(found), "empty text")
    require(len(set(found)) == len(found), "two texts alike")


def hides(said: str, secret: str) -> None:
    """A question does not tell its answer: it has not all the words of it in a row."""
    require(f" {' '.join(stems(secret))} " not in f" {' '.join(stems(said))} ", "question tells the answer")


def no_copy(said: str, original: str, share: float = 0.85) -> None:
    """What is said anew has not the same words, up to a share (Jaccard similarity of the words)."""
    mine, theirs = set(words(said)), set(words(original))
    require(plain(said) != plain(original) and len(mine & theirs) <= share * len(mine | theirs), "copy of the seed")


def in_language(text: str, language: str) -> None:
    """The text is in the language (en, de, es, fr, it, ja); of a short one only the script is looked at."""
    japanese = bool(CJK.search(text))
    require(japanese == (language == "ja"), "wrong language")
    if not japanese and len(words(text)) >= WORDS_OF_LANGUAGE:
        require(_classify()(text)[0] == language, "wrong language")


@cache
def _classify() -> Any:
    import py3langid

    py3langid.set_languages(list(LANGUAGES))
    return py3langid.classify


class NearDuplicates:
    """The texts kept so far. Which of two like texts is kept depends on their order alone, so give them in a fixed one."""

    def __init__(self) -> None:
        from datasketch import MinHashLSH

        self._index = MinHashLSH(threshold=ALIKE, num_perm=PERMUTATIONS)
        self._shingles: list[set[str]] = []

    def add(self, text: str) -> None:
        """Raise Reject if a text much like it was added before; else remember it."""
        from datasketch import MinHash

        found = words(text)
        shingles = {" ".join(found[at : at + SHINGLE]) for at in range(max(1, len(found) - SHINGLE + 1))}
        signature = MinHash(num_perm=PERMUTATIONS, seed=1, hashfunc=lambda shingle: hash64(shingle) & 0xFFFFFFFF)
        signature.update_batch(shingles)
        # A bucket holds less similar texts, too: among hundreds that begin alike ("I am looking for"), nearly each one meets another there.
        likely = (self._shingles[place] for place in self._index.query(signature))
        require(not any(len(shingles & other) >= ALIKE * len(shingles | other) for other in likely), "near-duplicate of another answer")
        self._index.insert(len(self._shingles), signature, check_duplication=False)
        self._shingles.append(shingles)
