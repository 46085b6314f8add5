# What rules ask of the config: their input functions and parameters, by stage. Rule files hold rules alone.

from shopbench.config import answered_alphas, chat_of, engine_of, swept_sets
from shopbench.ensembles import ancestors
from shopbench.padding import padding_arguments
from shopbench.source_table import find_source_file

# GPUs


def gpus(kind, used):
    """GPUs that a job of this kind asks for: those that it uses, unless the config says otherwise."""
    return config.get("gpus", {}).get(kind, used if config["accelerator"] == "cuda" else 0)


# sources


def pinned(w):
    """What decides a file's bytes: a change here, and nothing else in the table, fetches it again."""
    row = find_source_file("config/sources.tsv", w.source, w.file)
    return [row.kind, row.repository, row.revision, row.address, row.bytes, row.sha256]


# cards

# A source of config/datasets.tsv that has another source's files.
FILES_OF = {"kdd_cup_2023": "amazon_m2"}


def described_sources(datasets):
    """JSON: the raw sources of these datasets, each with its licences and whether this run makes it up."""
    named = [DATASETS[name]["source"] for name in datasets]
    raw = sorted({FILES_OF.get(source, source) for source in named})
    licences = {source: sorted({row.licence for row in SOURCES if row.source == source}) for source in raw}
    return json.dumps({source: {"licences": licences[source], "simulated": source in config["sources"]["simulate"]} for source in raw})


# base


def models_with(key):
    """The models that come in one of the three ways."""
    return [name for name, model in config["models"].items() if key in model]


def expected_digest(model):
    """--sha256 of a model whose files have to be those meant."""
    return f"--sha256 {model['sha256']}" if "sha256" in model else ""


# adapters


# The others come as folders.
TRAINED = [name for name, adapter in config["adapters"].items() if "blend" in adapter]


def trained_adapter(w):
    return config["adapters"][w.adapter]


def gpus_of_training():
    """GPUs of a training job: one a process."""
    return gpus("training", config["launch"]["processes"])


def start_from(w):
    """Manifest of the adapter that a second round goes on from."""
    name = trained_adapter(w).get("start_from")
    return [f"<results>/adapters/{name}/manifest.json"] if name else []


# ensembles


def start_from_of(name):
    """What the adapters of an ensemble continue from, and those in turn."""
    start_from = {adapter: entry["start_from"] for adapter, entry in config["adapters"].items() if entry.get("start_from")}
    listed = [entry["name"] for entry in config["ensembles"][name]["adapters"]]
    lineage = {ancestor for adapter in listed for ancestor in [adapter, *ancestors(adapter, start_from)]}
    return {adapter: start_from[adapter] for adapter in sorted(lineage & set(start_from))}


def ensemble_terms(name):
    """What decides an ensemble's weights: its entry without what the config's reader filled in."""
    return {key: value for key, value in config["ensembles"][name].items() if key in ("mode", "alpha", "adapters", "svd_rank")}


def base_names(model):
    """How the path or hub name may end that an adapter calls its base by: our folder's, the hub's, or the site's folder's."""
    entry = config["models"][model]
    return [f"base/{model}", *(Path(entry[key]).name for key in ("hub", "path") if key in entry)]


def sweep_of(wildcards):
    """The sweep that an ensemble's alpha is selected from, if it is."""
    alpha = config["ensembles"][wildcards.ensemble]["alpha"]
    return [f"<results>/sweeps/{alpha['sweep']}.parquet"] if isinstance(alpha, dict) else []


# inference


def adapter_folder(entry):
    """The folder of the adapter or ensemble that a variant or a sweep names; None without one."""
    for kind in ("adapter", "ensemble"):
        if kind in entry:
            return f"<results>/{kind}s/{entry[kind]}"
    return None


def model_folder(variant):
    """The folder of weights that a variant starts from: the base model, or the quantized ensemble."""
    if variant["precision"] == "bf16":
        return f"<results>/base/{variant['model']}"
    return f"<results>/quantized/{variant['ensemble']}-{variant['precision']}"


def variant_inputs(name):
    """The model of a variant, and what stands beside it: its adapter, or the verdict on its quantized weights."""
    variant = config["variants"][name]
    inputs = {"model": f"{model_folder(variant)}/manifest.json"}
    if variant["precision"] != "bf16":
        return inputs | {"verified": f"<results>/verified/{variant['ensemble']}-{variant['precision']}.json"}
    return inputs | ({"adapter": f"{adapter_folder(variant)}/manifest.json"} if adapter_folder(variant) else {})


def adapter_arguments(wildcards, input):
    """--adapter and --alpha of a variant that has an adapter."""
    alpha = config["variants"][wildcards.variant].get("alpha", 1)
    return f"--adapter {Path(input.adapter).parent} --alpha {alpha}" if "adapter" in input.keys() else ""


def engine_settings(precision):
    """vLLM's settings as JSON."""
    return json.dumps(config["inference"][engine_of(precision)])


def gpus_of_engine(precision):
    """GPUs of an inference job: those that share the model."""
    engine = engine_of(precision)
    return gpus(engine, config["inference"][engine]["tensor_parallel"])


# The challenge's part of the config, empty without one, and the variant that each track's submission holds.
CHALLENGE = config["inference"]["challenge"] or {}
SUBMITTED = config["systems"][CHALLENGE["system"]] if CHALLENGE else {}


def submission_settings(wildcards):
    """JSON: what a submission's entry point needs to know."""
    variant = config["variants"][SUBMITTED[wildcards.track]]
    inference = config["inference"]
    return json.dumps(
        {
            "device": config["accelerator"],
            "engine": inference[engine_of(variant["precision"])],
            "new_tokens": inference["new_tokens"],
            "constraints": variant["constraints"],
            "batch": CHALLENGE["batch"],
        }
    )


# quantization


def backend_of(method):
    """The library that a method is done with."""
    return config["quantization"]["methods"][method]["backend"]


def environment_of(backend):
    """gptqmodel is part of the model environment; the older libraries each need one of their own."""
    return "model" if backend == "gptqmodel" else backend


def held_out_set():
    """The evaluation set that quantized models are judged on: the first that did not calibrate them."""
    others = [name for name in config["evaluation"]["sets"] if name != config["quantization"]["calibration"]]
    if not others:
        raise WorkflowError("config: evaluation.sets needs a set besides quantization.calibration, to judge quantized models on")
    return others[0]
