"""The offline engine: vLLM on this machine, on the CPU or on GPUs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from shopbench.engine import BATCHES_IN_CHUNK, engine_arguments, load_llm
from shopbench.files import BadInput, progress
from shopbench.hashing import hash64
from shopbench.language_model.cache import TOO_LONG, Reply
from shopbench.language_model.prompts import Request


class OfflineEngine:
    """One vLLM engine. `settings` is the config's inference.unquantized, `sampling` that of language_model, `device` cpu or cuda."""

    def __init__(self, model: Path, settings: dict[str, Any], sampling: dict[str, Any], device: str) -> None:
        self._settings, self._sampling = settings, sampling
        arguments = engine_arguments(settings, device, rank=0)
        # A grammar that lets a model put spaces anywhere lets a weak one put nothing else.
        arguments["structured_outputs_config"] |= {"disable_any_whitespace": True}
        if device == "cpu":
            # vLLM 0.32 winds a request's own random numbers back where its prompt is read in pieces, which a CPU's generator cannot.
            arguments |= {"enable_chunked_prefill": False, "max_num_batched_tokens": max(4096, settings["max_model_len"])}
        self._llm = load_llm(model, arguments, device)
        self._tokenizer = self._llm.get_tokenizer()
        if not self._tokenizer.chat_template:
            raise BadInput(f"{model}: its tokenizer has no chat template; name an instruct model in language_model.model")

    def replies(self, requests: Iterable[Request], cache: Path) -> Iterator[tuple[Request, Reply]]:
        """Each request with its reply, chunk by chunk: as many in memory as keep the batch full."""
        stream = iter(requests)
        done = 0
        while chunk := list(islice(stream, BATCHES_IN_CHUNK * self._settings["max_num_seqs"])):
            yield from self._chunk(chunk)
            done += len(chunk)
            progress(f"answered {done}")

    def _chunk(self, requests: list[Request]) -> Iterator[tuple[Request, Reply]]:
        prompts = [self._tokens(request) for request in requests]
        room = self._settings["max_model_len"] - self._sampling["max_tokens"]
        fitting = [place for place, tokens in enumerate(prompts) if len(tokens) <= room]
        outputs = self._llm.generate(
            [{"prompt_token_ids": prompts[place]} for place in fitting],
            [self._parameters(requests[place]) for place in fitting],
            use_tqdm=False,
        )
        made = dict(zip(fitting, outputs, strict=True))
        for place, request in enumerate(requests):
            if place not in made:
                yield request, Reply(None, TOO_LONG, len(prompts[place]))
                continue
            output = made[place].outputs[0]
            yield request, Reply(output.text, "", len(prompts[place]), len(output.token_ids))

    def _tokens(self, request: Request) -> list[int]:
        """The prompt's token ids in the model's own chat layout."""
        from jinja2 import TemplateError

        system, user = request.messages[0], request.messages[-1]
        try:
            text = self._fill([system, user])
        except TemplateError:
            # Some templates refuse a system turn.
            text = self._fill([{"role": "user", "content": f"{system['content']}\n\n{user['content']}"}])
        return self._tokenizer.encode(text, add_special_tokens=False)

    def _fill(self, turns: list[dict[str, str]]) -> str:
        return self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)

    def _parameters(self, request: Request) -> Any:
        """Sampling under the answer's JSON Schema; the seed is the request's own, so that an answer does not depend on its batch's
        order."""
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        return SamplingParams(
            temperature=self._sampling["temperature"],
            top_p=self._sampling["top_p"],
            max_tokens=self._sampling["max_tokens"],
            seed=hash64(self._sampling["seed"], request.key) % 2**31,
            structured_outputs=StructuredOutputsParams(json=request.schema),
        )

    def close(self) -> None:
        """Nothing to give back: the process ends."""
