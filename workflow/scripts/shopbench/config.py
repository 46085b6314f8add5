"""The run's config: checked against its schema, names that refer to each other looked up, defaults filled in.

Used when Snakemake reads the workflow, so it imports nothing heavier than PyYAML and jsonschema, and those only when called. A mistake
ends the program with one line that names the key and the nearest right one, and exit code 2.
"""

from __future__ import annotations

import copy
import difflib
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shopbench.files import BadInput

SECTIONS_OF_ENTRIES = ("blends", "models", "adapters", "ensembles", "sweeps", "variants", "systems")
# Entries that come by path, or are made from what the other keys say.
SECTIONS_OF_GIVEN = ("models", "adapters")
QUANTIZED = ("awq", "gptq")
# The rules in which a language model writes training data.
WRITING_RULES = ("build_tasks", "enrich_seeds", "reword_instructions")


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the closest known name, else the list of what is known."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(known) or 'none'}"


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Around what the Snakefile reads: a `BadInput` becomes one line on stderr and exit code 2, without Snakemake's traceback."""
    try:
        yield
    except BadInput as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


def engine_of(precision: str) -> str:
    """Which of vLLM's two settings a model is run with: quantized models and unquantized ones run on different GPUs."""
    return "unquantized" if precision == "bf16" else "quantized"


def precision_answered(rule: str, wildcards: Mapping[str, str], config: Mapping[str, Any]) -> str | None:
    """The precision of the model that vLLM runs in a job of this rule; None for a rule without vLLM."""
    if rule == "sweep_alphas" or (rule in WRITING_RULES and config["language_model"]["engine"] == "vllm"):
        return "bf16"
    if rule in ("answer_questions", "run_submissions"):
        return str(config["variants"][wildcards["variant"]]["precision"])
    return None


def resolve(config: dict[str, Any], root: Path) -> dict[str, Any]:
    """Check `config` and return a copy with every default filled in.

    - an entry that a configfile sets to null is removed (so a small run can drop a variant of the paper's), and so is a key of a model or
      an adapter (so a given one can take the place of one that is downloaded or trained);
    - an adapter without a model gets `base_model`, and the full hyper-parameters under `training`;
    - a variant without a model gets its adapter's or ensemble's, else `base_model`.

    Raises BadInput for an unknown key, a wrong type or a name that nothing defines.
    """
    config = copy.deepcopy(config)
    for section in SECTIONS_OF_GIVEN:
        # The schema is not checked yet: anything may stand here.
        entries: Any = config.get(section)
        for name, entry in entries.items() if isinstance(entries, dict) else []:
            if isinstance(entry, dict):
                entries[name] = {key: value for key, value in entry.items() if value is not None}
    check_schema(config, root / "workflow/schemas/config.schema.yaml")
    for section in SECTIONS_OF_ENTRIES:
        config[section] = {name: entry for name, entry in config[section].items() if entry is not None}
    _look_up(config["base_model"], config["models"], "base_model")
    _resolve_adapters(config)
    _resolve_ensembles(config)
    _resolve_sweeps(config)
    _resolve_variants(config)
    _check_quantization(config)
    _check_writer(config)
    _check_challenge(config)
    return config


def check_schema(value: Any, schema_file: Path) -> None:
    """Raise BadInput with one line for the first way in which `value` breaks the schema."""
    import jsonschema
    import yaml

    schema = yaml.safe_load(schema_file.read_text(encoding="utf-8"))
    errors = sorted(jsonschema.Draft202012Validator(schema).iter_errors(value), key=lambda e: (len(e.path), str(e.path)))
    if errors:
        raise BadInput(f"config: {_one_line(_deepest(errors[0]))}")


def _deepest(error: Any) -> Any:
    """Of an `anyOf` that failed, the branch that came furthest: the one that the user most likely meant."""
    while error.context:
        error = max(error.context, key=lambda e: (len(e.path), e.validator == "additionalProperties"))
    return error


def _one_line(error: Any) -> str:
    where = ".".join(str(p) for p in error.absolute_path) or "the top level"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = set(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - known)
        return f"unknown key '{unknown[0]}' in {where}{nearest(unknown[0], known)}"
    return f"{where}: {error.message}"


def _look_up(name: str, known: dict[str, Any], where: str) -> Any:
    if name not in known:
        raise BadInput(f"config: {where} names '{name}', which is not defined{nearest(name, known)}")
    return known[name]


