"""The same questions answered in other ways: by transformers alone, by the winners' loop, and by our engine without its order or its cache.

Each is a function from questions to responses in the questions' order; what starts and loads is made before.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from shopbench.chat import TASK_TYPES, chat_prompt
from shopbench.constraints import cut_text
from shopbench.engine import Ask, Engine

Answering = Callable[[Sequence[Ask]], list[str]]

BATCH = 16


def ours(engine: Engine, mode: str) -> Answering:
    """The pipeline's way: all questions at once, sorted so that shared prefixes are neighbours, prefix caching on."""

    def answer(asks: Sequence[Ask]) -> list[str]:
        found = dict(engine.answers(asks, mode))
        return [found[index].response for index in range(len(asks))]

    return answer


def in_random_order(engine: Engine, mode: str) -> Answering:
    """All questions at once in an order that means nothing."""

    def answer(asks: Sequence[Ask]) -> list[str]:
        order = list(range(len(asks)))
        random.Random(2).shuffle(order)
        found = dict(zip(order, engine._generate([asks[index] for index in order], mode, None), strict=True))
        return [found[index].response for index in range(len(asks))]

    return answer


def winners_loop(engine: Engine, mode: str) -> Answering:
    """One task type after another, 16 questions at a time as they come, each batch awaited. On our engine's vLLM and its settings.

    Source: Team NVIDIA's final submission, KDD Cup '24 (vLLM, batches of 16 that the challenge handed over, one type a call).
    """

    def answer(asks: Sequence[Ask]) -> list[str]:
        responses = [""] * len(asks)
        for members in by_task_type(asks):
            for batch in batches(members):
                for index, found in zip(batch, engine._generate([asks[index] for index in batch], mode, None), strict=True):
                    responses[index] = found.response
        return responses

    return answer


def transformers_generate(model: Path, new_tokens: dict[str, int], device: str, dtype: str) -> Answering:
    """Greedy `generate` in batches of 16, padded on the left, unconstrained.

    As good as it gets without another engine: a batch holds one task type, so that it ends at that type's limit of new tokens, and prompts
    of one length, so that little is padding.

    Source: transformers' documentation of batched text generation.
    """
    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
    network = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype)).to(device).eval()

    def answer(asks: Sequence[Ask]) -> list[str]:
        responses = [""] * len(asks)
        prompts = [tokenizer.encode(chat_prompt(ask.prompt, ask.task_type), add_special_tokens=False) for ask in asks]
        for members in by_task_type(asks):
            for batch in batches(sorted(members, key=lambda index: len(prompts[index]))):
                given = tokenizer.pad({"input_ids": [prompts[index] for index in batch]}, return_tensors="pt").to(device)
                task_type = asks[batch[0]].task_type
                with torch.inference_mode():
                    output = network.generate(**given, max_new_tokens=new_tokens[task_type], do_sample=False)
                texts = tokenizer.batch_decode(output[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
                for index, text in zip(batch, texts, strict=True):
                    # vLLM leaves out a last character that the limit cut in two.
                    text = text.rstrip("\ufffd")
                    responses[index] = cut_text(text) if task_type == "generation" else text
        return responses

    return answer


def by_task_type(asks: Sequence[Ask]) -> list[list[int]]:
    """Indices of each task type's questions, in their order."""
    found: dict[str, list[int]] = {name: [] for name in TASK_TYPES}
    for index, ask in enumerate(asks):
        found[ask.task_type].append(index)
    return [members for members in found.values() if members]


def batches(members: Sequence[int]) -> list[Sequence[int]]:
    return [members[start : start + BATCH] for start in range(0, len(members), BATCH)]
