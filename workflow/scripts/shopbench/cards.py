"""What the cards of datasets and blends share: counts, lengths in tokens, sample rows, hashes, and the sections of the page.

A card says where rows come from, what was left out and what they look like, so that nobody has to open the file (M. Pushkarna et al., Data
Cards, 2022). Its JSON has all that its Markdown shows.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from tokenizers import Tokenizer

from shopbench.chat import chat_answer, chat_prompt
from shopbench.files import BadInput, progress, sha256_of
from shopbench.hashing import hash64

COLUMNS = ["id", "dataset", "task_type", "locale", "prompt", "completion", "group", "split"]
PERCENTS = (5, 25, 50, 75, 95, 99)
SAMPLES = 3
# Encodings are much larger than their lengths, so they are made for so many texts at a time.
TOKENIZED_AT_ONCE = 1000


def counts(values: Iterable[str]) -> dict[str, int]:
    """How often each value stands there, the most frequent first, equals by name."""
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))


def row_counts(rows: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Rows by task type, locale, dataset, source and split. The source is where the raw rows are from: the first word of a group."""
    found = {column: counts(rows[column]) for column in ("task_type", "locale", "dataset", "split")}
    return found | {"source": counts(group.split(":")[0] for group in rows["group"])}


def percentiles(lengths: Sequence[int]) -> dict[str, int]:
    """Nearest-rank percentiles, and the largest: every number is the length of some row."""
    ordered = sorted(lengths)
    return {str(p): ordered[math.ceil(p * len(ordered) / 100) - 1] for p in PERCENTS} | {"max": ordered[-1]}


def read_tokenizer(base: str | Path) -> Tokenizer:
    """The tokenizer of a base model's folder."""
    path = Path(base) / "tokenizer.json"
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises no narrower one
        raise BadInput(f"{path}: not a tokenizer ({error}); a base model's folder needs one") from None


def token_percentiles(rows: pl.DataFrame, tokenizer: Tokenizer) -> dict[str, dict[str, int]]:
    """Percentiles of the rows' lengths in tokens: `prompt` is all that precedes the answer, `completion` the answer with its end token."""
    prompts = (chat_prompt(*row) for row in rows.select("prompt", "task_type").iter_rows())
    return {
        "prompt": percentiles(token_lengths(list(prompts), tokenizer)),
        "completion": percentiles(token_lengths([chat_answer(text) for text in rows["completion"]], tokenizer)),
    }


def token_lengths(texts: Sequence[str], tokenizer: Tokenizer) -> list[int]:
    """Tokens of each text."""
    lengths: list[int] = []
    for start in range(0, len(texts), TOKENIZED_AT_ONCE):
        batch = tokenizer.encode_batch_fast(list(texts[start : start + TOKENIZED_AT_ONCE]), add_special_tokens=False)
        lengths += [len(encoding) for encoding in batch]
        if len(lengths) % (50 * TOKENIZED_AT_ONCE) == 0:
            progress(f"tokenized {len(lengths):,} of {len(texts):,} texts")
    return lengths


def lowest_hashes(rows: pl.DataFrame, size: int) -> pl.DataFrame:
    """The `size` rows whose ids have the lowest hashes, in their order: the same rows whatever the file's order."""
    order = pl.Series("order", [hash64("card", identity) for identity in rows["id"]], dtype=pl.UInt64)
    return rows.with_columns(order).sort("order", "id").head(size).drop("order")


def samples(rows: pl.DataFrame) -> list[dict[str, str]]:
    """A few rows as the model sees them: all that precedes the answer, and what it learns to say."""
    return [
        {key: row[key] for key in ("id", "dataset", "task_type", "locale", "split")}
        | {"prompt": chat_prompt(row["prompt"], row["task_type"]), "completion": chat_answer(row["completion"])}
        for row in lowest_hashes(rows, SAMPLES).iter_rows(named=True)
    ]


def hashes(paths: Iterable[str | Path]) -> dict[str, str]:
    """SHA-256 by path."""
    return {str(path): sha256_of(path) for path in paths}


# The page


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; whole numbers get thousands separators."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(value: Any) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return " ".join(text.split()).replace("|", "\\|")


def fenced(text: str) -> str:
    """Text shown as it is: the fence is longer than any run of backticks in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}\n"


def reasons(found: dict[str, int]) -> str:
    """Counts by reason in one line."""
    return ", ".join(f"{reason}: {number:,}" for reason, number in found.items()) or "none"


def page(title: str, words: str, sections: dict[str, str]) -> str:
    """A Markdown page."""
    return f"# {title}\n\n{words}\n" + "".join(f"\n## {heading}\n\n{text}" for heading, text in sections.items())


def shared_sections(card: dict[str, Any]) -> dict[str, str]:
    """The sections that a dataset's card and a blend's have in common, by heading."""
    by = [(key, value, number) for key, values in card["counts"].items() for value, number in values.items()]
    lengths = [(part, *found.values()) for part, found in card["tokens"].items()]
    licences = [(name, ", ".join(s["licences"]), "simulated" if s["simulated"] else "real") for name, s in card["sources"].items()]
    files = [(kind, f"`{path}`", f"`{digest}`") for kind, found in card["sha256"].items() for path, digest in found.items()]
    return {
        "Rows by": table(["by", "value", "rows"], by),
        "Length in tokens": "By the base model's tokenizer, chat layout and end token included; nearest-rank percentiles.\n\n"
        + table(["part", *(f"{p} %" for p in PERCENTS), "max"], lengths),
        "Licences of the raw sources": table(["source", "licence", "data of this run"], licences),
        "Three rows as the model sees them": "\n".join(_shown(row) for row in card["samples"]),
        "SHA-256": table(["kind", "file", "sha256"], files),
    }


def _shown(row: dict[str, str]) -> str:
    where = ", ".join(row[key] for key in ("dataset", "task_type", "locale", "split"))
    return f"`{row['id']}` ({where}); what follows the assistant's mark is learned.\n\n{fenced(row['prompt'] + row['completion'])}"