def _resolve_adapters(config: dict[str, Any]) -> None:
    adapters = config["adapters"]
    for name, adapter in adapters.items():
        adapter.setdefault("model", config["base_model"])
        _look_up(adapter["model"], config["models"], f"adapters.{name}.model")
        if "path" in adapter:
            continue
        _look_up(adapter["blend"], config["blends"], f"adapters.{name}.blend")
        adapter["training"] = {**config["training"], **adapter.get("training", {})}
    for name, adapter in adapters.items():
        seen = [name]
        while (parent := adapters[seen[-1]].get("start_from")) is not None:
            _look_up(parent, adapters, f"adapters.{seen[-1]}.start_from")
            if parent in seen:
                raise BadInput(f"config: adapters.{name}.start_from leads back to '{parent}'")
            if adapters[parent]["model"] != adapter["model"]:
                other = adapters[parent]["model"]
                raise BadInput(f"config: adapters.{name} starts from '{parent}', which belongs to another model ({other})")
            seen.append(parent)


def _resolve_ensembles(config: dict[str, Any]) -> None:
    for name, ensemble in config["ensembles"].items():
        members = [(m["name"], _look_up(m["name"], config["adapters"], f"ensembles.{name}.adapters")) for m in ensemble["adapters"]]
        models = {adapter["model"] for _, adapter in members}
        if len(models) > 1:
            raise BadInput(f"config: ensembles.{name} mixes adapters of different models ({', '.join(sorted(models))})")
        ensemble["model"] = models.pop()
        if isinstance(ensemble["alpha"], dict):
            _look_up(ensemble["alpha"]["sweep"], config["sweeps"], f"ensembles.{name}.alpha.sweep")


def _exactly_one(entry: dict[str, Any], keys: tuple[str, ...], where: str) -> str:
    given = [key for key in keys if key in entry]
    if len(given) != 1:
        raise BadInput(f"config: {where} needs exactly one of {' or '.join(keys)}, it has {', '.join(given) or 'none'}")
    return given[0]


def _resolve_sweeps(config: dict[str, Any]) -> None:
    for name, sweep in config["sweeps"].items():
        kind = _exactly_one(sweep, ("adapter", "ensemble"), f"sweeps.{name}")
        sweep["model"] = _look_up(sweep[kind], config[f"{kind}s"], f"sweeps.{name}.{kind}")["model"]
        if "repeats" in sweep and "repeats" in _look_up(sweep["repeats"], config["sweeps"], f"sweeps.{name}.repeats"):
            raise BadInput(f"config: sweeps.{name}.repeats names '{sweep['repeats']}', which repeats another; name that one")
    for name in config["ensembles"]:
        seen = [name]
        while isinstance(alpha := config["ensembles"][seen[-1]]["alpha"], dict):
            swept = config["sweeps"][alpha["sweep"]].get("ensemble")
            if swept is None:
                break
            if swept in seen:
                raise BadInput(f"config: ensembles.{name}.alpha comes from a sweep over '{swept}' itself; sweep one with a given alpha")
            seen.append(swept)


def _resolve_variants(config: dict[str, Any]) -> None:
    for name, variant in config["variants"].items():
        where = f"variants.{name}"
        kinds = [kind for kind in ("adapter", "ensemble") if kind in variant]
        if len(kinds) > 1:
            raise BadInput(f"config: {where} has both an adapter and an ensemble; name one")
        if variant["precision"] in QUANTIZED:
            if kinds != ["ensemble"]:
                raise BadInput(
                    f"config: {where}.precision is {variant['precision']}: a quantized variant needs an ensemble (of one will do)"
                )
            if "alpha" in variant:
                raise BadInput(f"config: {where}.alpha: quantized weights cannot be rescaled; set the ensemble's alpha")
            _look_up(variant["precision"], config["quantization"]["methods"], f"{where}.precision")
        model = config["base_model"]
        if kinds:
            model = _look_up(variant[kinds[0]], config[f"{kinds[0]}s"], f"{where}.{kinds[0]}")["model"]
        variant.setdefault("model", model)
        _look_up(variant["model"], config["models"], f"{where}.model")
        if kinds and variant["model"] != model:
            raise BadInput(f"config: {where}.model is '{variant['model']}', its {kinds[0]} belongs to '{model}'")
    for name, system in config["systems"].items():
        for track, variant_name in system.items():
            _look_up(variant_name, config["variants"], f"systems.{name}.{track}")


