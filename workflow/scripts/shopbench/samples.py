"""A blend's rows as token ids: the chat layout, cut to a length, with the answer marked."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopbench.chat import chat_answer, chat_prompt

# A prompt is never cut below this: what is left of it would not be a question.
SHORTEST_PROMPT = 64
# The chat layout's: the system prompt's two, and the one that opens the user's turn.
LINES_BEFORE_PROMPT = 3


@dataclass(frozen=True)
class Sample:
    """One training sample."""

    # int32 [length]: the prompt's tokens, then the answer's, the end token included.
    tokens: np.ndarray
    # The last so many tokens are the answer; the loss is on these alone.
    answer_length: int
    # Tokens that were taken out of the prompt.
    cut: int

    def __len__(self) -> int:
        return len(self.tokens)


def tokenize(tokenizer: Any, rows: Sequence[dict[str, str]], max_length: int) -> list[Sample | None]:
    """Make the samples of rows with `prompt`, `task_type` and `completion`, of at most `max_length` tokens.

    Prompt and answer are tokenized apart, as at inference, where the prompt stands alone. An answer is never cut: None stands for a row
    whose answer leaves less than `SHORTEST_PROMPT` tokens of a longer prompt. `tokenizer` is a transformers tokenizer.
    """
    texts = [chat_prompt(row["prompt"], row["task_type"]) for row in rows]
    prompts = tokenizer(texts, add_special_tokens=False)["input_ids"]
    answers = tokenizer([chat_answer(row["completion"]) for row in rows], add_special_tokens=False)["input_ids"]
    made: list[Sample | None] = []
    for text, prompt, answer in zip(texts, prompts, answers, strict=True):
        room = max_length - len(answer)
        excess = max(0, len(prompt) - room)
        if excess and room < SHORTEST_PROMPT:
            made.append(None)
            continue
        kept = cut_tokens(tokenizer, text, room) if excess else prompt
        made.append(Sample(np.array([*kept, *answer], dtype=np.int32), len(answer), excess))
    return made


def cut_tokens(tokenizer: Any, text: str, room: int) -> list[int]:
    """The token ids of a chat prompt, at most `room`: its longest lines lose their middle, which hides neither the task nor the layout."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    line_ends = [place for place, character in enumerate(text) if character == "\n"]
    lines = [bisect_left(line_ends, start) for start, _ in encoded["offset_mapping"]]
    # A line of its own for each token that is not the prompt's, so that none of these is cut.
    lines = [line if line >= LINES_BEFORE_PROMPT else -1 - place for place, line in enumerate(lines)]
    return [encoded["input_ids"][place] for place in kept_places(lines, room)]


def kept_places(lines: Sequence[int], room: int) -> list[int]:
    """Which of the tokens stay when `room` of them may; `lines` has each token's line. All lines above some length are cut down to it."""
    if len(lines) <= room:
        return list(range(len(lines)))
    lengths = Counter(lines)
    limit = bisect_right(range(max(lengths.values())), room, key=lambda cap: sum(min(length, cap) for length in lengths.values())) - 1
    # What is left over after that is a token for each of the first so many of the lines that are cut.
    spare = room - sum(min(length, limit) for length in lengths.values())
    long = [line for line, length in lengths.items() if length > limit]
    kept = lengths | dict.fromkeys(long, limit) | dict.fromkeys(long[:spare], limit + 1)
    places, seen = [], Counter[int]()
    for place, line in enumerate(lines):
        tail = kept[line] // 2
        if seen[line] < kept[line] - tail or seen[line] >= lengths[line] - tail:
            places.append(place)
        seen[line] += 1
    return places
