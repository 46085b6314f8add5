"""The challenge's nine metrics, each for one question: from a parsed response and the truth to a score in [0, 1].

Micro F1 alone is not a mean of questions' scores: a question gives counts (`entity_counts`), which a task sums before it takes F1 (`f1`).
Text libraries and sentence models are imported when a metric first needs them.

Rules: KDD Cup 2024 (Amazon), starter kit; Shopping MMLU's scorer has the same. ROUGE-L splits and stems like rouge_score. BLEU is
sacreBLEU's `corpus_bleu` of one sentence, which takes all four orders of n-grams whatever the length, unlike its `sentence_bleu`.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shopbench.files import BadInput
from shopbench.loading import loading_for_good

if TYPE_CHECKING:
    import numpy as np

SENTENCE_METRICS = ("sent-transformer", "multilingual-sent-transformer")
MODEL_INSIDE_PACKAGE = "package:"


def accuracy(choice: int, truth: int) -> float:
    """1 for the right option's index, else 0."""
    return float(choice == truth)


def hit_rate_at_3(retrieved: list[int], truth: list[int]) -> float:
    """Share of the distinct truths that the first three retrieved indices name: |truth and first three| / |truth|."""
    return len(set(truth) & set(retrieved[:3])) / len(truth)


def ndcg(ranking: list[int], weights: list[float]) -> float:
    """Normalised discounted cumulative gain of a ranking; index i (from 1) earns `weights[i - 1]`.

    Gain 2^w - 1, discount log2(rank + 1). The ranking is cut to the number of candidates; an index beyond the last
    one earns nothing; 0 when the ideal is 0. Like the kit, and only for the sake of equal scores, index 0 wraps round
    and earns the last candidate's weight, -1 the last but one's. So a response that lists both 0 and the last index counts
    one product twice and can exceed 1.
    """
    candidates = len(weights)
    earned = [weights[index - 1] if -candidates < index <= candidates else 0.0 for index in ranking[:candidates]]
    ideal = _discounted(sorted(weights, reverse=True))
    return _discounted(earned) / ideal if ideal else 0.0


def _discounted(relevances: Iterable[float]) -> float:
    return sum((2.0**relevance - 1.0) / math.log2(rank + 1) for rank, relevance in enumerate(relevances, start=1))


def entity_counts(entities: list[str], truth: list[str]) -> tuple[int, int, int]:
    """(true positives, false positives, false negatives) of one question, lower-cased.

    True positives are distinct, false ones are not: an entity that is named twice is right once and wrong once.
    """
    named = [entity.lower().strip(" ") for entity in entities]
    wanted = [entity.lower() for entity in truth]
    right = len(set(named) & set(wanted))
    return right, len(named) - right, len(wanted) - right


def f1(true_positives: float, false_positives: float, false_negatives: float) -> float:
    """Harmonic mean of precision and recall, 0 where it is undefined."""
    total = 2 * true_positives + false_positives + false_negatives
    return 2 * true_positives / total if total else 0.0


def rouge_l(text: str, truth: str) -> float:
    """F-measure of the longest common subsequence of stemmed words (ROUGE-L), on rouge_score's words.

    The subsequence's length comes from bit vectors: the library's table in plain Python takes minutes for the
    constants that are tried on a task of long texts. H. Hyyrö, Bit-parallel LCS-length computation revisited (2004).
    """
    said, wanted = _stemmed_words(text), _stemmed_words(truth)
    places: dict[str, int] = {}
    for place, word in enumerate(wanted):
        places[word] = places.get(word, 0) | 1 << place
    unmatched = everything = (1 << len(wanted)) - 1
    for word in said:
        matches = unmatched & places.get(word, 0)
        unmatched = (unmatched + matches | unmatched - matches) & everything
    common = len(wanted) - unmatched.bit_count()
    return f1(common, len(said) - common, len(wanted) - common)


