"""Random questions of all task types, as awkward as the texts of the world, and a tokenizer for them: what constraints are tested with."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from typing import Any

from shopbench.engine import Ask

# As in config/config.yaml.
NEW_TOKENS = {"multiple-choice": 1, "retrieval": 8, "ranking": 9, "named_entity_recognition": 15, "generation": 50}

AWKWARD = """shampoo aveda 3.5 mm men's "gift" set, für Zuhause テスト タブレット ケース 👍🏽 cad-bury 100%cotton \\d+ {brand} [size] l’eau
None none <b> 12oz. trés €5 100, 200 A/B (red) 1. 2) 0 -3 ,, , . ... / // /* "\\n" \\ \\u0041 %regex start: SPAN ^$ <|im_end|> <|endoftext|>
شامبو מברשת สบู่ किताब Äpfel ﬁne ½ ² ３ ① Ⅷ e\u0301te\u0301 zero\u200bwidth non\u00a0breaking 产品，名称 1,000.50 N/A null True"""
WORDS = AWKWARD.split(" ")
# From plain letters to signs that few fonts have; without surrogates, which no text holds.
RANGES = [
    (0x20, 0x7E),
    (0xA0, 0x24F),
    (0x300, 0x36F),
    (0x590, 0x6FF),
    (0x2000, 0x206F),
    (0x3040, 0x30FF),
    (0x4E00, 0x4EFF),
    (0x1F300, 0x1F5FF),
]

MULTIPLE_CHOICE = ["Which of them has {}?\n{}\nAnswer: ", "Evaluate the review on a scale of 1 to 5.\n{}\nAnswer: ", "{}\n{}"]
RETRIEVAL = ["Select 3 products that fit {}.\n{}\nOutput: ", "{}: what was seen before?\n{}\nAnswer with three comma-separated numbers."]
RANKING = ["Rank for {}.\n{}\nOnly respond with the ranking results.", "{}\n{}\nAnswer with a permutation of 1 to 5."]
ENTITIES = ["Directly output the entity without repeating the entity type.\nQuery: {}\nOutput: ", "Extract the keyphrase.\n{}"]
GENERATION = ["Translate '{}' into German.", "Why does one buy {}?"]


def random_asks(number: int, seed: int, generation_share: float = 0.2) -> Iterator[Ask]:
    """So many questions, their texts in NFC; half of those that are not generation's are multiple choice, as in the challenge."""
    choice = random.Random(seed)
    kinds = [_multiple_choice, _retrieval, _ranking, lambda c: Ask(c.choice(ENTITIES).format(_text(c, 1, 12)), False)]
    for _ in range(number):
        if choice.random() < generation_share:
            ask = Ask(choice.choice(GENERATION).format(_text(choice, 1, 8)), False)
        else:
            ask = choice.choices(kinds, weights=[3, 1, 1, 1])[0](choice)
        yield Ask(unicodedata.normalize("NFC", ask.prompt), ask.is_multiple_choice)


def _multiple_choice(choice: random.Random) -> Ask:
    form = choice.choice(MULTIPLE_CHOICE)
    if form.count("{}") == 1:
        return Ask(form.format(_text(choice, 3, 20)), True)
    return Ask(form.format(_text(choice, 1, 3), _options(choice, choice.choice([0, 0, 0, 1]), choice.randint(2, 12))), True)


def _retrieval(choice: random.Random) -> Ask:
    """Mostly at most the challenge's 15 candidates; a list of 40 takes ten times as long to compile as one of 15."""
    options = choice.randint(2, 15) if choice.random() < 0.98 else choice.randint(16, 45)
    return Ask(choice.choice(RETRIEVAL).format(_text(choice, 1, 3), _options(choice, 1, options)), False)


def _ranking(choice: random.Random) -> Ask:
    return Ask(choice.choice(RANKING).format(_text(choice, 1, 3), _options(choice, 1, choice.randint(1, 5))), False)


def _options(choice: random.Random, first: int, count: int) -> str:
    form = choice.choice(["{}. {}", "{}) {}", "  {}. {}"])
    return "\n".join(form.format(first + n, _text(choice, 0, 3)) for n in range(count))


def _text(choice: random.Random, least: int, most: int) -> str:
    return " ".join(_word(choice) for _ in range(choice.randint(least, most)))


def _word(choice: random.Random) -> str:
    """Mostly an awkward word, at times random signs of one script."""
    if choice.random() < 0.8:
        return choice.choice(WORDS)
    first, last = choice.choice(RANGES)
    return "".join(chr(choice.randint(first, last)) for _ in range(choice.randint(1, 6)))


def awkward_tokenizer(vocabulary: int = 640) -> Any:
    """Qwen2's way of tokenizing, learned from the awkward words and the wordings around them."""
    from shopbench.tiny_qwen2 import train_tokenizer

    return train_tokenizer([" ".join(WORDS), *RETRIEVAL, *RANKING, *ENTITIES, "0123456789,\n"] * 4, vocabulary)