def _check_quantization(config: dict[str, Any]) -> None:
    gptq = config["quantization"]["methods"].get("gptq")
    if gptq is None or config["accelerator"] == "cuda":
        return
    if gptq["backend"] == "auto-gptq":
        where = "quantization.methods.gptq.backend"
        raise BadInput(f"config: {where} is auto-gptq, which needs CUDA; set gptqmodel, or accelerator: cuda")
    if gptq["bits"] == 8 and any(variant["precision"] == "gptq" for variant in config["variants"].values()):
        raise BadInput("config: quantization.methods.gptq.bits is 8, which vLLM loads on CUDA alone; set 4, or accelerator: cuda")


def _check_writer(config: dict[str, Any]) -> None:
    writer = config["language_model"]
    if not writer["enabled"] or writer["engine"] != "vllm":
        return
    _look_up(writer["model"], config["models"], "language_model.model")


def _check_challenge(config: dict[str, Any]) -> None:
    challenge = config["inference"]["challenge"]
    if challenge is None:
        return
    system = _look_up(challenge["system"], config["systems"], "inference.challenge.system")
    _look_up(challenge["set"], dict.fromkeys(config["evaluation"]["sets"]), "inference.challenge.set")
    for track, name in system.items():
        if config["variants"][name]["precision"] not in QUANTIZED:
            where = f"systems.{challenge['system']}.{track}"
            raise BadInput(
                f"config: {where} is '{name}', which is not quantized; a submission needs awq or gptq, or inference.challenge: null"
            )


def datasets_of(config: dict[str, Any], table: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows of config/datasets.tsv that this run builds, by name: those with a module and not excluded."""
    for key, names in (("datasets.exclude", config["datasets"]["exclude"]), ("evaluation.macro", config["evaluation"]["macro"])):
        for name in names:
            _look_up(name, table, key)
    return {name: row for name, row in table.items() if row["module"] == "ready" and name not in config["datasets"]["exclude"]}


def check_simulated(config: dict[str, Any], sources: Iterable[str]) -> None:
    """Raise BadInput if sources.simulate names a source that config/sources.tsv does not have."""
    known = dict.fromkeys(sources)
    for name in config["sources"]["simulate"]:
        _look_up(name, known, "sources.simulate")


def quantized_models(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(ensemble, method) of every quantized model that a variant needs, each once."""
    yield from sorted({(v["ensemble"], v["precision"]) for v in config["variants"].values() if v["precision"] in QUANTIZED})


def is_tuned(variant: Mapping[str, Any]) -> bool:
    """Whether a variant is more than a model as it comes."""
    return "adapter" in variant or "ensemble" in variant


def chat_of(config: Mapping[str, Any], variant: Mapping[str, Any]) -> str:
    """How a variant's model is spoken to: fine-tuned ones in the layout that they learned."""
    return "chatml" if is_tuned(variant) else str(config["models"][variant["model"]].get("chat", "chatml"))


def swept_sets(config: Mapping[str, Any]) -> list[str]:
    """The evaluation sets that sweeps answer: of another benchmark's questions (Shopping MMLU) no curve is drawn."""
    return [name for name in ("development", "validation") if name in config["evaluation"]["sets"]]


def answered_alphas(config: Mapping[str, Any], sweep: str) -> dict[str, float]:
    """{variant: alpha} of a sweep's points that a variant answers anyway: the same weights, prompts and constraints."""
    swept = config["sweeps"][sweep]
    answered: dict[str, float] = {}
    for name, variant in config["variants"].items():
        alpha = _alpha_in_sweep(config, variant, swept)
        if alpha in swept["alphas"] and alpha not in answered.values():
            answered[name] = alpha
    return answered


def _alpha_in_sweep(config: Mapping[str, Any], variant: Mapping[str, Any], swept: Mapping[str, Any]) -> Any:
    """The alpha of a variant's weights in a sweep; None if they are no point of it, or if another sweep selects it."""
    # A sweep speaks to the base, too, in the layout of its adapter.
    asked = (variant["model"], variant["precision"], variant["constraints"], chat_of(config, variant))
    if asked != (swept["model"], "bf16", "strict", "chatml"):
        return None
    if not is_tuned(variant):
        return 0
    if any(variant.get(kind) != swept.get(kind) for kind in ("adapter", "ensemble")):
        return None
    inside = config["ensembles"][variant["ensemble"]]["alpha"] if "ensemble" in variant else 1
    return None if isinstance(inside, dict) else variant.get("alpha", 1) * inside
