"""Prompt templates as files, and the requests made from them.

A template (YAML) has

    system    who the model is
    user      what it shall do, with the seed's {fields} and {sample}
    samples   level -> an answer as it should come out, from plain to demanding; each seed is given one
    answer    JSON Schema of the answer, which engines hold the model to
    check     a question on an {answer}, for the self-check

Difficulty is steered by the sample answer that a prompt shows; no prompt asks for difficult items (Piao et al., arXiv 2504.08002).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Any

from shopbench.files import BadInput, digest_of
from shopbench.hashing import pick

KEYS = {"system", "user", "samples", "answer", "check"}
Message = dict[str, str]
CHECK_SCHEMA = {"type": "object", "properties": {"right": {"type": "boolean"}}, "required": ["right"], "additionalProperties": False}


@dataclass(frozen=True)
class Request:
    """One question to a language model. `key` names it in caches: the same messages and schema, model and sampling have the same key."""

    key: str
    prompt_hash: str
    messages: list[Message]
    schema: dict[str, Any]


@dataclass(frozen=True)
class Asker:
    """Who is asked, and how: what decides an answer besides the prompt.

    model is a name, revision what pins it (a hash of the weights' manifest; empty at an endpoint, which tells no more than a name);
    sampling has temperature, top_p, max_tokens, seed.
    """

    model: str
    revision: str
    sampling: dict[str, Any]

    @cached_property
    def digest(self) -> str:
        return digest_of(self.model, self.revision, self.sampling)

    def request(self, messages: list[Message], schema: dict[str, Any]) -> Request:
        prompt_hash = digest_of(messages, schema)
        return Request(digest_of(prompt_hash, self.digest), prompt_hash, messages, schema)


@dataclass(frozen=True)
class Template:
    """A template file, read and checked; `path` is for messages."""

    path: Path
    system: str
    user: str
    samples: dict[str, str]
    answer: dict[str, Any]
    check: str

    def level(self, seed_id: str) -> str:
        """The level whose sample a seed is shown: each with the same chance, the same one at every run."""
        return pick(sorted(self.samples), "level", seed_id)

    def messages(self, seed_id: str, fields: dict[str, Any]) -> list[Message]:
        """The request's turns. A field that the seed lacks is a BadInput that names the template."""
        values = {name: _text(value) for name, value in fields.items()} | {"sample": self.samples[self.level(seed_id)].strip()}
        return [{"role": "system", "content": self.system.strip()}, {"role": "user", "content": self._fill(self.user, values)}]

    def check_messages(self, seed_id: str, fields: dict[str, Any], answer: str) -> list[Message]:
        """The turns that ask the model to judge an answer of its own."""
        asked = self.messages(seed_id, fields)
        values = {name: _text(value) for name, value in fields.items()} | {"answer": answer}
        return [asked[0], {"role": "user", "content": self._fill(self.check, values)}]

    def _fill(self, text: str, values: dict[str, str]) -> str:
        try:
            return text.format(**values).strip()
        except KeyError as missing:
            raise BadInput(f"{self.path}: the field {{{missing.args[0]}}} is none of the seed's ({', '.join(sorted(values))})") from None


def _text(value: Any) -> str:
    """A field as a prompt shows it: lists a line each, numbered from 1."""
    if isinstance(value, list):
        return "\n".join(f"{number}. {item}" for number, item in enumerate(value, start=1))
    return str(value)


def read_template(path: str | Path) -> Template:
    """Read a template. Raises BadInput for a missing or unknown key, a sample that its own schema refuses, or a broken placeholder."""
    import jsonschema
    import yaml

    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such template") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: not YAML ({error})") from None
    if not isinstance(content, dict) or set(content) != KEYS:
        found = set(content) if isinstance(content, dict) else set()
        wrong = sorted(found ^ KEYS)
        raise BadInput(f"{path}: needs exactly the keys {', '.join(sorted(KEYS))}; see {', '.join(wrong)}")
    for level, sample in content["samples"].items():
        try:
            jsonschema.validate(json.loads(sample), content["answer"])
        except (TypeError, ValueError, jsonschema.ValidationError) as error:
            reason = getattr(error, "message", error)
            raise BadInput(f"{path}, sample {level}: not an answer as `answer` asks ({reason})") from None
    for key in ("user", "check"):
        try:
            fields = {name for _, name, _, _ in Formatter().parse(content[key]) if name is not None}
        except ValueError as error:
            raise BadInput(f"{path}, {key}: {error}; braces that are no field are doubled") from None
        if not all(name.isidentifier() for name in fields):
            raise BadInput(f"{path}, {key}: a field has a name in letters; braces that are no field are doubled")
        wanted = "sample" if key == "user" else "answer"
        if wanted not in fields:
            raise BadInput(f"{path}, {key}: lacks {{{wanted}}}")
    return Template(path=path, **content)
