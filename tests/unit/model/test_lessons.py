"""The lessons of the demo's base model: every answer is right, by an argument that does not use the code that made it."""

import json
import re
from pathlib import Path
from random import Random

import pytest
import torch

from shopbench.dataset.combinators import numbered
from shopbench.lessons import lists, wording
from shopbench.lessons.mixture import (
    FADING,
    FEW_UNTIL,
    FEW_WORDS,
    GATE,
    MASTERED,
    MOST_WAITED,
    WAIT_STEPS,
    advanced,
    chunk,
    encoded,
    lessons,
    list_words,
)
from shopbench.lessons.shop import EASY_PAIRS, PAIRS, Shop, match_words
from shopbench.lessons.views import VIEWS, agree, word_of
from shopbench.lessons.words import CONCEPTS, INSTRUCTION_WORDS, LIST_WORDS
from shopbench.world_words import LANGUAGES

OPTION = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def shop():
    return Shop(3, products=2000, reviews=400)


def options_of(text):
    return {int(number): option for number, option in OPTION.findall(text)}


def question_and_answer(pieces):
    return pieces[0].text, pieces[1].text.removesuffix("<|im_end|>")


def test_a_word_stands_in_the_line_that_is_the_answer():
    for seed in range(200):
        pieces = lists.find_in_list(Random(seed), LIST_WORDS, back=0)
        lines = options_of(pieces[0].text)
        for asked, answer in zip(pieces[1::3], pieces[2::3], strict=True):
            words = re.fullmatch(r"\S+ '?(.*?)'?\n", asked.text)[1]
            assert f" {words} " in f" {lines[int(answer.text)]} "
            others = [line for number, line in lines.items() if number != int(answer.text)]
            assert answer.weight == 1 and asked.weight == 0 and all(words not in line.split("  ") for line in others)


def test_a_number_asked_backwards_is_answered_by_its_line():
    pieces = lists.find_in_list(Random(1), LIST_WORDS, back=1)
    lines = options_of(pieces[0].text)
    for asked, answer in zip(pieces[1::3], pieces[2::3], strict=True):
        assert answer.text == f" {lines[int(asked.text.removesuffix('.'))]}"


def test_a_meaning_is_found_in_other_letters_and_languages():
    """One line alone has a word of the concept that is asked for."""
    found_foreign = False
    for seed in range(300):
        pieces = lists.find_among(Random(seed), LIST_WORDS, meaning=1.0)
        asked = re.fullmatch(r"\S+ (.*)\n", pieces[0].text)[1].casefold()
        lines = options_of(pieces[1].text)
        meanings = [words for words in CONCEPTS if asked in {word.casefold() for word in words}]
        right = lines[int(pieces[3].text)].casefold()
        assert any(word.casefold() in right for words in meanings for word in words)
        found_foreign |= asked not in right
    assert found_foreign


def test_copies_repeat():
    first, again = lists.copy(Random(4), LIST_WORDS)
    text = re.sub(r"(\n|\. | \| )$", "", first.text)
    assert set(filter(None, re.split(r"\n|\. | \| ", again.text))) == {text}


def test_words_are_found_in_the_chat_too():
    for seed in range(100):
        pieces = match_words(Random(seed), LIST_WORDS)
        options = options_of(pieces[0].text)
        for asked, answer in zip(pieces[::2], pieces[1::2], strict=True):
            word = re.findall(rf"^(?:{'|'.join(wording.ANY_LABEL)}): (.*)$", asked.text, re.MULTILINE)[-1]
            assert f" {word} " in f" {options[int(answer.text.removesuffix('<|im_end|>'))]} "


def test_a_plain_match_asks_with_the_tokens_of_its_options(shop):
    """The first word asked for follows a label and a space, as options follow their number."""
    for seed in range(100):
        prompt, answer = question_and_answer(shop.match(Random(seed), (("brand", "title", 1),), more=0, plain=True))
        (brand,) = re.findall(r"^(?:Brand|Maker): (\S+)$", prompt, re.MULTILINE)
        assert [number for number, option in options_of(prompt).items() if option.startswith((brand, f"\u3010{brand}"))] == [int(answer)]


