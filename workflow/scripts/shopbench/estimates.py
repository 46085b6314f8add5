"""What each job of a run will cost: hours, bytes to download, bytes on disk. One documented formula a kind of job.

Nothing here was measured on a GPU. Every number that is not the config's stands below with its source; the one free number of training is
set so that the paper's data take the paper's time, and the one of inference is compared with the challenge's time limits.
Nothing that a job makes depends on this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from shopbench.blends import selections
from shopbench.config import WRITING_RULES, answered_alphas, datasets_of, engine_of, resolve, swept_sets
from shopbench.dataset_table import read_dataset_table
from shopbench.files import BadInput
from shopbench.gpu_models import GPUS, find_gpu
from shopbench.model_shapes import ModelShape, read_model_shapes, shape_of
from shopbench.padding import padded_width
from shopbench.planned_jobs import PlannedJob
from shopbench.site_partitions import gpus_of
from shopbench.source_table import SourceFile, find_source_file, read_source_table
from shopbench.synthetic_table import listed, read_synthetic_table

# Samples. Mean bytes of prompt and answer by source: of this pipeline's prompts on simulated texts as long as the real ones. MMLU's from
# the hub's dataset card (161.0 MB in 99,842 rows of its auxiliary part; 7.9 MB in the 15,858 others).
SAMPLE_BYTES = {
    "alpaca_cleaned": 790,
    "amazon_m2": 570,
    "amazon_reviews_2023": 640,
    "ecinstruct": 540,
    "esci": 590,
    "kdd_cup_2023": 780,
    "mmlu": 500,
    "mmlu_auxiliary": 1610,
}
BYTES_PER_TOKEN = 4.0
# System prompt and chat marks.
CHAT_TOKENS = 35

# Training. The forward pass, its repetition (checkpointing) and the gradients of activations are 2 FLOPs a weight and token each; the
# frozen base has no gradients of weights, and LoRA's own products are a hundredth of the rest.
FLOPS_PER_WEIGHT_AND_TOKEN = 6
# Share of the GPUs' peak, so that 502,435 samples on 8 x A100 take the paper's "about 24 h per 500k samples".
TRAINING_UTILISATION = 0.23
PAPER_MODEL, PAPER_SAMPLES, PAPER_GPUS = "Qwen/Qwen2-72B-Instruct", 500_000, 8

# Inference. Questions of the sets that come as they are: the challenge's development set, and Shopping MMLU (its paper: 20,799).
QUESTIONS = {"development": 96, "shopping_mmlu": 20_799}
QUESTION_TOKENS = 200
# Most answers are one token, a generated text has up to 50.
ANSWER_TOKENS = 8
# Shares of peak arithmetic (prompts) and of memory bandwidth (answers) that vLLM reaches; assumptions.
PROMPT_UTILISATION, ANSWER_UTILISATION = 0.35, 0.5
ENGINE_START_HOURS = 0.1
# A request to a language model for training data, and what it writes (of this pipeline's prompts and their sample answers); a line of them.
REQUEST_TOKENS, WRITTEN_TOKENS, REQUEST_BYTES = 300, 60, 2500
# Wordings that a dataset's module has, on average.
WORDINGS_OF_DATASET = 4
# The challenge's Track 5: all questions, in these minutes, on 4 x T4.
TRACK5_QUESTIONS, TRACK5_MINUTES = 20_600, 140

# Quantization: the paper's hour for 72 billion parameters on one A100. Judging reads both models and answers nothing: half of it (assumed).
PAPER_QUANTIZATION_HOURS, PAPER_PARAMETERS = 1.0, 72.7e9

# Rates that a site will know better (bytes/s): a shared file system, the merge (read and written; measured to be 4 times a copy's time),
# a download, decoding raw files on one core, and rows of a dataset a second (measured: 3,400).
DISK_RATE, MERGE_RATE, DOWNLOAD_RATE, DECODE_RATE, ROWS_RATE = 1.0e9, 0.3e9, 50e6, 10e6, 1000
# A start of Snakemake on the node, imports, seconds of work.
SMALL_HOURS = 0.03
SCORING_HOURS = 0.2

# Raw files without a size in config/sources.tsv. Reviews and items by category in thousands, from the data set's card; bytes of each from
# the files whose sizes are known (All_Beauty: 326.6 and 213.0 MB).
REVIEW_THOUSANDS = {
    "All_Beauty": (701.5, 112.6),
    "Digital_Music": (130.4, 70.5),
    "Gift_Cards": (152.4, 1.1),
    "Magazine_Subscriptions": (71.5, 3.4),
    "Software": (4900, 89.2),
    "Subscription_Boxes": (16.2, 0.6),
    "Health_and_Personal_Care": (494.1, 60.3),
}
REVIEW_BYTES, ITEM_BYTES = 466, 1892
OTHER_FILE_BYTES = {"ecinstruct": 527e6, "alpaca_cleaned": 44e6, "mmlu": 13e6, "shopping_mmlu": 10e6, "esci": 2e6, "kddcup2024": 0.2e6}
# Downloaded, and on disk (envs/README.md; those with CUDA are assumptions).
ENVIRONMENT_BYTES = {
    "data": (0.1e9, 0.4e9),
    "report": (0.05e9, 0.2e9),
    "model-cpu": (1.4e9, 3.0e9),
    "model-cuda": (5e9, 10e9),
    "autoawq-cpu": (0.4e9, 1.6e9),
    "autoawq-cuda": (3e9, 7e9),
    "auto-gptq-cpu": (0.4e9, 1.6e9),
    "auto-gptq-cuda": (3e9, 7e9),
}
TABLES_SHARE = 0.3
# A line of predictions: prompt, answer, task.
PREDICTION_BYTES = 1500
# In a group of 128 quantized weights: a 16-bit scale and a 4-bit zero point, spread over them.
GROUP_BYTES = 2.5 / 128

# Seconds a job of the demo took on two cores of a shared machine (means of its benchmark files; others: a start of Python).
DEMO_SECONDS = {
    "pretrain_demo_base": 40,
    "train_adapter": 64,
    "answer_questions": 36,
    **dict.fromkeys(WRITING_RULES, 20),
    "run_submissions": 24,
    "sweep_alphas": 30,
    "score_predictions": 15,
    "quantize_model": 21,
    "verify_quantized": 15,
    "blend_datasets": 5,
    "describe_blend": 3,
    "build_ensemble": 2,
    "merge_ensemble": 2,
    "build_env": 20,
}
DEMO_OTHER_SECONDS = 2

HOW = {
    "training": f"{FLOPS_PER_WEIGHT_AND_TOKEN} FLOPs x weights of the linear layers x tokens / (GPUs x peak x {TRAINING_UTILISATION}), "
    "and the base read",
    "inference": f"prompts: 2 FLOPs x weights x {QUESTION_TOKENS} tokens / (GPUs x peak x {PROMPT_UTILISATION}); answers: "
    f"{ANSWER_TOKENS} tokens, each the weights' bytes / (GPUs x bandwidth x {ANSWER_UTILISATION} x prompts in flight); the engine's start",
    "endpoint": "requests / the endpoint's requests a minute",
    "sweep": "inference on each alpha's questions",
    "merge": f"the model read and written at {MERGE_RATE / 1e9:g} GB/s",
    "ensemble": f"adapters read and written at {MERGE_RATE / 1e9:g} GB/s",
    "quantization": "the paper's hour on one A100, by parameters",
    "verification": "half of quantization",
    "download": f"bytes / {DOWNLOAD_RATE / 1e6:g} MB/s",
    "tables": f"raw bytes / {DECODE_RATE / 1e6:g} MB/s on one core",
    "rows": f"{ROWS_RATE:,} rows a second",
    "scoring": "a constant: bootstrap and sentence models",
    "small": "a constant: start and seconds of work",
    "demo": "measured in the demo on two cores",
}


class Disk(NamedTuple):
    """Bytes below one of the config's pathvars (or envs); `kept` if they stay when the run has ended."""

    place: str
    bytes: float
    kept: bool = True


