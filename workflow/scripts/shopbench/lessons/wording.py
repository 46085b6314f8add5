"""How a lesson asks: short instructions of its own, or words in no order, around a text and numbered options.

Words in no order teach two things at once: to know the words that questions are made of, and to find what is asked for in the shape of a
question. No wording of the datasets or of the evaluation sets is among them: those are left to fine-tuning.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from shopbench.dataset.combinators import numbered
from shopbench.lessons.words import INSTRUCTION_WORDS

ONE = (
    "Which one fits?",
    "Find what goes with it.",
    "Which line says the same?",
    "Look it up in the list.",
    "Which belongs to it?",
    "Take the right one.",
    "Match them.",
    "What in the list is meant?",
    "Which of them is right?",
    "Find the one that matches.",
    "Say which number it has.",
    "Which number is it?",
)
SOME = (
    "Which three fit?",
    "Find all that go with it, three at most.",
    "Take the right ones of the list.",
    "Name up to three numbers of things that match.",
    "Which lines belong to it?",
)
IN_ORDER = (
    "Put the list in order, what fits most first.",
    "From the best match to the worst.",
    "Sort by how well they fit.",
    "Order the numbers, nearest first.",
)
CLOSINGS = ("Answer:", "Output:", "", "Answer:", "Number:", "Result:")
LIST_CLOSINGS = (
    "Output:",
    "Answer with numbers and commas.\nOutput:",
    "Only numbers.\nOutput:",
    "",
    "Answer:",
    "Numbers, with commas between them.\nOutput:",
)
ANY_LABEL = ("Product", "Title", "Word", "Query", "Value", "Item", "Type", "Brand", "Text", "Attribute", "Search")
LISTED = ("Product", "Query", "Title", "Candidate", "Aspect", "Review")


def any_words(random: Random) -> str:
    """Three to thirteen words in no order, looking like a sentence."""
    words = " ".join(random.choice(INSTRUCTION_WORDS) for _ in range(random.randrange(3, 14)))
    return words[0].upper() + words[1:] + random.choice("?.:.")


def instruction(random: Random, own: Sequence[str]) -> str:
    """One of the lesson's own instructions, words in no order, or (one in ten) nothing."""
    chance = random.random()
    return random.choice(own) if chance < 0.45 else any_words(random) if chance < 0.9 else ""


def lines(*parts: str) -> str:
    """The parts that are not empty, one a line."""
    return "\n".join(part for part in parts if part)


def ask_plainly(random: Random, label: str, text: str, options: Sequence[str]) -> str:
    """A prompt in which what is asked for stands after a label, so that its words are the tokens that they are in the options."""
    said = instruction(random, ONE)
    first, second = (said, f"{label}: {text}") if random.random() < 0.5 else (f"{label}: {text}", said)
    return lines(first, second, numbered(options, 0), random.choice(CLOSINGS))


def ask(random: Random, own: Sequence[str], label: str, text: str, options: Sequence[str], first: int, closings: Sequence[str]) -> str:
    """A prompt of an instruction, a text and options numbered from `first`, in one of several orders."""
    said = instruction(random, own)
    quoted = f"'{text}'" if random.random() < 0.5 and "\n" not in text else text
    about = f"{label}: {text}" if random.random() < 0.6 else quoted
    head = random.choice(["", "", "", "", "Options:", "List:", f"{random.choice(LISTED)} List:", "Products:"])
    listed = lines(head, numbered(options, first))
    closing = random.choice(closings)
    chance = random.random()
    if chance < 0.4:
        return lines(said, about, listed, closing)
    if chance < 0.75:
        return lines(about, said, listed, closing)
    if chance < 0.92:
        within = f"{said} {quoted}" if random.random() < 0.5 else f"{any_words(random)[:-1]} {quoted} {said.lower()}"
        return lines(within, listed, closing)
    return lines(listed, said, about, closing)
