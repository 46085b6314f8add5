"""Random logits instead of a model, through what vLLM makes of a constraint, its grammars' masks above all: every finished answer parses.

No weights are needed, so the logits can be worse than any model's: large, tied, or bent towards the signs that break answers.
"""

from collections import Counter

import pytest
import torch
from random_questions import NEW_TOKENS, awkward_tokenizer, random_asks
from vllm import SamplingParams
from vllm.config import StructuredOutputsConfig, VllmConfig
from vllm.sampling_params import StructuredOutputsParams
from vllm.v1.structured_output.backend_guidance import GuidanceBackend
from vllm.v1.structured_output.request import get_structured_output_key

from shopbench import parsers, shopping_mmlu_parsers
from shopbench.constraints import constraint, well_formed
from shopbench.engine import Ask

WALKS = 3_000
TEMPTING = [",", ", ", " ", "\n", "None", " None", "0", "-", "1", ".", "<|im_end|>", "<|endoftext|>", "'", "["]


@pytest.fixture(scope="module")
def tokenizer():
    return awkward_tokenizer()


@pytest.fixture(scope="module")
def backend(tokenizer):
    config = VllmConfig(structured_outputs_config=StructuredOutputsConfig(backend="guidance"))
    # Rounded up as a model's output layer is: the tokens beyond the tokenizer's must stay out of the masks.
    return GuidanceBackend(config, tokenizer=tokenizer, vocab_size=-(-len(tokenizer) // 64) * 64)


def walk(backend, tokenizer, ask, generator):
    """An answer of a model with random logits, greedy, stopped as the engine stops one; also whether it ended by itself."""
    limit = NEW_TOKENS[ask.task_type]
    end, other_end = (tokenizer.convert_tokens_to_ids(token) for token in ("<|im_end|>", "<|endoftext|>"))

    def encode(text):
        return tokenizer.encode(text, add_special_tokens=False)

    wanted = constraint("strict", ask.task_type, ask.prompt, limit, encode, end)
    grammar = bitmask = None
    if wanted.structured:
        key = get_structured_output_key(SamplingParams(structured_outputs=StructuredOutputsParams(**wanted.structured)).structured_outputs)
        grammar = backend.compile_grammar(*key)
        bitmask = backend.allocate_token_bitmask(1)
    habit = random_logits(backend.vocab_size, tokenizer, generator)
    tokens = []
    while len(tokens) < limit:
        logits = habit + torch.randn(backend.vocab_size, generator=generator)
        for token, bias in wanted.logit_bias.items():
            logits[token] += bias
        if wanted.allowed_token_ids:
            outside = torch.ones(backend.vocab_size, dtype=torch.bool)
            outside[wanted.allowed_token_ids] = False
            logits[outside] = -torch.inf
        if grammar:
            grammar.fill_bitmask(bitmask, 0)
            logits[~allowed(bitmask[0], backend.vocab_size)] = -torch.inf
        token = int(logits.argmax())
        if token in (end, other_end):
            return tokenizer.decode(tokens), True
        tokens.append(token)
        if grammar:
            assert grammar.accept_tokens("walk", [token]), (ask, tokens)
    return tokenizer.decode(tokens), False


def random_logits(vocabulary, tokenizer, generator):
    """What the walk's model prefers throughout: nothing, some tokens by far, or one of the tempting signs."""
    kind = int(torch.randint(3, (1,), generator=generator))
    logits = torch.randn(vocabulary, generator=generator) * (0.0, 10.0, 1.0)[kind]
    if kind == 2:
        sign = TEMPTING[int(torch.randint(len(TEMPTING), (1,), generator=generator))]
        logits[tokenizer.encode(sign, add_special_tokens=False)] += 20.0
    return logits


def allowed(words, vocabulary):
    """The mask's bits, 32 tokens a word, as booleans of shape (vocabulary,)."""
    bits = words.unsqueeze(1) >> torch.arange(32, dtype=torch.int32) & 1
    return bits.flatten()[:vocabulary].bool()


def test_every_random_walk_ends_in_an_answer_that_parses(backend, tokenizer):
    generator = torch.Generator().manual_seed(7)
    ended, seen = Counter(), Counter()
    for ask in random_asks(WALKS, seed=11, generation_share=0.02):
        text, by_itself = walk(backend, tokenizer, ask, generator)
        assert well_formed(ask.task_type, ask.prompt, text, NEW_TOKENS[ask.task_type]), (ask, text)
        if ask.task_type in ("multiple-choice", "ranking", "retrieval"):
            assert parsers.parse(text, ask.task_type) == shopping_mmlu_parsers.parse(text, ask.task_type)
        seen[ask.task_type] += 1
        ended[ask.task_type] += by_itself
    assert seen.keys() == NEW_TOKENS.keys()
    # Both ways out were walked: entities cut short by the limit, and entities ended by a token.
    assert 0 < ended["named_entity_recognition"] < seen["named_entity_recognition"]


def test_texts_that_are_not_in_nfc(backend, tokenizer):
    # A grave accent above and a tack below, in the order that NFC turns round.
    ask = Ask("Extract the keyphrase.\nQuery: \u036d\u0300\u031dcad", False)
    for seed in range(50):
        text, _ = walk(backend, tokenizer, ask, torch.Generator().manual_seed(seed))
        assert well_formed(ask.task_type, ask.prompt, text, NEW_TOKENS[ask.task_type])


def test_without_the_grammar_the_walks_do_not_parse(backend, tokenizer):
    generator = torch.Generator().manual_seed(7)
    broken = 0
    asks = [ask for ask in random_asks(300, seed=11, generation_share=0) if ask.task_type in ("multiple-choice", "ranking", "retrieval")]
    for ask in asks:
        tokens = random_logits(backend.vocab_size, tokenizer, generator).topk(NEW_TOKENS[ask.task_type]).indices
        broken += not well_formed(ask.task_type, ask.prompt, tokenizer.decode(tokens.tolist()), NEW_TOKENS[ask.task_type])
    assert broken > 0.9 * len(asks)
