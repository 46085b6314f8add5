"""A small run, made up in the formats of the pipeline's own files, for the report's programs to read."""

from __future__ import annotations

import json
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import yaml
from in_process import run

ROOT = Path(__file__).resolve().parents[1]
PAPER = ROOT / "config/paper.yaml"

DEVELOPMENT = {
    f"task{i}": track
    for track, tasks in {"track1": range(1, 8), "track2": range(8, 11), "track3": range(11, 16), "track4": range(16, 19)}.items()
    for i in tasks
}
VALIDATION = {
    "review_rating": "track3",
    "answerability": "track1",
    "attribute_extraction": "track1",
    "translate_title": "track4",
    "complement": "track2",
    "mmlu_test": "track5",
}
SETS = {"development": DEVELOPMENT, "validation": VALIDATION, "shopping_mmlu": DEVELOPMENT}

# How good the made-up variants are: the chance that an answer is right.
SKILL = {
    "base": 0.30, "base-strict": 0.33, "v7": 0.55, "v8": 0.60, "v8-weighted": 0.62, "track1": 0.66, "track24": 0.64, "track35": 0.68,
    "track1-awq": 0.65, "track24-awq": 0.63, "track35-awq": 0.67, "track35-awq-strict": 0.675, "track35-awq-none": 0.5,
    "track35-gptq": 0.665,
}  # fmt: skip
VARIANTS = {
    "base": {"precision": "bf16", "constraints": "boost"},
    "base-strict": {"precision": "bf16", "constraints": "strict"},
    "v7": {"adapter": "v7", "precision": "bf16", "constraints": "strict"},
    "v8": {"adapter": "v8", "precision": "bf16", "constraints": "strict"},
    "v8-weighted": {"adapter": "v8", "alpha": 0.56, "precision": "bf16", "constraints": "strict"},
    "track1": {"ensemble": "track1", "precision": "bf16", "constraints": "strict"},
    "track24": {"ensemble": "track24", "precision": "bf16", "constraints": "strict"},
    "track35": {"ensemble": "track35", "precision": "bf16", "constraints": "strict"},
    "track1-awq": {"ensemble": "track1", "precision": "awq", "constraints": "boost"},
    "track24-awq": {"ensemble": "track24", "precision": "awq", "constraints": "boost"},
    "track35-awq": {"ensemble": "track35", "precision": "awq", "constraints": "boost"},
    "track35-awq-strict": {"ensemble": "track35", "precision": "awq", "constraints": "strict"},
    "track35-awq-none": {"ensemble": "track35", "precision": "awq", "constraints": "none"},
    "track35-gptq": {"ensemble": "track35", "precision": "gptq", "constraints": "boost"},
}
SYSTEMS = {
    "final": {"track1": "track1-awq", "track2": "track24-awq", "track3": "track35-awq", "track4": "track24-awq", "track5": "track35-awq"},
    "round2": {"track1": "track1", "track2": "track24", "track3": "track35", "track4": "track24", "track5": "track35"},
    "round1": {"track1": "v8-weighted", "track2": "v7", "track3": "v8-weighted", "track4": "v7", "track5": "v8-weighted"},
    "base": dict.fromkeys(["track1", "track2", "track3", "track4", "track5"], "base-strict"),
}


def mean_of(entries: list[dict[str, Any]]) -> dict[str, float]:
    """An unweighted mean of made-up scores; its interval is the mean of theirs."""
    return {key: sum(e[key] for e in entries) / len(entries) for key in ("score", "low", "high", "trivial")}


