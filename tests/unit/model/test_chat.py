"""The chat layout against the tokenizer's own template, and the demo's tokenizer against what Qwen2's promises."""

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer

from shopbench.chat import TASK_TYPES, chat_answer, chat_prompt
from shopbench.chat_layouts import ChatLayout, own_stops
from shopbench.files import BadInput, write_json


def test_layout_is_the_chat_template(tokenizer):
    system = "You are a helpful online shopping assistant. Your task is named entity recognition."
    messages = [{"role": "system", "content": system}, {"role": "user", "content": "Which brand?\nGive it\n"}]
    expected = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert chat_prompt("  Which brand?   \nGive it \n", "named_entity_recognition") == expected


def test_system_prompt_names_each_task():
    for task_type, words in TASK_TYPES.items():
        assert f"Your task is {words}.<|im_end|>" in chat_prompt("x", task_type)


def test_answer_ends_with_one_end_token(tokenizer):
    ids = tokenizer(chat_answer("1,2"), add_special_tokens=False)["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == ["1", ",", "2", "<|im_end|>"]
    assert ids[-1] == tokenizer.eos_token_id


def test_saved_tokenizer_is_a_qwen2_tokenizer(base, tokenizer):
    loaded = AutoTokenizer.from_pretrained(base)
    assert isinstance(loaded, Qwen2Tokenizer)
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    assert loaded.convert_tokens_to_ids(special) == [len(loaded) - 3, len(loaded) - 2, len(loaded) - 1]
    text = "<|im_start|>user\nPreis: 1299,95 €  für Größe\t42 青い\x00🙂<|im_end|>"
    ids = loaded(text, add_special_tokens=False)["input_ids"]
    assert ids == tokenizer(text, add_special_tokens=False)["input_ids"]
    assert loaded.decode(ids) == text
    assert [token for token in loaded.convert_ids_to_tokens(ids) if any(c.isdigit() for c in token)] == list("12999542")


def test_decomposed_letters_are_composed(tokenizer):
    assert tokenizer("Gro\u0308ße", add_special_tokens=False)["input_ids"] == tokenizer("Größe", add_special_tokens=False)["input_ids"]


LLAMA_3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
NO_SYSTEM = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}[{{ m.content }}]{% endfor %}"
)


def own_layout(base, template):
    other = AutoTokenizer.from_pretrained(base)
    other.chat_template = template
    return ChatLayout("own", other, base)


def test_a_models_own_layout_has_the_same_words(base):
    text = own_layout(base, LLAMA_3).prompt("Which brand? \nGive it", "ranking")
    system = "You are a helpful online shopping assistant. Your task is ranking."
    assert text.endswith(
        f"<|start_header_id|>system<|end_header_id|>\n\n{system}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWhich brand?\nGive it"
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    )


def test_a_template_that_refuses_the_system_turn_gets_its_words_before_the_question(base):
    text = own_layout(base, NO_SYSTEM).prompt("Which?", "ranking")
    assert text == "[You are a helpful online shopping assistant. Your task is ranking.\n\nWhich?]"


def test_an_answer_ends_where_the_model_says(base, tokenizer, tmp_path):
    assert ChatLayout("chatml", tokenizer, base).stops == tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    assert own_stops(tokenizer, tmp_path) == [tokenizer.eos_token_id]
    write_json(tmp_path / "generation_config.json", {"eos_token_id": [7, 9]})
    assert own_stops(tokenizer, tmp_path) == [7, 9]


def test_a_tokenizer_without_the_layout_is_refused(base):
    with pytest.raises(BadInput, match="has no chat template; set `chat: chatml`"):
        own_layout(base, None)
    strange = Tokenizer(WordLevel({"a": 0}, "a"))
    with pytest.raises(BadInput, match=r"has no <\|im_end\|>; set `chat: own`"):
        ChatLayout("chatml", PreTrainedTokenizerFast(tokenizer_object=strange), base)
