"""The real vLLM on a tiny random Qwen2: constraints hold, adapters act, nothing depends on the order of questions."""

import random

import pytest
import torch
from random_questions import NEW_TOKENS
from safetensors.torch import load_file, save_file
from tiny_engine import ENGINE, save_base
from transformers import AutoModelForCausalLM, AutoTokenizer

from shopbench.chat import chat_prompt
from shopbench.constraints import cut_text, well_formed
from shopbench.engine import Ask, Engine
from shopbench.files import write_json
from shopbench.scaled_adapter import scale_adapter
from shopbench.tiny_qwen2 import train_tokenizer

SETTINGS = ENGINE | {"max_model_len": 384, "max_num_seqs": 64}
AWKWARD = """shampoo aveda 3.5 mm men's "gift" set, für Zuhause テスト タブレット ケース 👍 cad-bury 100%cotton \\d+ {brand} [size] l’eau
None none <b> 12oz. trés €5 100, 200 A/B (red)"""
WORDS = AWKWARD.split()


RANK, LORA_ALPHA = 4, 8


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A base model, and an adapter on all its linear layers in PEFT's format."""
    folder = tmp_path_factory.mktemp("models")
    tokenizer = train_tokenizer([" ".join(WORDS), "Extract the keyphrase. Select three. 0123456789,\n"] * 4, 640)
    base = save_base(tokenizer, folder / "base")
    save_adapter(base, folder / "adapter")
    return folder


def save_adapter(base, folder):
    layers = {name: layer for name, layer in base.named_modules() if isinstance(layer, torch.nn.Linear) and name != "lm_head"}
    weights = {}
    for name, layer in layers.items():
        weights[f"base_model.model.{name}.lora_A.weight"] = torch.randn(RANK, layer.in_features) / 4
        weights[f"base_model.model.{name}.lora_B.weight"] = torch.randn(layer.out_features, RANK) / 4
    folder.mkdir()
    save_file(weights, folder / "adapter_model.safetensors")
    targets = sorted({name.rpartition(".")[2] for name in layers})
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "bias": "none", "r": RANK, "lora_alpha": LORA_ALPHA, "target_modules": targets}
    write_json(folder / "adapter_config.json", config)


@pytest.fixture(scope="module")
def engine(folders):
    engine = Engine(folders / "base", SETTINGS, NEW_TOKENS, "cpu", RANK)
    yield engine
    # Now, as later tests take torch's process group away, which vLLM would miss when Python ends.
    engine._llm.llm_engine.engine_core.shutdown()


def random_asks(number):
    """Questions of all types, with awkward words, few and many options."""
    choice = random.Random(3)

    def some(least, most):
        return " ".join(choice.choices(WORDS, k=choice.randint(least, most)))

    def options(first, count):
        return "\n".join(f"{first + n}. {some(1, 4)}" for n in range(count))

    kinds = [
        lambda: Ask(f"Which of them has {some(1, 3)}?\n{options(0, choice.randint(2, 6))}\nAnswer: ", True),
        lambda: Ask(f"Evaluate the review on a scale of 1 to 5.\n{some(3, 20)}\nAnswer: ", True),
        lambda: Ask(f"Select 3 products that fit {some(1, 3)}.\n{options(1, choice.randint(2, 22))}\nOutput: ", False),
        lambda: Ask(f"Rank for {some(1, 3)}.\n{options(1, choice.randint(2, 5))}\nOnly respond with the ranking results.", False),
        lambda: Ask(f"Directly output the entity without repeating the entity type.\nQuery: {some(1, 12)}\nOutput: ", False),
        lambda: Ask(f"Translate '{some(1, 8)}' into German.", False),
    ]
    return [choice.choice(kinds)() for _ in range(number)]


def responses(engine, asks, mode, adapter=None):
    """Responses in the order of `asks`."""
    answered = dict(engine.answers(asks, mode, adapter))
    return [answered[index].response for index in range(len(asks))]


