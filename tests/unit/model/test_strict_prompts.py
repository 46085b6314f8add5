"""Ten thousand random prompts of all types under strict constraints, by the real vLLM on a tiny random Qwen2: every answer parses."""

from collections import Counter

import pytest
from random_questions import NEW_TOKENS, awkward_tokenizer, random_asks
from tiny_engine import ENGINE, save_base

from shopbench.constraints import well_formed
from shopbench.engine import Engine

PROMPTS = 10_000
# Fifty tokens each: a few are enough, as strict leaves their text free.
GENERATION_SHARE = 0.04
SETTINGS = ENGINE | {"max_model_len": 768, "max_num_seqs": 128}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("strict") / "base"
    save_base(awkward_tokenizer(), folder, layers=1)
    engine = Engine(folder, SETTINGS, NEW_TOKENS, "cpu")
    yield engine
    # Now, as later tests take torch's process group away, which vLLM would miss when Python ends.
    engine._llm.llm_engine.engine_core.shutdown()


def test_every_strict_answer_parses(engine):
    asks = list(random_asks(PROMPTS, seed=5, generation_share=GENERATION_SHARE))
    counts = Counter(ask.task_type for ask in asks)
    assert counts.keys() == NEW_TOKENS.keys() and min(counts.values()) > 300, counts
    answered = dict(engine.answers(asks, "strict"))
    assert len(answered) == PROMPTS
    broken = [
        (ask.task_type, ask.prompt, answered[index].response)
        for index, ask in enumerate(asks)
        if not well_formed(ask.task_type, ask.prompt, answered[index].response, NEW_TOKENS[ask.task_type])
    ]
    assert not broken, f"{len(broken)} answers, the first: {broken[0]}"
