"""A blend's rows as token ids: the chat layout, cut to a length, with the answer marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopbench.chat import chat_answer, chat_prompt

# A prompt is never cut below this: what is left of it would not be a question.
SHORTEST_PROMPT = 64


@dataclass(frozen=True)
class Sample:
    """One training sample."""

    # int32 [length]: the prompt's tokens, then the answer's, the end token included.
    tokens: np.ndarray
    # The last so many tokens are the answer; the loss is on these alone.
    answer_length: int
    # Tokens that were taken out of the prompt's middle.
    cut: int

    def __len__(self) -> int:
        return len(self.tokens)


def make_sample(prompt: Sequence[int], answer: Sequence[int], max_length: int) -> Sample | None:
    """Join the token ids of prompt and answer, at most `max_length` of them.

    Too long a prompt loses its middle, because its ends hold the task, the question and the layout; an answer is never cut. None if the
    answer leaves less than `SHORTEST_PROMPT` tokens of a longer prompt.
    """
    room = max_length - len(answer)
    if len(prompt) > room:
        if room < SHORTEST_PROMPT:
            return None
        head = room // 2
        kept = [*prompt[:head], *prompt[len(prompt) - (room - head) :]]
    else:
        kept = list(prompt)
    return Sample(np.array([*kept, *answer], dtype=np.int32), len(answer), len(prompt) - len(kept))


def tokenize(tokenizer: Any, rows: Sequence[dict[str, str]], max_length: int) -> list[Sample | None]:
    """Make the samples of rows with `prompt`, `task_type` and `completion`; None stands for a row whose answer is too long.

    Prompt and answer are tokenized apart, as at inference, where the prompt stands alone. `tokenizer` is a transformers tokenizer.
    """
    prompts = tokenizer([chat_prompt(row["prompt"], row["task_type"]) for row in rows], add_special_tokens=False)["input_ids"]
    answers = tokenizer([chat_answer(row["completion"]) for row in rows], add_special_tokens=False)["input_ids"]
    return [make_sample(prompt, answer, max_length) for prompt, answer in zip(prompts, answers, strict=True)]