def share_well_formed(asks, texts):
    fit = [well_formed(a.task_type, a.prompt, t, NEW_TOKENS[a.task_type]) for a, t in zip(asks, texts, strict=True)]
    return sum(fit) / len(fit)


def test_strict_answers_always_parse_and_free_ones_do_not(engine):
    asks = random_asks(300)
    assert {ask.task_type for ask in asks} == set(NEW_TOKENS)
    assert share_well_formed(asks, responses(engine, asks, "strict")) == 1
    closed = [ask for ask in asks if ask.task_type in ("multiple-choice", "retrieval", "ranking")]
    assert share_well_formed(closed, responses(engine, closed, "none")) < 0.1


def test_strict_entities_are_pieces_of_the_prompt(engine):
    asks = [ask for ask in random_asks(300) if ask.task_type == "named_entity_recognition"]
    for ask, text in zip(asks, responses(engine, asks, "strict"), strict=True):
        pieces = [piece.strip() for piece in text.split(",")]
        assert pieces[0] and all(piece in ask.prompt for piece in pieces), text


def test_boosted_answers_are_made_of_digits_and_commas(engine):
    asks = [ask for ask in random_asks(100) if ask.task_type in ("multiple-choice", "retrieval", "ranking")]
    boosted, free = responses(engine, asks, "boost"), responses(engine, asks, "none")
    assert all(set(text) <= set("0123456789,") for text in boosted)
    assert sum(b != f for b, f in zip(boosted, free, strict=True)) > len(asks) / 2


def test_answers_do_not_depend_on_the_order_of_questions(engine):
    asks = random_asks(60)
    there = responses(engine, asks, "strict")
    back = responses(engine, asks[::-1], "strict")[::-1]
    assert there == back


def test_adapters_and_alphas_are_the_merged_weights(engine, folders, tmp_path):
    asks = [ask for ask in random_asks(60) if ask.task_type == "generation"]
    scale_adapter(folders / "adapter", 0.5, tmp_path / "half")
    base = responses(engine, asks, "none")
    whole = responses(engine, asks, "none", folders / "adapter")
    half = responses(engine, asks, "none", tmp_path / "half")
    assert [base, half, whole] == [greedy_with_merged_weights(folders, alpha, asks) for alpha in (0, 0.5, 1)]
    assert base == responses(engine, asks, "none"), "the base model keeps something of an adapter"
    assert base != half != whole


def greedy_with_merged_weights(folders, alpha, asks):
    """The same answers from transformers alone, one prompt at a time, with W + alpha * lora_alpha / r * B A written into the weights."""
    tokenizer = AutoTokenizer.from_pretrained(folders / "base")
    model = AutoModelForCausalLM.from_pretrained(folders / "base", dtype=torch.float32)
    adapter = load_file(folders / "adapter/adapter_model.safetensors")
    with torch.no_grad():
        for name in [name for name in adapter if "lora_A" in name]:
            delta = LORA_ALPHA / RANK * adapter[name.replace("lora_A", "lora_B")] @ adapter[name]
            model.get_submodule(name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")).weight += alpha * delta
    texts = []
    for ask in asks:
        prompt = torch.tensor([tokenizer.encode(chat_prompt(ask.prompt, ask.task_type), add_special_tokens=False)])
        output = model.generate(input_ids=prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=50, do_sample=False)
        text = tokenizer.decode(output[0, prompt.shape[1] :], skip_special_tokens=True)
        # vLLM leaves out a last character that the limit cut in two.
        texts.append(cut_text(text.rstrip("\ufffd")))
    return texts


def test_long_prompts_are_cut_in_the_middle_and_still_answered(engine):
    before = engine.cut_prompts
    asks = [Ask("Review: " + "shampoo " * 1000 + "\n" + "\n".join(f"{n}. thing" for n in range(1, 11)) + "\nSelect 3.", False)]
    assert share_well_formed(asks, responses(engine, asks, "strict")) == 1
    assert engine.cut_prompts == before + 1
