"""What a model may answer, by task type: the winners' logit boosts, or grammars that admit well-formed answers alone.

    boost    None tokens -100; multiple choice and ranking: digits 0-5 and the comma +100; retrieval: the same up to 20;
             entities: +1 on the prompt's tokens, the end token and the comma (Team NVIDIA's final submission, KDD Cup '24)
    strict   None tokens -100; multiple choice: one of the listed digits; ranking: a permutation of the listed numbers;
             retrieval: three different listed numbers; entities: pieces of the prompt between commas; generation: any text
    none     nothing

Both are said in vLLM's own terms (`logit_bias`, `allowed_token_ids`, `structured_outputs`), which its CPU and CUDA runners share; custom
logits processors are not portable. Pure functions on the standard library; what needs tokens takes them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from shopbench.parsers import MAX_RANKED, MAX_RETRIEVED, NO_CHOICE, parse
from shopbench.routing import numbered_options

MODES = ("boost", "strict", "none")

FORBIDDEN = ("None", "none", " None", " none")
FORBIDDEN_BIAS = -100.0
DIGIT_BIAS = 100.0
ENTITY_BIAS = 1.0
LAST_CHOICE = 5
LAST_RETRIEVED = 20
# vLLM's CUDA runner takes no more biased tokens a request.
MOST_BIASES = 1024

# The grammar of three picks grows with the cube of the options: 40 compile in 0.1 s, 100 take seconds.
MOST_OPTIONS = 40

# "a scale of 1 to 5", "a rating from 1-5".
RATING_PHRASE = re.compile(r"\b(?:scale|range|rate|ratings?|score|stars?)\b[^.\n]{0,60}?\b1\s*(?:to|-|and)\s*5\b", re.IGNORECASE)

# What a span of the prompt is made of: words, but single characters in Chinese and Japanese, which put no spaces between words.
UNSPACED = "\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff"
PIECE = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+|\s+|[^\w\s]")

# A generated text is cut at the first sentence end from this word on.
WORDS_BEFORE_CUT = 15
SENTENCE_END = re.compile(r"[.!?][\"')\]”’]*$")

Encode = Callable[[str], list[int]]


@dataclass(frozen=True)
class Constraint:
    """In vLLM's terms: `logit_bias` (token id to addend) and `allowed_token_ids` (none: all) of its SamplingParams, and the one argument
    of its StructuredOutputsParams (or none)."""

    logit_bias: dict[int, float] = field(default_factory=dict)
    allowed_token_ids: list[int] = field(default_factory=list)
    structured: dict[str, Any] = field(default_factory=dict)


def constraint(mode: str, task_type: str, prompt: str, limit: int, encode: Encode, end_id: int) -> Constraint:
    """What holds for one question.

    `limit` is the number of new tokens; `encode` gives a text's token ids without special tokens; `end_id` ends an answer. An unknown mode
    raises KeyError.
    """
    if mode == "none":
        return Constraint()
    forbidden = dict.fromkeys(single_tokens(FORBIDDEN, encode), FORBIDDEN_BIAS)
    if mode == "boost":
        return Constraint(logit_bias=boosts(task_type, prompt, encode, end_id) | forbidden)
    if mode == "strict" and task_type == "multiple-choice":
        digits = [str(digit) for digit in choice_digits(prompt)]
        tokens = single_tokens(digits, encode)
        # A list of tokens costs nothing; a grammar, which vLLM compiles twice for each question, a third of the time of a short answer.
        return Constraint(allowed_token_ids=tokens) if len(tokens) == len(digits) else Constraint(structured={"choice": digits})
    if mode == "strict":
        return Constraint(logit_bias=forbidden, structured=strict_grammar(task_type, prompt, limit))
    raise KeyError(mode)


def single_tokens(texts: Iterable[str], encode: Encode) -> list[int]:
    """Ids of those texts that are one token. Pieces of the others are left out: forbidding the "N" of a split "None" forbids many words."""
    encoded = [encode(text) for text in texts]
    return sorted({ids[0] for ids in encoded if len(ids) == 1})


def boosts(task_type: str, prompt: str, encode: Encode, end_id: int) -> dict[int, float]:
    """The winners' addends, without the None tokens; at most `MOST_BIASES` minus room for those, the prompt's last tokens first."""
    comma = encode(",")
    if task_type in ("multiple-choice", "ranking", "retrieval"):
        last = LAST_RETRIEVED if task_type == "retrieval" else LAST_CHOICE
        numbers = [token for number in range(last + 1) for token in encode(str(number))]
        return dict.fromkeys([*numbers, *comma], DIGIT_BIAS)
    if task_type == "named_entity_recognition":
        tokens = dict.fromkeys([*comma, end_id, *reversed(encode(prompt))], ENTITY_BIAS)
        return dict(list(tokens.items())[: MOST_BIASES - len(FORBIDDEN)])
    return {}


def strict_grammar(task_type: str, prompt: str, limit: int) -> dict[str, Any]:
    """The argument of vLLM's StructuredOutputsParams that admits well-formed answers of at most `limit` tokens alone.

    Multiple choice needs none (see `constraint`), generation has none.
    """
    if task_type == "ranking":
        numbers = ranked_numbers(prompt)
        return {"regex": distinct_picks(numbers, len(numbers))}
    if task_type == "retrieval":
        numbers, picks = retrievable_numbers(prompt, limit)
        return {"regex": distinct_picks(numbers, picks)}
    if task_type == "named_entity_recognition":
        return {"grammar": span_grammar(prompt)}
    return {}


def choice_digits(prompt: str) -> list[int]:
    """The digits that may answer a multiple-choice question: its options up to 5, ratings 1-5 where the prompt asks for one, else 0-5."""
    listed = [number for number in numbered_options(prompt) if number <= LAST_CHOICE]
    if RATING_PHRASE.search(prompt) and 0 not in listed:
        return [1, 2, 3, 4, 5]
    return listed or list(range(LAST_CHOICE + 1))


def ranked_numbers(prompt: str) -> list[int]:
    """The numbers to be ordered: the listed ones up to 5, beyond which the challenge's parser drops them; 1-5 without a list."""
    return [number for number in numbered_options(prompt) if number <= MAX_RANKED][:MAX_RANKED] or [1, 2, 3, 4, 5]


