"""The forms of question that the challenge knows, one function each.

Every function takes the row's `Draw`, the module's wordings (one is drawn) and the parts that the wording names as {fields}. `{options}`
stands for the numbered list: from 0 in multiple choice, from 1 in retrieval and ranking, as in the challenge.
Each raises `Skip` when its parts cannot make a sound question.
"""

from __future__ import annotations

from collections.abc import Sequence

from shopbench.dataset.question import Draw, Question, Skip

# The challenge's parser reads one character, and the winners' constraint allows the digits 0-5.
MOST_CHOICES = 6
MOST_RANKED = 5
MOST_RETRIEVED = 3


def match_one(draw: Draw, wordings: Sequence[str], *, right: str, wrong: Sequence[str], **fields: str) -> Question:
    """Multiple choice: `right` among `wrong` ones, in drawn order."""
    options = draw.shuffled([right, *wrong], "options")
    return choose(draw, wordings, options=options, answer=options.index(right), **fields)


def choose(draw: Draw, wordings: Sequence[str], *, options: Sequence[str], answer: int, **fields: str) -> Question:
    """Multiple choice with options in the order given; `answer` counts from 0."""
    _require_distinct(options, least=2, most=MOST_CHOICES)
    prompt = _word(draw, wordings, options=numbered(options, first=0), **fields)
    return Question("multiple-choice", prompt, str(answer), answer)


def rate(draw: Draw, wordings: Sequence[str], *, rating: int, **fields: str) -> Question:
    """Multiple choice without a list: the answer is a rating from 1 to 5."""
    return Question("multiple-choice", _word(draw, wordings, **fields), str(rating), rating)


def pick_some(draw: Draw, wordings: Sequence[str], *, right: Sequence[str], wrong: Sequence[str], **fields: str) -> Question:
    """Retrieval: find the (at most 3) right ones in a list of right and wrong ones, in drawn order."""
    if not 1 <= len(right) <= MOST_RETRIEVED:
        raise Skip("not 1 to 3 right candidates")
    options = draw.shuffled([*right, *wrong], "options")
    _require_distinct(options, least=len(right) + 2, most=99)
    truth = [place for place, option in enumerate(options, start=1) if option in right]
    prompt = _word(draw, wordings, options=numbered(options, first=1), **fields)
    return Question("retrieval", prompt, ",".join(map(str, truth)), truth)


def rank(draw: Draw, wordings: Sequence[str], *, options: Sequence[str], relevance: Sequence[float], **fields: str) -> Question:
    """Ranking: options with their relevances (higher is better), shown in drawn order; equals are answered in the order shown."""
    if len(set(relevance)) < 2:
        raise Skip("nothing to rank: all equally relevant")
    order = draw.shuffled(range(len(options)), "options")
    shown = [options[place] for place in order]
    _require_distinct(shown, least=2, most=MOST_RANKED)
    truth = [float(relevance[place]) for place in order]
    best = sorted(range(len(truth)), key=lambda place: -truth[place])
    prompt = _word(draw, wordings, options=numbered(shown, first=1), **fields)
    return Question("ranking", prompt, ",".join(str(place + 1) for place in best), truth)


def extract(draw: Draw, wordings: Sequence[str], *, text: str, entities: Sequence[str], **fields: str) -> Question:
    """Named entity recognition: entities that stand in `text` word for word, spelt as there."""
    found: list[str] = []
    for entity in entities:
        start = text.casefold().find(entity.casefold()) if entity.strip() else -1
        # Casefolding may change lengths ("ß"): what is cut out must still be the entity.
        spelt = text[start : start + len(entity)]
        if start < 0 or spelt.casefold() != entity.casefold():
            raise Skip("entity not in the text")
        if "," in entity or "\n" in entity:
            raise Skip("entity with a comma")
        if spelt.lower() not in (other.lower() for other in found):
            found.append(spelt.strip())
    if not found:
        raise Skip("no entity")
    return Question("named_entity_recognition", _word(draw, wordings, text=text, **fields), ", ".join(found), found)


def generate(draw: Draw, wordings: Sequence[str], *, answer: str, **fields: str) -> Question:
    """Generation: any text."""
    if not answer.strip():
        raise Skip("no answer")
    return Question("generation", _word(draw, wordings, **fields), answer.strip(), answer.strip())


def numbered(options: Sequence[str], first: int) -> str:
    """One option a line, "3. text"."""
    return "\n".join(f"{number}. {option}" for number, option in enumerate(options, start=first))


def _word(draw: Draw, wordings: Sequence[str], **fields: str) -> str:
    return draw.wording(wordings).format(**fields).strip()


def _require_distinct(options: Sequence[str], least: int, most: int) -> None:
    if not all(option.strip() for option in options):
        raise Skip("empty option")
    if len({option.casefold() for option in options}) < len(options):
        raise Skip("two options alike")
    if len(options) < least:
        raise Skip("too few options")
    if len(options) > most:
        raise ValueError(f"{len(options)} options, at most {most} can be answered")
