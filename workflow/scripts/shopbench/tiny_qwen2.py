"""A Qwen2 small enough for a laptop: the real architecture, chat layout and way of tokenizing, with a vocabulary of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

END_OF_TEXT, TURN_START, TURN_END = SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

# ChatML as Qwen2-Instruct has it, its default system prompt included.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Qwen2Tokenizer:
    """Learn a byte-level BPE with Qwen2's normalizer and pre-tokenizer: no byte is unknown, every digit is a token of its own.

    Has at most `vocabulary` tokens, the three special ones last as in Qwen2.
    """
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated")
    learner.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    learner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(SPECIAL_TOKENS), initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    learner.train_from_iterator(texts, trainer)
    learned = json.loads(learner.to_str())["model"]
    special = {token: len(learned["vocab"]) + place for place, token in enumerate(SPECIAL_TOKENS)}
    return Qwen2Tokenizer(
        vocab=learned["vocab"] | special,
        merges=[tuple(merge) for merge in learned["merges"]],
        unk_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        eos_token=TURN_END,
        extra_special_tokens=[TURN_START],
        chat_template=CHAT_TEMPLATE,
    )


# Angles a token, in radians, from which on a rotary pair tells near tokens apart; slower ones hardly turn within a prompt.
QUICK = 0.02


def make_model(tokenizer: Qwen2Tokenizer, shape: dict[str, int]) -> Qwen2ForCausalLM:
    """Draw an untrained float32 model from torch's global seed; `shape` has fields of Qwen2Config.

    The vocabulary is padded to a multiple of 64.
    """
    config = Qwen2Config(
        vocab_size=-(-len(tokenizer) // 64) * 64,
        **shape,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen2ForCausalLM(config)
    # As Qwen2-Instruct's: greedy decoding ends at either token.
    model.generation_config = GenerationConfig(
        eos_token_id=[tokenizer.eos_token_id, tokenizer.pad_token_id], pad_token_id=tokenizer.pad_token_id, do_sample=False
    )
    return model


@torch.no_grad()
def begin_to_look(model: Qwen2ForCausalLM, match: float = 1.0, back: float = 3.0, apart: float = 1.5, matching_layers: int = 3) -> None:
    """Change a fresh model's queries and keys so that its heads begin as what looking things up is made of.

    Heads of the first layer's first half look 1, 2, ... tokens back: query and key biases, which Qwen2 has, differ by that phase in the
    quick rotary pairs. The other heads of the first `matching_layers` layers look for the token that they stand on: query and key weights
    are the same in the slow pairs, and biases in the quick ones keep them from finding themselves.

    Needs as many key heads as query heads. Source: mimetic initialization (Trockman, Kolter, arXiv 2305.09828) for the equal weights;
    the biases are ours.
    """
    config = model.config
    heads, width = config.num_attention_heads, config.hidden_size
    size = width // heads
    half = size // 2
    speeds = config.rope_parameters["rope_theta"] ** -(torch.arange(0, size, 2) / size)
    quick, slow = (speeds >= QUICK).nonzero().flatten(), (speeds < QUICK).nonzero().flatten()
    slow = torch.cat([slow, slow + half])
    for number, layer in enumerate(model.model.layers[:matching_layers]):
        attention = layer.self_attn
        queries, keys = attention.q_proj.weight.view(heads, size, width), attention.k_proj.weight.view(heads, size, width)
        query_biases, key_biases = attention.q_proj.bias.view(heads, size), attention.k_proj.bias.view(heads, size)
        for head in range(heads):
            if number == 0 and head < heads // 2:
                angles = -speeds[quick] * (head + 1)
                key_biases[head, quick] = back
                query_biases[head, quick], query_biases[head, quick + half] = back * angles.cos(), back * angles.sin()
            else:
                keys[head, slow] = torch.randn(len(slow), width) * match / math.sqrt(width)
                queries[head, slow] = keys[head, slow]
                key_biases[head, quick], query_biases[head, quick] = apart, -apart


# What forms of one word share in their vectors, and of the rest, what a form (a space before it, a capital) has in common with its like.
SHARED, FORM = 0.8, 0.85


@torch.no_grad()
def begin_alike(model: Qwen2ForCausalLM, tokenizer: Qwen2Tokenizer) -> None:
    """Draw the embeddings and the output layer of a fresh model anew: " Belt", "belt" and "Belt" begin alike, and output as input.

    An answer's first word is another token than the same word in the prompt, which has a space before it; a query is in small letters, a
    title is not. A net that has to learn from examples that two tokens are one word learns it for few. Ours; large models' embeddings are
    found to be alike in this way.
    """
    size, width = model.config.vocab_size, model.config.hidden_size
    texts = [tokenizer.decode([number]) if number < len(tokenizer) else "" for number in range(size)]
    places: dict[str, int] = {}
    words = torch.tensor([places.setdefault(text.strip().casefold() or f"<{number}>", len(places)) for number, text in enumerate(texts)])
    shared, own = torch.randn(len(places), width)[words], torch.randn(size, width)
    for has_form in (lambda text: text.startswith(" "), lambda text: text.strip()[:1].isupper()):
        rows = torch.tensor([has_form(text) for text in texts])
        own[rows] = FORM * torch.randn(width) + math.sqrt(1 - FORM**2) * own[rows]
    table = (SHARED * shared + math.sqrt(1 - SHARED**2) * own) * model.config.initializer_range
    model.model.embed_tokens.weight.copy_(table)
    model.lm_head.weight.copy_(table)