def made_up_scores(set_name: str, variant: str) -> dict[str, Any]:
    """A score file: questions answered right with the variant's skill, one of four by the trivial answer."""
    tasks, questions = {}, []
    for task, track in SETS[set_name].items():
        draw = random.Random(f"{set_name} {task}")
        n = draw.randrange(20, 60)
        values = [1.0 if draw.random() < SKILL[variant] else 0.0 for _ in range(n)]
        score = sum(values) / n
        half = 1.96 * (score * (1 - score) / n) ** 0.5
        metric = {"task4": "micro f1", "task1": "sent-transformer"}.get(task, "accuracy")
        tasks[task] = {
            "track": track,
            "task_type": "multiple-choice",
            "metric": metric,
            "n": n,
            "score": score,
            "low": score - half,
            "high": min(1.0, score + half),
            "trivial": 0.25,
        }
        questions += [{"id": f"{task}-{i}", "task": task, "score": value, "trivial": 0.25} for i, value in enumerate(values)]
    tracks = {track: mean_of([t for t in tasks.values() if t["track"] == track]) for track in sorted(set(SETS[set_name].values()))}
    macro = mean_of(list(tasks.values())) | {"tasks": list(tasks)} if set_name == "validation" else None
    refused = {}
    if set_name == "development":
        tasks["task17"] |= dict.fromkeys(["score", "low", "high", "trivial"])
        refused = {"multilingual-sent-transformer": "no sentence model is configured for it"}
        questions = [q for q in questions if q["task"] != "task17"]
    scored = [t for t in tasks.values() if t["score"] is not None]
    for track in tracks:
        members = [t for t in scored if t["track"] == track]
        tracks[track] = mean_of(members) | {"tasks": len(members)}
    overall = {"mean_over_tracks": mean_of(list(tracks.values())), "mean_over_tasks": mean_of(scored)}
    return {
        "set": set_name,
        "variant": variant,
        "tasks": tasks,
        "tracks": tracks,
        "overall": overall,
        "macro": macro,
        "questions": questions,
        "refused": refused,
    }


def made_up_sweep(sweep: str, peak: float) -> pl.DataFrame:
    rows = []
    for set_name, tasks in SETS.items():
        for alpha in [0.0, 0.2, 0.4, 0.56, 0.7, 0.85, 1.0, 1.2]:
            for task, track in tasks.items():
                draw = random.Random(f"{sweep} {task} {set_name}")
                score = (
                    0.62 - 0.3 * (alpha - peak) ** 2 + draw.uniform(-0.1, 0.1) + random.Random(f"{sweep}{task}{alpha}").uniform(-0.02, 0.02)
                )
                rows.append(
                    {
                        "sweep": sweep,
                        "alpha": alpha,
                        "set": set_name,
                        "track": track,
                        "task": task,
                        "score": score,
                        "low": score - 0.08,
                        "high": score + 0.08,
                        "n": 40,
                    }
                )
    return pl.DataFrame(rows)


def made_up_log(steps: int) -> str:
    draw, lines = random.Random(steps), [json.dumps({"step": 0, "validation_loss": 3.6})]
    for step in range(1, steps + 1):
        loss = 0.4 + 3 / (1 + step / 10) + draw.gauss(0, 0.12)
        rate = 2e-4 * min(1, step / 10) * (1 - step / (steps + 1))
        lines.append(
            json.dumps(
                {
                    "step": step,
                    "loss": loss,
                    "gradient_norm": 1.0,
                    "learning_rate": rate,
                    "samples": 32,
                    "tokens": 4096,
                    "tokens_per_second": 8192,
                    "seconds": 0.5,
                    **({"validation_loss": loss + 0.1} if step == steps else {}),
                }
            )
        )
    return "\n".join(lines) + "\n"


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


def write_parquet(path: Path, frame: pl.DataFrame, facts: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path, metadata={"shopbench": json.dumps(facts)})


# dataset, source, task_type, track, size, cluster, metric, llm, module, asks
REGISTER = [
    "category_with_attribute amazon_m2 multiple-choice track1 2350 existing accuracy llm ready which_category",
    "review_rating amazon_reviews_2023 multiple-choice track3 10000 existing accuracy no ready which_rating",
    "rank_products esci ranking track3 16728 existing ndcg no ready which_order",
    "attribute_extraction ecinstruct named_entity_recognition track1 19622 existing micro-f1 no ready which_words",
    "alpaca alpaca_cleaned generation track5 51760 general rougel no ready do_as_told",
    "mmlu_test mmlu multiple-choice track5 15858 general accuracy no ready which_answer",
    "previous_clicks kdd_cup_2023 retrieval track3 10000 new hit-rate no ready which_clicks",
    "title_to_brand esci multiple-choice track1 10000 new accuracy llm planned which_brand",
]
# Datasets that a language model helped with, and what the facts of the others say.
HELPED = ("category_with_attribute", "rank_products")
NOT_HELPED = {"rows": 0, "build": 0, "enrich": 0, "reword": 0}
REGISTER_COLUMNS = "dataset source task_type track size cluster metric llm module asks"


