"""How a model is spoken to at inference: in the layout of fine-tuning, or in its own, for a model that is compared as it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shopbench.chat import END_TOKEN, chat_prompt, clean_prompt, system_prompt
from shopbench.files import BadInput, read_json

LAYOUTS = ("chatml", "own")

# Qwen2-Instruct ends an answer at this token too.
END_OF_TEXT = "<|endoftext|>"


class ChatLayout:
    """`name` is one of `LAYOUTS`; `tokenizer` a transformers tokenizer, `model` its folder.

    chatml   the winning solution's, as in training (shopbench/chat.py)
    own      the tokenizer's chat template, with the same system and user text
    """

    def __init__(self, name: str, tokenizer: Any, model: Path) -> None:
        self._own, self._tokenizer = name == "own", tokenizer
        if self._own and not tokenizer.chat_template:
            raise BadInput(f"{model}: its tokenizer has no chat template; set `chat: chatml` for this model in the config")
        self.stops = own_stops(tokenizer, model) if self._own else chatml_stops(tokenizer, model)

    def prompt(self, prompt: str, task_type: str) -> str:
        """All the text that precedes the answer, special tokens spelled out."""
        if not self._own:
            return chat_prompt(prompt, task_type)
        from jinja2 import TemplateError

        system, user = system_prompt(task_type), clean_prompt(prompt)
        try:
            return self._fill([{"role": "system", "content": system}, {"role": "user", "content": user}])
        except TemplateError:
            # Some templates refuse a system turn.
            return self._fill([{"role": "user", "content": f"{system}\n\n{user}"}])

    def _fill(self, turns: list[dict[str, str]]) -> str:
        return self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)


def chatml_stops(tokenizer: Any, model: Path) -> list[int]:
    """Ids of the tokens that end an answer, the layout's own first. Raises BadInput for a tokenizer that does not know it."""
    vocabulary = tokenizer.get_vocab()
    if END_TOKEN not in vocabulary:
        raise BadInput(f"{model}: its tokenizer has no {END_TOKEN}; set `chat: own` for this model in the config")
    return [vocabulary[token] for token in (END_TOKEN, END_OF_TEXT) if token in vocabulary]


def own_stops(tokenizer: Any, model: Path) -> list[int]:
    """The same of a model as it comes: what its generation_config.json says, else the tokenizer's end."""
    file = model / "generation_config.json"
    ends = read_json(file).get("eos_token_id") if file.is_file() else None
    ends = tokenizer.eos_token_id if ends is None else ends
    return ends if isinstance(ends, list) else [ends]
