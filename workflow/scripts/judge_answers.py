"""Judge the answers of a language model: which are kept, and why the others are not.

    python workflow/scripts/judge_answers.py --answers results/demo/answers/product_types.jsonl \\
      --module workflow/scripts/synthetic/product_types.py --template workflow/prompts/product_types.yaml \\
      --evaluation results/demo/evaluation/development.parquet --output results/demo/synthetic/product_types.jsonl

Reads the answers (see ask_language_model.py), the schema of the template and the evaluation sets. An answer is kept when it parses, fits
the schema, passes the set's own validator (grounded in its seed, right when recomputed, not a copy, in the language asked for, within its
bounds), was not called wrong by the self-check, shares no content with an evaluation question (13 words in a row, shopbench/overlap.py)
and is no near-duplicate of an answer kept before it. Leaves the lines of the answers, in their order, each with

    made       the answer as datasets take it (null if it is not kept)
    verdict    "kept", or the reason why not
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema

from shopbench.files import BadInput, progress, run_program, whole_text
from shopbench.language_model.kept import KEPT
from shopbench.language_model.prompts import read_template
from shopbench.language_model.verdicts import NearDuplicates, Reject, require
from shopbench.modules import load_module
from shopbench.overlap import EvaluationText
from shopbench.tables import read_table

# Lines in memory at once.
CHUNK = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=Path, required=True, help="JSON lines of answers")
    parser.add_argument("--module", required=True, help="the set's module, whose `judge` is its validator")
    parser.add_argument("--template", type=Path, required=True, help="the set's template, for the schema of an answer")
    parser.add_argument("--evaluation", nargs="*", default=[], type=Path, help="evaluation sets (Parquet) to keep out")
    parser.add_argument("--output", type=Path, required=True, help="JSON lines to write")
    args = parser.parse_args()

    module = load_module(args.module, "judge", "NEW_TEXT")
    schema = jsonschema.Draft202012Validator(read_template(args.template).answer)
    questions = EvaluationText({path.stem: read_table(path, ["prompt"])["prompt"].to_list() for path in args.evaluation})
    told_before = NearDuplicates()
    verdicts: Counter[str] = Counter()
    with whole_text(args.output) as stream:
        for lines in chunks(args.answers):
            judged = [judge(line, module, schema) for line in lines]
            new_text = [made[module.NEW_TEXT] if made and module.NEW_TEXT else "" for made, _ in judged]
            leaks = questions.overlaps(new_text)
            for line, (made, verdict), text, leak in zip(lines, judged, new_text, leaks, strict=True):
                if text and verdict == KEPT:
                    verdict = "overlaps an evaluation question" if leak else is_new(text, told_before)
                verdicts[verdict] += 1
                kept = {"made": made if verdict == KEPT else None, "verdict": verdict}
                stream.write(json.dumps(line | kept, ensure_ascii=False) + "\n")
    progress(f"{args.answers.stem}: {verdicts[KEPT]} of {verdicts.total()} kept, {dict(verdicts.most_common())}")


def chunks(path: Path) -> Iterator[list[dict[str, Any]]]:
    """The lines of answers, so many at a time."""
    with path.open(encoding="utf-8") as stream:
        numbered = enumerate(stream, start=1)
        while some := list(islice(numbered, CHUNK)):
            yield [read_line(path, number, text) for number, text in some]


def read_line(path: Path, number: int, text: str) -> dict[str, Any]:
    try:
        line: dict[str, Any] = json.loads(text)
        line["seed"], line["response"], line["reason"], line["check"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadInput(f"{path}, line {number}: no line of answers; delete the file and run again") from None
    return line


def judge(line: dict[str, Any], module: ModuleType, schema: jsonschema.Draft202012Validator) -> tuple[dict[str, Any] | None, str]:
    """(the answer as datasets take it or None, verdict) by all checks that look at this answer alone."""
    try:
        require(line["response"] is not None, f"no answer: {line['reason']}")
        answer = parsed(line["response"])
        require(schema.is_valid(answer), "not as the schema asks")
        made: dict[str, Any] = module.judge(line["seed"], answer)
        require(line["check"] is not False, "called wrong by the self-check")
    except Reject as reason:
        return None, str(reason)
    return made, KEPT


def parsed(text: str) -> Any:
    """The answer's JSON value. Half a surrogate pair, which JSON's escapes can spell, is no character of any file."""
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Reject("not JSON") from None
    return value


def is_new(text: str, told_before: NearDuplicates) -> str:
    """The verdict on a text beside those kept before it."""
    try:
        told_before.add(text)
    except Reject as reason:
        return str(reason)
    return KEPT


if __name__ == "__main__":
    run_program(main)
