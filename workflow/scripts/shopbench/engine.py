"""vLLM offline, on the CPU or on GPUs, from the settings of the config: prompts in, answers and their time out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from shopbench.chat_layouts import ChatLayout
from shopbench.constraints import constraint, cut_text, well_formed
from shopbench.cpu_kernels import register_missing_kernels
from shopbench.ensembles import LORA_RANKS
from shopbench.files import BadInput, progress, read_json
from shopbench.loading import loading_for_good
from shopbench.routing import task_type
from shopbench.samples import cut_tokens

# Prompts given to vLLM at once, as a multiple of those in flight: enough to keep the batch full, few enough to lose little in a kill.
BATCHES_IN_CHUNK = 16
# A CPU's cache is filled with zeros at each start: this holds 64 prompts of 512 tokens of the demo's model; twice that costs a second.
CPU_CACHE_BYTES = 2**27

ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "WARNING"}
CPU_ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    # Without this, some of vLLM's paths compile with g++ at run time.
    "TORCHDYNAMO_DISABLE": "1",
}


@dataclass(frozen=True)
class Answer:
    """`task_type` is the routed one; `seconds` passed from submitting the question to its last token, while others were answered too.

    `share` is the wall time of the questions that were submitted together, divided by their number: shares add up to the time of a track.
    """

    task_type: str
    response: str
    seconds: float
    share: float


@dataclass(frozen=True)
class Ask:
    """A question as the challenge gives it at inference: the label's task type is not in it."""

    prompt: str
    is_multiple_choice: bool

    @property
    def task_type(self) -> str:
        return task_type(self.prompt, self.is_multiple_choice)


class Engine:
    """One vLLM engine.

    `settings` is the config's inference.quantized or inference.unquantized, `new_tokens` the longest answer by task type in tokens, `rank`
    the largest rank of the LoRA adapters to come (0: none), `chat` one of `chat_layouts.LAYOUTS`. Starting it takes seconds on a tiny model
    and minutes on a large one; `start_seconds` says how many.
    """

    def __init__(
        self, model: Path, settings: dict[str, Any], new_tokens: dict[str, int], device: str, rank: int = 0, chat: str = "chatml"
    ) -> None:
        self.settings, self.new_tokens = settings, new_tokens
        self._cut: set[Ask] = set()
        started = time.perf_counter()
        self._llm = load_llm(model, engine_arguments(settings, device, rank), device)
        self.start_seconds = time.perf_counter() - started
        self._tokenizer = self._llm.get_tokenizer()
        self._layout = ChatLayout(chat, self._tokenizer, model)
        # Constraints ask for the same few words again and again.
        self._encode = lru_cache(4096)(lambda text: self._tokenizer.encode(text, add_special_tokens=False))
        self._adapters = 0
        progress(f"engine of {model} started in {self.start_seconds:.1f} s")

    def answers(self, asks: Sequence[Ask], mode: str, adapter: Path | None = None) -> Iterator[tuple[int, Answer]]:
        """Yield (index into `asks`, answer) chunk by chunk, in an order that lets prompts share their prefixes.

        `mode` is one of `constraints.MODES`. All prompts of a call go through `adapter`, or all through the base model: vLLM 0.32 silently
        gives the base's rows of a mixed batch the weights of an adapter.
        """
        lora = self._load(adapter)
        order = sorted(range(len(asks)), key=lambda i: self._layout.prompt(asks[i].prompt, asks[i].task_type))
        size = BATCHES_IN_CHUNK * self.settings["max_num_seqs"]
        for start in range(0, len(order), size):
            chunk = order[start : start + size]
            yield from zip(chunk, self._generate([asks[i] for i in chunk], mode, lora), strict=True)
            if len(order) > size:
                progress(f"answered {start + len(chunk)} of {len(order)}")
        if lora is not None:
            self._llm.llm_engine.remove_lora(lora.lora_int_id)

    @property
    def cut_prompts(self) -> int:
        """How many different questions were cut to fit max_model_len."""
        return len(self._cut)

    def forget_prefixes(self) -> None:
        """Empty the cache of prompts' beginnings, as a new start would."""
        self._llm.reset_prefix_cache()

    def _load(self, adapter: Path | None) -> Any:
        """A request for the adapter under a number of its own: vLLM's caches, that of prefixes too, go by the number."""
        if adapter is None:
            return None
        from vllm.lora.request import LoRARequest

        self._adapters += 1
        return LoRARequest(f"adapter-{self._adapters}", self._adapters, str(adapter))

    def _generate(self, asks: list[Ask], mode: str, lora: Any) -> list[Answer]:
        started = time.perf_counter()
        prompts = [{"prompt_token_ids": self.prompt_tokens(ask)} for ask in asks]
        outputs = self._llm.generate(prompts, [self._sampling(ask, mode) for ask in asks], use_tqdm=False, lora_request=lora)
        share = (time.perf_counter() - started) / len(asks)
        answers = []
        for ask, output in zip(asks, outputs, strict=True):
            text, times = output.outputs[0].text, output.metrics
            response = cut_text(text) if ask.task_type == "generation" else text
            answers.append(Answer(ask.task_type, response, times.last_token_ts - times.queued_ts, share))
        return answers

    def prompt_tokens(self, ask: Ask) -> list[int]:
        """Ids of all tokens before the answer. A prompt that is longer than max_model_len allows loses the middle of its longest lines."""
        text = self._layout.prompt(ask.prompt, ask.task_type)
        tokens = self._tokenizer.encode(text, add_special_tokens=False)
        room = self.settings["max_model_len"] - self.new_tokens[ask.task_type]
        if len(tokens) <= room:
            return tokens
        self._cut.add(ask)
        return cut_tokens(self._tokenizer, text, room)

    def _sampling(self, ask: Ask, mode: str) -> Any:
        """Greedy decoding under the mode's constraint."""
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        limit = self.new_tokens[ask.task_type]
        wanted = constraint(mode, ask.task_type, ask.prompt, limit, self._encode, self._layout.stops[0])
        return SamplingParams(
            temperature=0.0,
            max_tokens=limit,
            stop_token_ids=self._layout.stops,
            logit_bias=wanted.logit_bias or None,
            allowed_token_ids=wanted.allowed_token_ids or None,
            structured_outputs=StructuredOutputsParams(**wanted.structured) if wanted.structured else None,
        )