def test_exactly_one_option_of_a_match_fits(shop):
    """Told in English and by one word, the right option can be checked by reading it."""
    pairs = (("brand", "title", 1), ("title", "brand", 1))
    for seed in range(200):
        prompt, answer = question_and_answer(shop.match(Random(seed), pairs, more=0))
        options = options_of(prompt)
        rest = OPTION.sub("", prompt)
        shown = {number for number, option in options.items() if any(brand in rest for brand in brands_in(option, shop))}
        assert shown == {int(answer)}


def brands_in(text, shop):
    return [brand for brand in {item.brand for item in shop.products} if brand in text]


def test_options_of_a_match_differ_from_the_product_shown(shop):
    for asked, shown, _ in (*PAIRS, *EASY_PAIRS):
        random = Random(f"{asked} {shown}")
        item, other = random.sample(shop.products, 2)
        (_, told), (_, its) = (VIEWS[view].show(item, 0, random) for view in (asked, shown))
        assert not told & its or agree(item, told, item, its)
        if agree(item, told, other, its):
            assert all(word_of(item, name, 0) == word_of(other, name, 0) for name in told & its if name != "special")


def test_later_turns_ask_about_the_same_options(shop):
    for seed in range(100):
        pieces = shop.match(Random(seed), (("brand", "title", 1),), more=3)
        options = options_of(pieces[0].text)
        for asked, answer in zip(pieces[2::2], pieces[3::2], strict=True):
            brand = re.search(r": (\S+)\n", asked.text)[1]
            assert brand in options[int(answer.text.removesuffix("<|im_end|>"))]
            assert sum(brand in option for option in options.values()) == 1


def test_picks_are_all_that_fit(shop):
    """With a brand asked for, the numbers picked are those of the titles that hold it."""
    found = 0
    for seed in range(300):
        prompt, answer = question_and_answer(shop.pick(Random(seed), more=0))
        options = options_of(prompt)
        picked = [int(number) for number in answer.split(",")]
        assert picked == sorted(set(picked)) and 1 <= len(picked) <= 3 and set(picked) <= set(options)
        rest = OPTION.sub("", prompt)
        asked = [brand for brand in {item.brand for item in shop.products} if re.search(rf"(Brand|Maker): {brand}\n", rest)]
        if asked:
            found += 1
            assert picked == [number for number, option in options.items() if asked[0] in option]
    assert found


def test_a_ranking_is_a_permutation_with_an_exact_match_first(shop):
    for seed in range(100):
        prompt, answer = question_and_answer(shop.rank(Random(seed)))
        assert sorted(map(int, answer.split(","))) == sorted(options_of(prompt))


def test_reviews_are_ranked_by_their_stars(shop):
    stars = {review.text: review.rating for review in shop.reviews}
    for seed in range(50):
        prompt, answer = question_and_answer(shop.rank_reviews(Random(seed)))
        options = options_of(prompt)
        ratings = [{rating for text, rating in stars.items() if options[int(number)].endswith(text)} for number in answer.split(",")]
        assert all(max(worse) <= max(better) for better, worse in zip(ratings, ratings[1:], strict=False))


def test_entities_stand_in_the_text(shop):
    for seed in range(200):
        pieces = shop.entity(Random(seed))
        for answer in pieces[1::2]:
            assert answer.text.removesuffix("<|im_end|>") in pieces[0].text


def test_translations_are_the_other_languages_titles(shop):
    titles = {item.title(name): item for item in shop.products for name in LANGUAGES}
    seen = 0
    for seed in range(300):
        prompt, answer = question_and_answer(shop.write(Random(seed)))
        shown = [title for title in titles if title in prompt]
        if shown and answer in titles:
            seen += 1
            assert titles[answer] is titles[max(shown, key=len)] or titles[answer].title() == titles[max(shown, key=len)].title()
    assert seen


def test_no_wording_of_the_datasets_is_among_the_lessons():
    """Fine-tuning shall have something to teach."""
    modules = (Path(lists.__file__).resolve().parents[2] / "datasets").glob("*.py")
    known = "\n".join(module.read_text() for module in modules)
    assert len(known) > 10_000
    assert not [sentence for sentence in (*wording.ONE, *wording.SOME, *wording.IN_ORDER) if sentence in known]


def test_a_chunk_is_a_function_of_its_arguments(shop):
    def encode(texts):
        return [[ord(character) % 997 for character in text] for text in texts]

    one, again, other = (chunk(shop, number, 6_000_000, 1, encode) for number in (5, 5, 6))
    assert one == again != other
    assert all(len(example.ids) == len(example.weights) for batch in one for example in batch)