@dataclass(frozen=True)
class Estimate:
    """`how` is a key of HOW; `download` in bytes."""

    how: str
    hours: float
    download: float = 0
    disk: tuple[Disk, ...] = ()


@dataclass(frozen=True)
class Run:
    """What a run's config and tables say, read before anything is there; `shapes` by the config's names of models."""

    config: dict[str, Any]
    datasets: dict[str, dict[str, Any]]
    table: dict[str, dict[str, Any]]
    sources: list[SourceFile]
    synthetic: dict[str, dict[str, Any]]
    shapes: dict[str, ModelShape]


def read_run(configfiles: Sequence[Path], root: Path = Path(".")) -> Run:
    """The run that Snakemake makes of config/config.yaml with `configfiles` laid over it."""
    import yaml
    from snakemake.utils import update_config

    for file in configfiles:
        if not file.is_file():
            raise BadInput(f"{file}: no such file; give a run's config, as config/7b.yaml")
    config: dict[str, Any] = {}
    for file in [root / "config/config.yaml", *configfiles]:
        update_config(config, yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    config = resolve(config, root)
    table = read_dataset_table(root / "config/datasets.tsv")
    shapes = read_model_shapes(root / "config/models.tsv")
    return Run(
        config,
        datasets_of(config, table),
        table,
        read_source_table(root / "config/sources.tsv", config["sources"]["review_categories"]),
        read_synthetic_table(root / "config/synthetic.tsv"),
        {name: shape_of(name, model, shapes) for name, model in config["models"].items()},
    )


def estimate(job: PlannedJob, run: Run) -> Estimate:
    """Hours and bytes of one job. Bytes and downloads are counted alike on every machine; other hours of a CPU are the demo's."""
    made = ESTIMATES.get(job.rule, lambda job, run: Estimate("small", SMALL_HOURS))(job, run)
    if run.config["accelerator"] == "cuda" or made.how == "download":
        return made
    seconds = DEMO_SECONDS.get(job.rule, DEMO_OTHER_SECONDS) if made.hours else 0
    return Estimate("demo", seconds / 3600, made.download, made.disk)


# samples and questions


def rows_of(run: Run, dataset: str) -> int:
    """Rows of a dataset, train and validation."""
    return round(run.datasets[dataset]["size"] * run.config["datasets"]["scale"])


def blend_rows(run: Run, blend: str) -> dict[str, int]:
    """Train rows that a blend takes of each dataset."""
    config = run.config
    caps = selections({blend: config["blends"][blend]}, run.datasets, run.table, config["datasets"]["scale"])[blend]
    train = {name: round(rows_of(run, name) * (1 - config["datasets"]["validation_share"])) for name in caps}
    return {name: min(train[name], cap or train[name]) for name, cap in caps.items()}


def sample_tokens(dataset: str, source: str) -> float:
    """Mean tokens of a sample, chat layout included."""
    return SAMPLE_BYTES.get(dataset, SAMPLE_BYTES[source]) / BYTES_PER_TOKEN + CHAT_TOKENS


def training_tokens(run: Run, adapter: Mapping[str, Any]) -> float:
    """Tokens that an adapter's training sees in all its epochs."""
    rows, training = blend_rows(run, adapter["blend"]), adapter["training"]
    tokens = sum(count * min(sample_tokens(name, run.datasets[name]["source"]), training["max_length"]) for name, count in rows.items())
    epochs = float(training["epochs"])
    if training.get("max_steps"):
        epochs = min(epochs, training["max_steps"] * training["batch_samples"] / sum(rows.values()))
    return tokens * epochs


def questions(run: Run, sets: Sequence[str]) -> int:
    """Questions of these evaluation sets."""
    per_dataset, share = run.config["evaluation"]["validation"]["rows_per_dataset"], run.config["datasets"]["validation_share"]
    validation = sum(min(per_dataset, round(rows_of(run, name) * share)) for name in run.datasets)
    return sum(validation if name == "validation" else QUESTIONS[name] for name in sets)


# formulas


def paper_comparison(run: Run) -> list[str]:
    """What the formulas say of what is public about Team NVIDIA's solution (arXiv 2408.04658, its slides, the challenge's rules)."""
    shape = run.shapes[run.config["base_model"]]
    sizes = {name: row["size"] for name, row in run.table.items()}
    mean_tokens = sum(size * sample_tokens(name, run.table[name]["source"]) for name, size in sizes.items()) / sum(sizes.values())
    hours = training_hours(shape, PAPER_SAMPLES * mean_tokens, PAPER_GPUS, "a100")
    gpus = run.config["launch"]["processes"]
    rounds = {name: adapter for name, adapter in run.config["adapters"].items() if adapter.get("start_from") and "blend" in adapter}
    later = ", ".join(
        f"{name} {training_hours(shape, training_tokens(run, adapter), gpus, 'a100'):.1f} h" for name, adapter in rounds.items()
    )
    answers = TRACK5_QUESTIONS * seconds_per_question(shape, quantized_bytes(shape), 4, "t4", 16) / 60
    return [
        f"{PAPER_SAMPLES:,} samples of {mean_tokens:.0f} tokens on {PAPER_GPUS} x A100: {hours:.1f} h; the paper says about 24 h, "
        "which the utilisation is set by",
        f"second rounds: {later or 'none'}; the slides say 3 to 8 h",
        f"{TRACK5_QUESTIONS:,} questions on 4 x T4: {answers:.0f} minutes; the challenge allowed {TRACK5_MINUTES}",
        f"a 4-bit model: {quantized_bytes(padded(shape, run.config)) / 2**30:.1f} GiB; the team's was about 39",
    ]


def training_hours(shape: ModelShape, tokens: float, gpus: int, gpu_model: str | None) -> float:
    """Arithmetic of QLoRA with checkpointing at an assumed share of the GPUs' peak, after the base is read once."""
    peak = (find_gpu(gpu_model) or GPUS["a100"]).flops
    arithmetic = FLOPS_PER_WEIGHT_AND_TOKEN * shape.linear_parameters * tokens / (gpus * peak * TRAINING_UTILISATION)
    return (arithmetic + 2 * shape.parameters / DISK_RATE) / 3600


def seconds_per_question(
    shape: ModelShape,
    weight_bytes: float,
    gpus: int,
    gpu_model: str | None,
    in_flight: int,
    tokens: tuple[int, int] = (QUESTION_TOKENS, ANSWER_TOKENS),
) -> float:
    """Prompts are bound by arithmetic, answers by reading the weights once a token for all prompts in flight; `tokens` of both."""
    gpu = find_gpu(gpu_model) or GPUS["a100"]
    prompt = 2 * shape.linear_parameters * tokens[0] / (gpus * gpu.flops * PROMPT_UTILISATION)
    answer = tokens[1] * weight_bytes / (gpus * gpu.bandwidth * ANSWER_UTILISATION * in_flight)
    return prompt + answer


def quantized_bytes(shape: ModelShape, bits: int = 4) -> float:
    """A quantized model: linear layers in groups of 128, embeddings and output layer in 16 bits."""
    return shape.linear_parameters * (bits / 8 + GROUP_BYTES) + 2 * shape.embedding_parameters


def padded(shape: ModelShape, config: Mapping[str, Any]) -> ModelShape:
    """The shape with the MLP widened by zeros, as merge_ensemble writes it."""
    return ModelShape(**{**shape.__dict__, "intermediate": padded_width(shape.intermediate, config)})


def adapter_bytes(shape: ModelShape, rank: int) -> float:
    """A float32 LoRA on all linear layers."""
    return 4.0 * shape.lora_parameters(rank)


def file_bytes(file: SourceFile) -> float:
    """Size of a raw file, from config/sources.tsv where it is known."""
    if file.bytes:
        return file.bytes
    if file.source == "amazon_reviews_2023":
        category = Path(file.file).stem.removeprefix("meta_")
        reviews, items = REVIEW_THOUSANDS.get(category, (5000, 500))
        return 1000 * (items * ITEM_BYTES if "meta_categories" in file.file else reviews * REVIEW_BYTES)
    return OTHER_FILE_BYTES.get(file.source, 0)


# a job's estimate, by rule


def _train_adapter(job: PlannedJob, run: Run) -> Estimate:
    adapter = run.config["adapters"][job.wildcards["adapter"]]
    shape, rank = run.shapes[adapter["model"]], adapter["training"]["rank"]
    gpus = run.config["launch"]["processes"]
    hours = training_hours(shape, training_tokens(run, adapter), gpus, gpus_of(job.submitted)[1])
    # A checkpoint is the adapter and two 8-bit moments; two are kept while a third is written.
    checkpoints = 3 * (adapter_bytes(shape, rank) + 2 * shape.lora_parameters(rank))
    return Estimate("training", hours, disk=(Disk("results", adapter_bytes(shape, rank)), Disk("parts", checkpoints, kept=False)))


def _engine(
    job: PlannedJob,
    run: Run,
    precision: str,
    model: str,
    batch: int | None = None,
    tokens: tuple[int, int] = (QUESTION_TOKENS, ANSWER_TOKENS),
) -> tuple[float, float]:
    """(seconds a question, hours to start) of vLLM with that model, `batch` prompts in flight (None: as many as it takes)."""
    settings = run.config["inference"][engine_of(precision)]
    shape = run.shapes[model]
    weights = 2.0 * shape.parameters if precision == "bf16" else quantized_bytes(shape, bits_of(run, precision))
    gpus, in_flight = settings["tensor_parallel"], min(settings["max_num_seqs"], batch or settings["max_num_seqs"])
    each = seconds_per_question(shape, weights, gpus, gpus_of(job.submitted)[1], in_flight, tokens)
    return each, ENGINE_START_HOURS + weights / DISK_RATE / 3600


def bits_of(run: Run, method: str) -> int:
    """Bits of a quantized weight."""
    return int(run.config["quantization"]["methods"][method]["bits"])


def _answer_questions(job: PlannedJob, run: Run) -> Estimate:
    variant = run.config["variants"][job.wildcards["variant"]]
    each, start = _engine(job, run, variant["precision"], variant["model"])
    asked = questions(run, run.config["evaluation"]["sets"])
    # Every question stands in its own track's file and in Track 5's.
    return Estimate("inference", start + asked * each / 3600, disk=(Disk("results", 2 * asked * PREDICTION_BYTES),))


def _ask_language_model(job: PlannedJob, run: Run) -> Estimate:
    writer, name = run.config["language_model"], job.wildcards["set"]
    users = [row["dataset"] for row in run.datasets.values() if name in listed(row["llm"])]
    requests = round(run.synthetic[name]["requests"] * writer["scale"]) or len(users) * WORDINGS_OF_DATASET * writer["rewordings"]
    requests *= 2 if writer["self_check"] else 1
    disk = (Disk("results", 2 * requests * REQUEST_BYTES),)
    if writer["engine"] == "openai":
        return Estimate("endpoint", requests / writer["endpoint"]["requests_per_minute"] / 60, disk=disk)
    each, start = _engine(job, run, "bf16", writer["model"], tokens=(REQUEST_TOKENS, WRITTEN_TOKENS))
    return Estimate("inference", start + requests * each / 3600, disk=disk)


def _run_submissions(job: PlannedJob, run: Run) -> Estimate:
    variant, challenge = run.config["variants"][job.wildcards["variant"]], run.config["inference"]["challenge"]
    each, start = _engine(job, run, variant["precision"], variant["model"], challenge["batch"])
    system = run.config["systems"][challenge["system"]]
    tracks = [track for track, name in system.items() if name == job.wildcards["variant"]]
    # Track 5 is all questions; of the others each has a fourth (the hidden test's are not published).
    asked = sum(questions(run, [challenge["set"]]) * (1 if track == "track5" else 0.25) for track in tracks)
    return Estimate("inference", start + asked * each / 3600)


def _sweep_alphas(job: PlannedJob, run: Run) -> Estimate:
    sweep = run.config["sweeps"][job.wildcards["sweep"]]
    each, start = _engine(job, run, "bf16", sweep["model"])
    asked = questions(run, swept_sets(run.config))
    alphas = len(sweep["alphas"]) - len(answered_alphas(run.config, job.wildcards["sweep"]))
    return Estimate("sweep", start * (alphas > 0) + alphas * asked * each / 3600)


def _build_ensemble(job: PlannedJob, run: Run) -> Estimate:
    ensemble = run.config["ensembles"][job.wildcards["ensemble"]]
    adapters = run.config["adapters"]
    # Exact sums stack the matrices of their members.
    ranks = sum(adapters[member["name"]].get("training", run.config["training"])["rank"] for member in ensemble["adapters"])
    size = adapter_bytes(run.shapes[ensemble["model"]], min(ranks, ensemble.get("svd_rank", ranks)))
    return Estimate("ensemble", SMALL_HOURS + 2 * size / MERGE_RATE / 3600, disk=(Disk("results", size),))


def _merge_ensemble(job: PlannedJob, run: Run) -> Estimate:
    shape, merge = run.shapes[run.config["ensembles"][job.wildcards["ensemble"]]["model"]], run.config["merge"]
    written = padded(shape, run.config).parameters * (4 if merge["dtype"] == "float32" else 2)
    hours = (2 * shape.parameters + written) / MERGE_RATE / 3600
    return Estimate("merge", hours, disk=(Disk("merged", written, kept=merge["keep"]),))


def _quantization_hours(job: PlannedJob, run: Run) -> tuple[ModelShape, float]:
    shape = run.shapes[run.config["ensembles"][job.wildcards["ensemble"]]["model"]]
    return shape, PAPER_QUANTIZATION_HOURS * shape.parameters / PAPER_PARAMETERS + 2 * shape.parameters / DISK_RATE / 3600


def _quantize_model(job: PlannedJob, run: Run) -> Estimate:
    shape, hours = _quantization_hours(job, run)
    size = quantized_bytes(padded(shape, run.config), bits_of(run, job.wildcards["method"]))
    # Finished layers wait on disk until all are done, a second time as what a killed run goes on from.
    return Estimate("quantization", hours, disk=(Disk("results", size), Disk("parts", 2 * size, kept=False)))


def _verify_quantized(job: PlannedJob, run: Run) -> Estimate:
    return Estimate("verification", _quantization_hours(job, run)[1] / 2)


def _download_model(job: PlannedJob, run: Run) -> Estimate:
    size = 2.0 * run.shapes[job.wildcards["model"]].parameters
    return Estimate("download", size / DOWNLOAD_RATE / 3600, size, (Disk("results", size),))


def _source_file(job: PlannedJob, run: Run) -> float:
    return file_bytes(find_source_file("config/sources.tsv", job.wildcards["source"], job.wildcards["file"]))


def _download_source(job: PlannedJob, run: Run) -> Estimate:
    size = _source_file(job, run)
    return Estimate("download", size / DOWNLOAD_RATE / 3600, size, (Disk("raw", size),))


def _provide_source(job: PlannedJob, run: Run) -> Estimate:
    return Estimate("small", SMALL_HOURS, disk=(Disk("raw", _source_file(job, run)),))


def _simulate_source(job: PlannedJob, run: Run) -> Estimate:
    return Estimate("small", SMALL_HOURS, disk=(Disk("raw", _source_file(job, run) * run.config["sources"]["simulation"]["scale"]),))


def _build_env(job: PlannedJob, run: Run) -> Estimate:
    name, accelerator = job.wildcards["env"], job.wildcards["accelerator"]
    download, size = ENVIRONMENT_BYTES.get(name) or ENVIRONMENT_BYTES.get(f"{name}-{accelerator}", (0.0, 0.0))
    return Estimate("download", download / DOWNLOAD_RATE / 3600, download, (Disk("envs", size),))


def _tabulate(job: PlannedJob, run: Run) -> Estimate:
    raw = run.config["pathvars"]["raw"] + "/"
    names = [path.removeprefix(raw).split("/", 1) for path in job.input if path.startswith(raw)]
    simulated = run.config["sources"]["simulate"]
    scale = run.config["sources"]["simulation"]["scale"]
    size = sum(file_bytes(find_source_file("config/sources.tsv", *name)) * (scale if name[0] in simulated else 1) for name in names)
    return Estimate("tables", SMALL_HOURS + size / DECODE_RATE / 3600, disk=(Disk("results", TABLES_SHARE * size),))


def _build_dataset(job: PlannedJob, run: Run) -> Estimate:
    name = job.wildcards["dataset"]
    rows = rows_of(run, name)
    size = rows * SAMPLE_BYTES.get(name, SAMPLE_BYTES[run.datasets[name]["source"]])
    return Estimate("rows", SMALL_HOURS + rows / ROWS_RATE / 3600, disk=(Disk("results", size),))


def _blend_datasets(job: PlannedJob, run: Run) -> Estimate:
    rows = blend_rows(run, job.wildcards["blend"])
    size = sum(count * SAMPLE_BYTES.get(name, SAMPLE_BYTES[run.datasets[name]["source"]]) for name, count in rows.items())
    return Estimate("rows", SMALL_HOURS + sum(rows.values()) / ROWS_RATE / 3600, disk=(Disk("results", size),))


def _score_predictions(job: PlannedJob, run: Run) -> Estimate:
    return Estimate("scoring", SCORING_HOURS)


def _all(job: PlannedJob, run: Run) -> Estimate:
    return Estimate("small", 0)


ESTIMATES: dict[str, Callable[[PlannedJob, Run], Estimate]] = {
    "all": _all,
    "answer_questions": _answer_questions,
    "blend_datasets": _blend_datasets,
    "build_dataset": _build_dataset,
    "build_ensemble": _build_ensemble,
    **dict.fromkeys(WRITING_RULES, _ask_language_model),
    "build_env": _build_env,
    "describe_blend": _blend_datasets,
    "download_model": _download_model,
    "download_source": _download_source,
    "merge_ensemble": _merge_ensemble,
    "provide_source": _provide_source,
    "quantize_model": _quantize_model,
    "score_predictions": _score_predictions,
    "simulate_source": _simulate_source,
    "run_submissions": _run_submissions,
    "sweep_alphas": _sweep_alphas,
    "train_adapter": _train_adapter,
    "verify_quantized": _verify_quantized,
    **{f"tabulate_{source}": _tabulate for source in ("alpaca", "amazon_m2", "ecinstruct", "esci", "mmlu", "reviews")},
}