def set_environment(device: str) -> None:
    """Environment variables that vLLM reads at import; what the caller has set stays."""
    for name, value in (ENVIRONMENT | (CPU_ENVIRONMENT if device == "cpu" else {})).items():
        os.environ.setdefault(name, value)


def load_llm(model: Path, arguments: dict[str, Any], device: str) -> Any:
    """vLLM's LLM on a model's folder, in a process that is prepared for it."""
    set_environment(device)
    with loading_for_good():
        from vllm import LLM

        if device == "cpu":
            register_missing_kernels()
            inspect_here(model)
            if arguments.get("enable_lora"):
                from shopbench.cpu_lora import use_grouped_products

                use_grouped_products()
        return LLM(model=str(model), **arguments)


def inspect_here(model: Path) -> None:
    """Have vLLM look at the model's class in this process.

    Left to itself it starts another one, which loads vLLM once more, for every class that it meets for the first time in a home directory:
    with a GPU for good reason (CUDA must not start before the workers), on the CPU for none.
    """
    from vllm import ModelRegistry

    for name in read_json(model / "config.json").get("architectures") or []:
        if name in ModelRegistry.models:
            ModelRegistry.register_model(name, ModelRegistry.models[name].load_model_cls())


def engine_arguments(settings: dict[str, Any], device: str, rank: int) -> dict[str, Any]:
    """vLLM's arguments. `generation_config` keeps the model folder's own sampling habits (a repetition penalty in Qwen2's) out."""
    arguments = {
        "dtype": settings["dtype"],
        "tensor_parallel_size": settings["tensor_parallel"],
        "max_model_len": settings["max_model_len"],
        "max_num_seqs": settings["max_num_seqs"],
        "enforce_eager": settings["enforce_eager"],
        "attention_backend": settings["attention_backend"],
        "enable_prefix_caching": True,
        "generation_config": "vllm",
        "structured_outputs_config": {"backend": "guidance"},
        # Each answer's own times.
        "disable_log_stats": False,
        "seed": 0,
    }
    if device == "cpu":
        # Prefixes are shared in whole blocks, and the CPU's have to be multiples of 32 tokens.
        arguments |= {"block_size": 32, "kv_cache_memory_bytes": CPU_CACHE_BYTES}
        if settings["tensor_parallel"] == 1:
            arguments |= {"distributed_executor_backend": "uni"}
    else:
        arguments |= {"gpu_memory_utilization": settings["gpu_memory_utilization"]}
    if rank:
        # One place more than adapters in use, or rows without an adapter get the last one's weights (vLLM 0.32).
        arguments |= {"enable_lora": True, "max_loras": 2, "max_lora_rank": lora_rank(rank)}
    return arguments


def lora_rank(rank: int) -> int:
    """The smallest of vLLM's ranks that holds `rank`."""
    fitting = [allowed for allowed in LORA_RANKS if allowed >= rank]
    if not fitting:
        raise BadInput(f"an adapter has rank {rank}, vLLM takes {LORA_RANKS[-1]} at most; merge it instead")
    return fitting[0]


def check_precision(model: Path, precision: str) -> None:
    """Raise BadInput unless the model's config says what the variant does: awq, gptq, or bf16 for unquantized weights."""
    found = read_json(model / "config.json").get("quantization_config", {}).get("quant_method", "bf16")
    if found != precision:
        raise BadInput(f"{model}/config.json: the weights are {found}, the variant says {precision}; correct its precision in the config")


def check_strict(ids: Sequence[str], asks: Sequence[Ask], answers: Sequence[Answer], new_tokens: dict[str, int]) -> None:
    """Raise BadInput by id for the first answer under strict constraints that the challenge's parser does not read as promised."""
    broken = [
        (identity, answer)
        for identity, ask, answer in zip(ids, asks, answers, strict=True)
        if not well_formed(answer.task_type, ask.prompt, answer.response, new_tokens[answer.task_type])
    ]
    if broken:
        identity, answer = broken[0]
        raise BadInput(
            f"question {identity}: {answer.response!r} is no {answer.task_type} answer despite strict constraints ({len(broken)} such); "
            f"raise inference.new_tokens, {new_tokens[answer.task_type]} here, if it is cut short"
        )