def test_words_of_lists_grow_and_lessons_fade_in(shop):
    assert len(list_words(0, 1)) == FEW_WORDS == len(list_words(FEW_UNTIL, 1))
    assert len(list_words(5 * FEW_UNTIL, 1)) == len(LIST_WORDS)
    assert list_words(0, 1) == list_words(2 * FEW_UNTIL, 1)[:FEW_WORDS]
    first, last = lessons(shop, GATE, 1), lessons(shop, GATE + FADING, 1)
    assert sum(share > 0 for share, *_ in first) < sum(share > 0 for share, *_ in last) == len(last)
    assert lessons(shop, GATE + 5 * FADING, 1) == last and lessons(shop, 0, 1)[0][0] == first[0][0]


def test_the_clock_waits_at_the_gate_until_the_loss_is_low():
    low, high = [MASTERED * 0.9] * WAIT_STEPS, [MASTERED * 1.1] * WAIT_STEPS
    assert advanced(0, 0, 500, high) == (500, 0)
    assert advanced(GATE - 10, 0, 500, low) == (GATE, 0), "the gate is not jumped"
    assert advanced(GATE, 700, 500, high) == advanced(GATE, 700, 500, low[1:]) == (GATE, 1200)
    assert advanced(GATE, 700, 500, [9.0, *low]) == (GATE + 500, 700)
    assert advanced(GATE, MOST_WAITED - 500, 500, high)[0] == GATE + 500, "it waits no longer than this"
    assert advanced(GATE + 1, 0, 500, high) == (GATE + 501, 0)


def test_answers_alone_weigh(shop):
    example = encoded(shop.match(Random(2), more=0), lambda texts: [[7] * len(text) for text in texts])
    answered = sum(weight > 0 for weight in example.weights)
    assert 0 < answered < 20 and not any(example.weights[:-answered])


def test_instructions_are_words_of_the_list():
    for seed in range(50):
        assert set(wording.any_words(Random(seed)).lower().strip("?.:").split()) <= set(INSTRUCTION_WORDS)


def test_numbered_lists_are_the_challenges():
    assert numbered(["a", "b"], 1) == "1. a\n2. b"


def test_heads_begin_to_look(tokenizer):
    """A first-layer head looks one token back, and a later one finds the token that it stands on, but not itself."""
    from shopbench.tiny_qwen2 import begin_to_look, make_model

    torch.manual_seed(1)
    shape = {"hidden_size": 128, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 4}
    model = make_model(tokenizer, shape | {"max_position_embeddings": 256})
    begin_to_look(model)
    model.set_attn_implementation("eager")
    ids = torch.randint(300, 400, (1, 20)).repeat(1, 2)
    with torch.no_grad():
        seen = model(input_ids=ids, output_attentions=True).attentions
    back = seen[0][0, 0].diagonal(-1)
    assert back.mean() > 0.4 > seen[0][0, 0].diagonal(0).mean()
    again = seen[1][0, :, range(20, 40), range(20)]
    assert again.mean() > 3 / 40, json.dumps(again.mean(1).tolist())


def test_forms_of_a_word_begin_alike(tokenizer):
    from shopbench.tiny_qwen2 import begin_alike, make_model

    torch.manual_seed(1)
    shape = {"hidden_size": 128, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 4}
    model = make_model(tokenizer, shape | {"max_position_embeddings": 256})
    begin_alike(model, tokenizer)
    table = model.model.embed_tokens.weight.detach()
    forms: dict[str, list[int]] = {}
    for token in range(len(tokenizer)):
        forms.setdefault(tokenizer.decode([token]).strip().casefold(), []).append(token)
    pairs = [tokens[:2] for word, tokens in forms.items() if word.isalpha() and len(tokens) > 1]
    assert len(pairs) > 20
    one, other = table[[pair[0] for pair in pairs]], table[[pair[1] for pair in pairs]]
    alike = torch.nn.functional.cosine_similarity(one, other)
    apart = torch.nn.functional.cosine_similarity(one, other.roll(1, 0))
    assert alike.min() > apart.max() and not (one == other).all(1).any()
    assert torch.equal(model.lm_head.weight, model.model.embed_tokens.weight)