@lru_cache(maxsize=50_000)
def _stemmed_words(text: str) -> tuple[str, ...]:
    """rouge_score's words of a text; kept, because stemming is slow and each truth is compared with many responses."""
    return tuple(_rouge_tokenizer().tokenize(text))


@cache
def _rouge_tokenizer() -> Any:
    from rouge_score.tokenizers import DefaultTokenizer

    return DefaultTokenizer(use_stemmer=True)


def bleu(text: str, truth: str, tokenizer: str = "13a") -> float:
    """BLEU of the response's first line against the truth, lower-cased, divided by 100 ("ja-mecab" splits Japanese).

    A line of fewer than four words has no four-gram and scores 0, right or wrong, as in the challenge.
    """
    import sacrebleu

    lines = text.strip("\n").split("\n")
    return min(1.0, sacrebleu.corpus_bleu([lines[0]], [[truth]], lowercase=True, tokenize=tokenizer).score / 100)


class SentenceModel:
    """A sentence-transformers model that embeds every text once; vectors have length 1, so their products are cosines."""

    def __init__(self, name: str) -> None:
        """`name` is a folder, a name on the hub, or `package:<module>`: a Python package with the weights in its `model/` folder."""
        self._name = model_location(name)
        self._model: Any = None
        self._vectors: dict[str, np.ndarray] = {}

    def embed(self, texts: Iterable[str]) -> None:
        """Embed, in one batch, the texts that are new. Raises BadInput when the model cannot be loaded."""
        new = sorted({text for text in texts if text not in self._vectors})
        if not new:
            return
        if self._model is None:
            self._model = _load_sentence_model(self._name)
        vectors = self._model.encode(new, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)
        self._vectors.update(zip(new, vectors, strict=True))

    def similarity(self, text: str, truth: str | list[str]) -> float:
        """Cosine with the truth, the mean over several, never below 0. Texts that were not embedded yet are embedded now."""
        references = [truth] if isinstance(truth, str) else truth
        self.embed([text, *references])
        cosines = [float(self._vectors[text] @ self._vectors[reference]) for reference in references]
        return min(1.0, max(0.0, sum(cosines) / len(cosines)))


def model_location(name: str) -> str:
    """What sentence-transformers should open for a model name in the config. Raises BadInput for a `package:` that is not installed."""
    if not name.startswith(MODEL_INSIDE_PACKAGE):
        return name
    module = name.removeprefix(MODEL_INSIDE_PACKAGE)
    spec = importlib.util.find_spec(module)
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
    if folder is None or not folder.is_dir():
        raise BadInput(f"the Python package '{module}' with a sentence model in its model/ folder is not installed")
    return str(folder)


def _load_sentence_model(location: str) -> Any:
    try:
        with loading_for_good():
            from sentence_transformers import SentenceTransformer

            return SentenceTransformer(location, device="cpu")
    except (OSError, ValueError, ImportError) as error:
        raise BadInput(f"the sentence model '{location}' cannot be loaded ({str(error).splitlines()[0]})") from None


def score_response(metric: str, parsed: Any, truth: Any, models: dict[str, SentenceModel]) -> float | tuple[int, int, int]:
    """One parsed response under one metric: a score, or for micro F1 the three counts.

    A sentence metric needs its model in `models` (KeyError). Of several reference texts, ROUGE-L and BLEU take the one that fits best.
    """
    if metric == "accuracy":
        return accuracy(parsed, truth)
    if metric == "hit rate@3":
        return hit_rate_at_3(parsed, truth)
    if metric == "ndcg":
        return ndcg(parsed, truth)
    if metric == "micro f1":
        return entity_counts(parsed, truth)
    if metric in SENTENCE_METRICS:
        return models[metric].similarity(parsed, truth)
    references = [truth] if isinstance(truth, str) else truth
    if metric == "rougel":
        return max(rouge_l(parsed, reference) for reference in references)
    if metric in ("bleu", "jp-bleu"):
        return max(bleu(parsed, reference, "ja-mecab" if metric == "jp-bleu" else "13a") for reference in references)
    raise KeyError(metric)