def fabricate(results: Path) -> None:
    """Fill a results folder with all that the report's programs read."""
    write(results / "datasets.tsv", "".join("\t".join(line.split()) + "\n" for line in [REGISTER_COLUMNS, *REGISTER]))
    sizes = {}
    for line in REGISTER:
        name, source, task_type, track, size, *_rest, module, _asks = line.split()
        if module == "ready":
            rows = sizes[name] = int(size) // 50 - (40 if name == "review_rating" else 0)
            split = ["validation" if i % 50 == 0 else "train" for i in range(rows)]
            frame = pl.DataFrame(
                {
                    "id": [f"{name}{i}" for i in range(rows)],
                    "dataset": name,
                    "task_type": task_type,
                    "track": track,
                    "split": split,
                    "source": source,
                    "group": [f"{source}:query:{i}" for i in range(rows)],
                    "prompt": [f"Which number is this?\n0. {i}\n1. {i + 1}\nAnswer:" for i in range(rows)],
                    "completion": [str(i % 6) for i in range(rows)],
                }
            )
            write(results / f"cards/datasets/{name}.json", made_up_card(name, task_type, rows))
            write(results / f"cards/datasets/{name}.md", MADE_UP_CARD.format(name=name, rows=rows))
            facts = {
                "rows": rows,
                "wanted": int(size) // 50,
                "shortfall": int(size) // 50 - rows,
                "candidates": 9999,
                "skipped": {"too long": 4},
                "validation_rows": split.count("validation"),
                "llm": {"rows": rows // 2, "build": 0, "enrich": 3, "reword": rows // 2} if name in HELPED else NOT_HELPED,
            }
            write_parquet(results / f"datasets/{name}.parquet", frame, facts)
    verdicts = {"product_types": ["kept", "not JSON", "kept"], "wordings": ["copy of the seed", "not JSON", "not JSON"]}
    for name, found in verdicts.items():
        lines = [json.dumps({"verdict": verdict, "model": {"name": "writer"}}) + "\n" for verdict in found]
        write(results / f"synthetic/{name}.jsonl", "".join(lines))
    for blend, rows in {"v7": 1800, "v8": 2100, "v7b": 300, "v9b": 320}.items():
        write_parquet(
            results / f"blends/{blend}.parquet", pl.DataFrame({"id": range(rows), "dataset": ["alpaca"] * rows}), blend_facts(rows)
        )
    facts = {
        "rows_read": 5000,
        "rows_kept": 4900,
        "broken": {"not JSON": 12, "no title": 3},
        "skipped": {"outside_pool": 85},
        "files": ["a.jsonl", "b.jsonl"],
    }
    write_parquet(results / "tables/reviews.parquet", pl.DataFrame({"x": [1]}), facts)
    for set_name in SETS:
        for variant in SKILL:
            write(results / f"scores/{set_name}/{variant}.json", made_up_scores(set_name, variant))
    for sweep, peak in {"v7": 0.9, "v8": 0.6, "v7v8": 0.75}.items():
        (results / "sweeps").mkdir(parents=True, exist_ok=True)
        made_up_sweep(sweep, peak).write_parquet(results / f"sweeps/{sweep}.parquet")
    for adapter, steps in {"v7": 220, "v8": 260, "v7b": 60, "v9b": 70}.items():
        write(results / f"adapters/{adapter}/manifest.json", {"files": []})
        write(results / f"adapters/{adapter}/metrics.jsonl", made_up_log(steps))
    for variant in set(SYSTEMS["final"].values()):
        sets = {name: {f"track{i}": {"questions": 10 * i + 40, "seconds": 2.5 * i + 3} for i in range(1, 6)} for name in SETS}
        write(results / f"timings/{variant}.json", {"engine_start_seconds": 4.2, "sets": sets})
    in_batches = {"questions": 90, "minutes": 1.57, "limit_minutes": 140, "predicted_minutes": 1.6, "slowest_seconds_per_question": 1.5}
    challenge = {"set": "development", "batch": 16, "engine_start_seconds": 4.2, "tracks": {"track5": in_batches}}
    write(results / "challenge/track35-awq.json", challenge)
    macro = {"difference": 0.31, "low": 0.24, "high": 0.38}
    comparison = {
        "set": "validation",
        "variant": "track35",
        "baseline": "base-strict",
        **macro,
        "tasks": {"review_rating": macro, "answerability": macro},
        "types": {"multiple-choice": macro, "named_entity_recognition": macro},
        "draws": 2000,
    }
    write(results / "comparisons/track35-over-base-strict.json", comparison)
    for ensemble in ("track1", "track24", "track35"):
        for method in ("awq", "gptq"):
            write(results / f"verified/{ensemble}-{method}.json", VERIFIED | {"method": method})
    run_config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    run_config |= {"run": "made-up", "systems": SYSTEMS, "variants": VARIANTS}
    run_config["sources"]["simulate"] = ["esci", "amazon_m2"]
    write(results / "run_config.yaml", yaml.safe_dump(run_config, sort_keys=False))
    write_record(results)


def made_up_card(name: str, task_type: str, rows: int) -> dict[str, Any]:
    """What the report reads of a dataset's card."""
    lengths = {"prompt": 100 + len(name), "completion": 3}
    steps = dict(zip(["5", "25", "50", "75", "95", "99", "max"], range(-20, 50, 10), strict=True))
    tokens = {part: {step: max(1, middle + shift) for step, shift in steps.items()} for part, middle in lengths.items()}
    return {"dataset": name, "register": {"task_type": task_type}, "rows": {"rows": rows}, "tokens": tokens}


MADE_UP_CARD = """# {name}

Asks `this` & that.

## Rows

| by | value | rows |
| --- | --- | --- |
| split | <train> | {rows} |
| bar | a \\| b | 1 |

- one
- two

````text
```
<b>
````

```text
## no heading
| no | table |
```
"""

# Snakemake's own log, as 9.27 writes it: training ran on eight GPUs, failed and was tried again; another run's failure is not ours.
MADE_UP_LOG = """[Sat Nov 21 15:57:38 2026]
rule train_adapter:
    input: blends/v8.parquet
    output: adapters/v8/manifest.json
    log: logs/made-up/train_adapter/v8.log
    jobid: 4
    benchmark: {benchmarks}/train_adapter/v8.tsv
    wildcards: adapter=v8
    resources: tmpdir=/tmp, mem_mb=700, gpu=8
[Sat Nov 21 15:58:38 2026]
Error in rule train_adapter:
    message: None
    jobid: 4
    log: logs/made-up/train_adapter/v8.log (check log file(s) for error details)

Trying to restart job 4.
[Sat Nov 21 15:59:38 2026]
    message: For further error details see the cluster log
    jobs:
        rule draw_final_scores:
            jobid: 7
            log: logs/made-up/report/final_scores.log (check log file(s) for error details)
        rule make_report:
            jobid: 8
            log: logs/made-up/report/make_report.log (check log file(s) for error details)

Trying to restart job 0b5b5b1e-1111.
Error in rule train_adapter:
    jobid: 5
    log: logs/another/train_adapter/v8.log (check log file(s) for error details)
"""


def write_record(results: Path) -> None:
    """Benchmark files and Snakemake's log."""
    heads = "s h:m:s max_rss max_vms max_uss max_pss io_in io_out mean_load cpu_time".replace(" ", "\t")
    for name, seconds in {"train_adapter/v7": 1800, "train_adapter/v8": 5400, "tabulate_esci": 36}.items():
        row = f"{seconds} x {1000 + seconds} 1 1 1 1 1 1 {2 * seconds}" if seconds > 60 else f"{seconds} x NA NA NA NA NA NA NA NA"
        write(results / f"benchmarks/{name}.tsv", f"{heads}\n" + row.replace(" ", "\t") + "\n")
    write(results / "snakemake/2026.snakemake.log", MADE_UP_LOG.format(benchmarks=results / "benchmarks"))


def blend_facts(rows: int) -> dict[str, Any]:
    none = {"available": 0, "duplicates": 0, "overlap": {}, "over_cap": 0, "taken": 0, "llm": 0}
    datasets = {
        "alpaca": none | {"available": rows, "taken": rows - 10, "duplicates": 7},
        "rank_products": none | {"available": 12, "overlap": {"development": 2}, "taken": 10},
    }
    return {
        "rows": rows,
        "seed": 1,
        "datasets": datasets,
        "totals": none | {"available": rows + 12, "duplicates": 7, "overlap": {"development": 2}, "taken": rows},
    }


LAYER = {"off_by_a_step": 0.0004, "mean_error_in_steps": 0.25}
VERIFIED: dict[str, Any] = {
    "made_by": {"backend": "gptqmodel", "bits": 4, "versions": {"gptqmodel": "7.6.0"}},
    "answer_loss": {"tokens": 64, "merged": 1.2, "quantized": 1.21, "base_with_adapter": 1.2, "nf4_base_with_adapter": 1.23},
    "thresholds": {"off_by_a_step": 0.01, "kl": 0.05},
    "kl": {"mean": 0.00012, "median": 0.0001, "p99": 0.0009, "tokens": 4096, "texts": 16},
    "unquantized_tensors": 3,
    "off_by_a_step": 0.0004,
    "layers": {"model.layers.0.mlp.up_proj": LAYER, "model.layers.0.mlp.down_proj": LAYER},
}


def run_program(program: str, *arguments: str | Path) -> SimpleNamespace:
    """A program below workflow/scripts, in this process (starting matplotlib anew for each would take minutes): returncode and stderr."""
    return run(program.replace("/", "."), *arguments)


# A table that has another's program.
PROGRAMS = {"new_dataset_table": "dataset_table"}


def make(results: Path, name: str, arguments: list[str | Path]) -> SimpleNamespace:
    """A figure or table by its program."""
    return run_program(f"figures/{PROGRAMS.get(name, name)}.py", *arguments, *outputs(results, name))


TINY = [ROOT / "config/demo.yaml", ROOT / "tests/config/tiny.yaml"]
STEPS = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))["report"]["steps"]
HYPER_PARAMETERS = {"rank": 64, "alpha": 32, "learning_rate": 2e-3, "epochs": 3, "optimizer": "adamw", "packing": True}
ADAPTERS = {"v7": {"model": "tiny", "training": {"rank": 64}}, "v7b": {"model": "tiny", "training": {"epochs": 1}}}