def retrievable_numbers(prompt: str, limit: int) -> tuple[list[int], int]:
    """The numbers to pick from, and how many (3, or all of fewer).

    Without a list: 1-20, what the winners boosted. Numbers with so many digits that three of them and two commas could pass `limit` tokens
    (one a character) are left out, and those after the first `MOST_OPTIONS`.
    """
    listed = numbered_options(prompt) or list(range(1, LAST_RETRIEVED + 1))
    picks = min(MAX_RETRIEVED, len(listed))
    digits = max(1, (limit - (picks - 1)) // picks)
    return [number for number in listed if len(str(number)) <= digits][:MOST_OPTIONS], picks


def distinct_picks(numbers: list[int], picks: int) -> str:
    """A regular expression for `picks` different members of `numbers`, in any order, between commas without spaces.

    A tree of choices: llguidance refuses the flat list of all triples of 20 numbers (6,840) as too complex, and takes this in 12 ms.
    """
    if picks == 1:
        return "(" + "|".join(map(str, numbers)) + ")"
    branches = [f"{number},{distinct_picks([n for n in numbers if n != number], picks - 1)}" for number in numbers]
    return "(" + "|".join(branches) + ")"


def span_grammar(prompt: str) -> str:
    """A grammar (llguidance's Lark dialect) for pieces of the prompt between commas.

    A span starts and ends at a word's edge, stays on its line, holds a letter or a digit and no comma: so even an answer that the token
    limit cuts short reads as a list of at least one entity. The first span may follow a space, as a word does in running text. Accents are
    composed (NFC), as Qwen2's tokenizer has them: llguidance refuses its own tokens of a text that is not.
    """
    pieces = PIECE.findall(unicodedata.normalize("NFC", prompt))
    return (
        "start: / ?/ SPAN (/, ?/ SPAN)*\n"
        "SPAN: PIECES & /[^\\s,]([^\\n,]*[^\\s,])?/ & /(.|\\n)*[\\p{L}\\p{N}](.|\\n)*/\n"
        f"PIECES: %regex {json.dumps({'substring_chunks': pieces}, ensure_ascii=False)}\n"
    )


def well_formed(task_type: str, prompt: str, response: str, limit: int) -> bool:
    """Whether the challenge's parser reads what strict promises from `response`."""
    parsed: Any = parse(response, task_type)
    if task_type == "multiple-choice":
        return parsed != NO_CHOICE and parsed in choice_digits(prompt)
    if task_type == "ranking":
        return sorted(parsed) == ranked_numbers(prompt)
    if task_type == "retrieval":
        numbers, picks = retrievable_numbers(prompt, limit)
        return len(parsed) == len(set(parsed)) == picks and set(parsed) <= set(numbers)
    if task_type == "named_entity_recognition":
        return len(parsed) > 0
    return True


def cut_text(text: str) -> str:
    """Cut at the first sentence end from the 15th word on, as the winners did with generated answers. Words are runs without spaces."""
    for number, word in enumerate(re.finditer(r"\S+", text), start=1):
        if number >= WORDS_BEFORE_CUT and SENTENCE_END.search(word[0]):
            return text[: word.end()].strip()
    return text.strip()
