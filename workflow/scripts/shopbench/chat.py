"""The chat layout of the winning solution: ChatML with a system prompt that names the task type.

Source: Team NVIDIA's KDD Cup '24 solution (arXiv 2408.04658). Training, calibration and inference all build their text here, so they
cannot differ.
"""

from __future__ import annotations

import re

# Keys are the challenge's task types as the development set spells them; values are the words of the system prompt.
TASK_TYPES = {
    "multiple-choice": "multiple-choice question answering",
    "retrieval": "retrieval",
    "ranking": "ranking",
    "named_entity_recognition": "named entity recognition",
    "generation": "generation",
}

END_TOKEN = "<|im_end|>"


def clean_prompt(prompt: str) -> str:
    """Remove spaces before newlines and strip, as the winners did before use."""
    return re.sub(r" +\n", "\n", prompt).strip()


def system_prompt(task_type: str) -> str:
    """What the system turn says. `task_type` is a key of `TASK_TYPES`; any other raises KeyError."""
    return f"You are a helpful online shopping assistant. Your task is {TASK_TYPES[task_type]}."


def chat_prompt(prompt: str, task_type: str) -> str:
    """All the text that precedes the answer."""
    turns = [f"system\n{system_prompt(task_type)}", f"user\n{clean_prompt(prompt)}\n", "assistant\n"]
    return f"{END_TOKEN}\n".join(f"<|im_start|>{turn}" for turn in turns)


def chat_answer(completion: str) -> str:
    """The text that is learned: the answer and the end token."""
    return f"{completion}{END_TOKEN}"