def report_commands(results: Path) -> dict[str, list[str | Path]]:
    """The arguments of each program of workflow/scripts/figures, apart from its outputs."""
    scores = sorted((results / "scores").glob("*/*.json"))
    variants = {name: {"model": "tiny", **entry} for name, entry in VARIANTS.items()}
    datasets = sorted((results / "datasets").glob("*.parquet"))
    blends = sorted((results / "blends").glob("*.parquet"))
    timings = sorted((results / "timings").glob("*.json"))
    systems = json.dumps(SYSTEMS)
    sweeps = sorted((results / "sweeps").glob("*.parquet"))
    choice = ["--choosing-set", "validation", "--calibration", "development"]
    return {
        "dataset_pies": ["--datasets", *datasets, "--register", results / "datasets.tsv", "--paper", PAPER],
        "dataset_table": ["--datasets", *datasets, "--register", results / "datasets.tsv", "--clusters", "existing", "general"],
        "raw_table": ["--tables", results / "tables/reviews.parquet"],
        "language_model": ["--synthetic", *sorted((results / "synthetic").glob("*.jsonl")), "--register", ROOT / "config/synthetic.tsv"],
        "blend_table": ["--blends", *blends, "--register", results / "datasets.tsv", "--paper", PAPER],
        "hyper_parameters": [
            "--training", json.dumps(HYPER_PARAMETERS), "--adapters", json.dumps(ADAPTERS), "--paper", PAPER,
        ],
        "training_curves": ["--adapters", *sorted((results / "adapters").glob("*/manifest.json"))],
        "wise_ft_curve": ["--sweeps", *sweeps, *choice, "--paper", PAPER],
        "alpha_choice": ["--sweeps", *sweeps, *choice],
        "verification_table": ["--verified", *sorted((results / "verified").glob("*.json"))],
        "quantization_effect": ["--scores", *scores, "--variants", json.dumps(variants)],
        "constraint_ablation": ["--scores", *scores, "--variants", json.dumps(variants)],
        "time_per_track": [
            "--timings", *timings, "--challenge", results / "challenge/track35-awq.json", "--system", json.dumps(SYSTEMS["final"]),
            "--paper", PAPER,
        ],
        "zero_shot": ["--scores", *[s for s in scores if s.stem.startswith("base")], "--paper", PAPER],
        "base_vs_finetuned": ["--scores", *scores, "--systems", systems, "--paper", PAPER],
        "iteration_table": ["--scores", *scores, "--systems", systems, "--bootstrap", "200", "--paper", PAPER],
        "final_scores": ["--scores", *scores, "--systems", systems, "--paper", PAPER],
        "comparison_table": ["--comparisons", results / "comparisons/track35-over-base-strict.json"],
        "scores_table": ["--scores", *scores],
        "task_heat_map": ["--scores", *scores, "--systems", systems],
        "component_gains": ["--scores", *scores, "--steps", json.dumps(STEPS), "--bootstrap", "200", "--paper", PAPER],
        "two_models": ["--scores", *scores, "--variants", json.dumps(variants), "--paper", PAPER],
        "new_dataset_table": ["--datasets", *datasets, "--register", results / "datasets.tsv", "--clusters", "new"],
        "overlap_removed": ["--blends", *blends],
        "length_distributions": ["--cards", *sorted((results / "cards/datasets").glob("*.json")), "--max-length", "512"],
        "example_prompts": ["--datasets", *datasets],
        "pipeline": ["--rules", ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk")), "--configfiles", *TINY],
        "run_summary": ["--benchmarks", results / "benchmarks", "--snakemake", results / "snakemake", "--logs", "logs/made-up"],
    }  # fmt: skip


FIGURES = {
    "pipeline",
    "length_distributions",
    "example_prompts",
    "overlap_removed",
    "component_gains",
    "task_heat_map",
    "dataset_pies",
    "training_curves",
    "wise_ft_curve",
    "quantization_effect",
    "constraint_ablation",
    "time_per_track",
    "base_vs_finetuned",
    "final_scores",
}


def outputs(results: Path, name: str) -> list[str | Path]:
    """The output arguments of a program of workflow/scripts/figures."""
    pictures = ["--png", results / f"figures/{name}.png", "--pdf", results / f"figures/{name}.pdf"] if name in FIGURES else []
    return ["--run", json.dumps({"name": "made-up", "simulated": True}), "--table", results / f"report_tables/{name}.tsv", *pictures]


REPORT = ROOT / "workflow/report"
LOCK = ROOT / "envs/report.cpu.txt"
PROGRAM = "workflow/scripts/figures/zero_shot.py"
MADE = {"zero_shot": {"rule": "tabulate_zero_shot", "program": PROGRAM, "lock": str(LOCK), "reads": ["scores/{a,b}.json"]}}


def make_page(results: Path, output: Path, config: Path | None = None, captions: Path = REPORT / "captions") -> SimpleNamespace:
    return run_program(
        "make_report.py",
        "--config", config or results / "run_config.yaml",
        "--sections", REPORT / "sections.yaml",
        "--template", REPORT / "page.html.j2",
        "--captions", *sorted(captions.glob("*.rst")),
        "--figures", *sorted((results / "figures").glob("*.png")),
        "--tables", *sorted((results / "report_tables").glob("*.tsv")),
        "--cards", *sorted((results / "cards").glob("*/*.md")),
        "--command", "snakemake --profile profiles/demo",
        "--made", json.dumps(MADE),
        "--output", output,
    )  # fmt: skip
