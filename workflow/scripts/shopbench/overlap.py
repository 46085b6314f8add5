"""Whether training prompts contain evaluation questions.

A prompt and a question overlap when they share 13 words in a row of content. Content is what is left of a text
without its wording: the runs of 5 words that stand in three or more questions of an evaluation set, or in 5 % of a
training dataset's prompts (instructions, mostly). A question whose content has no 13 words in a row overlaps with its
exact like alone. Letter case, punctuation and spacing are ignored; a Chinese or Japanese character is a word.

Without the cut, every training row that asks in the challenge's own words would count ("which of the following
keyword sets is most suitable for it"), and so would one slot that is filled alike ("... for a(n) leotard product").

Source: the 13-gram contamination test of T. Brown et al., Language Models are Few-Shot Learners (2020), appendix C.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

SHARED_WORDS = 13
WORDING_WORDS = 5
WORDING_TIMES = 3
WORDING_SHARE = 0.05
# Training prompts that are looked at for a dataset's wording: enough to see what stands in 5 % of them.
WORDING_SAMPLE = 1000

WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")

# Runs of words are kept as Python's own 64-bit hashes. They differ between processes and are compared within one
# only; a false match among 10^8 runs of training text and 10^6 of evaluation text has odds of about 1 to 10^5.
Run = int


def words(text: str) -> list[str]:
    """Lower-cased words of a text."""
    return WORD.findall(text.lower())


def runs(text: list[str], length: int) -> Iterator[Run]:
    """Every run of `length` words, in order; none when the text is shorter."""
    return (hash(tuple(text[start : start + length])) for start in range(len(text) - length + 1))


def wording_of(texts: Iterable[list[str]], times: int) -> set[Run]:
    """Runs of 5 words that stand in at least `times` of the texts."""
    counts = Counter(run for text in texts for run in set(runs(text, WORDING_WORDS)))
    return {run for run, n in counts.items() if n >= times}


def content(text: list[str], wording: set[Run]) -> Iterator[list[str]]:
    """The pieces of a text between its wording, in order."""
    is_wording = [False] * len(text)
    for start, run in enumerate(runs(text, WORDING_WORDS)):
        if run in wording:
            is_wording[start : start + WORDING_WORDS] = [True] * WORDING_WORDS
    piece: list[str] = []
    for word, skip in zip(text, is_wording, strict=True):
        if skip:
            yield piece
            piece = []
        else:
            piece.append(word)
    yield piece


def content_runs(text: list[str], wording: set[Run]) -> set[Run]:
    """The 13-word runs of a text's content."""
    return {run for piece in content(text, wording) for run in runs(piece, SHARED_WORDS)}


class EvaluationText:
    """The content of evaluation sets, to look training prompts up in."""

    def __init__(self, prompts: Mapping[str, Iterable[str]]) -> None:
        """`prompts` are the questions' prompts by the name of their set."""
        self._runs: dict[str, set[Run]] = {}
        for name, texts in prompts.items():
            questions = [words(text) for text in texts]
            wording = wording_of(questions, WORDING_TIMES)
            self._runs[name] = set()
            for question in questions:
                self._runs[name] |= content_runs(question, wording) or {hash(tuple(question))}

    def overlaps(self, prompts: Sequence[str]) -> Iterator[str | None]:
        """For each prompt of a training dataset, the first evaluation set that it shares content with, or None."""
        sample = [words(prompt) for prompt in prompts[:: max(1, len(prompts) // WORDING_SAMPLE)]]
        wording = wording_of(sample, max(WORDING_TIMES, math.ceil(WORDING_SHARE * len(sample))))
        for prompt in prompts:
            text = words(prompt)
            found = {hash(tuple(text))} | content_runs(text, wording) if self._runs else set()
            yield next((name for name, known in self._runs.items() if not known.isdisjoint(found)), None)
