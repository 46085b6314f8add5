"""Hard negatives: wrong options that resemble the right one because they share a bucket with it (a query, a word, a category, a locale)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from shopbench.dataset.question import Draw, Skip

TRIES_PER_OPTION = 12


class Lookalikes:
    """Texts in buckets. Made from (bucket, text) pairs in any order."""

    def __init__(self, pairs: Iterable[tuple[Hashable, str]]) -> None:
        buckets: dict[Hashable, set[str]] = {}
        for bucket, text in pairs:
            if text:
                buckets.setdefault(bucket, set()).add(text)
        # Sorted, so that neither the pairs' order nor Python's string hashing shows in what is drawn.
        self._buckets = {bucket: sorted(texts) for bucket, texts in buckets.items()}

    def __getitem__(self, bucket: Hashable) -> list[str]:
        """The texts of a bucket, sorted; [] for a bucket that nothing is in."""
        return self._buckets.get(bucket, [])

    def wrong(
        self,
        draw: Draw,
        count: int,
        buckets: Sequence[Hashable],
        right: Iterable[str],
        unless: Callable[[str], bool] = lambda text: False,
    ) -> list[str]:
        """`count` distinct texts, from the first of `buckets` as far as it goes, then from the next.

        None equals a text in `right` (whatever its case), none is one that `unless` says may be right too. Skip if there are too few.
        """
        taken = {text.casefold() for text in right}
        found: list[str] = []
        for place, bucket in enumerate(buckets):
            for text in self._drawn(draw, bucket, place, count):
                if len(found) == count:
                    return found
                if text.casefold() not in taken and not unless(text):
                    found.append(text)
                    taken.add(text.casefold())
        if len(found) < count:
            raise Skip("too few wrong options")
        return found

    def _drawn(self, draw: Draw, bucket: Hashable, place: int, count: int) -> Iterable[str]:
        """Texts of a bucket in drawn order: all of a small one, random ones of a large one (which may repeat)."""
        texts = self[bucket]
        tries = TRIES_PER_OPTION * count
        if len(texts) <= tries:
            return draw.shuffled(texts, "wrong", place)
        return (draw.pick(texts, "wrong", place, number) for number in range(tries))
