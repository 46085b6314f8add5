"""The chat layout against the tokenizer's own template, and the demo's tokenizer against what Qwen2's promises."""

from transformers import AutoTokenizer
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer

from shopbench.chat import TASK_TYPES, chat_answer, chat_prompt


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
