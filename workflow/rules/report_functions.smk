# What the report's rules ask of the config and of each other.

from shopbench.braces import braced


def reported_scores(variants):
    """Score files of the variants on every evaluation set."""
    return expand("<results>/scores/{set}/{variant}.json", set=config["evaluation"]["sets"], variant=variants)


def answering(systems):
    """The variants, each once, that answer any track in these systems and that the run has."""
    wanted = {variant for system in systems for variant in REPORTED_SYSTEMS[system].values()}
    return [variant for variant in config["variants"] if variant in wanted]


def repeated_sweeps():
    """JSON: which sweep a sweep repeats with another seed."""
    return json.dumps({name: sweep["repeats"] for name, sweep in config["sweeps"].items() if "repeats" in sweep})


def variants_of_steps():
    """The variants that the steps of report.steps compare, as far as the run has them."""
    wanted = {step[end] for step in config["report"]["steps"] for end in ("before", "after")}
    return [variant for variant in config["variants"] if variant in wanted]


def own_configfiles():
    """The config files that were laid over config/config.yaml, from here."""
    return [os.path.relpath(file) for file in workflow.overwrite_configfiles]


def for_report(path, category):
    """A figure or table as Snakemake's own report (`snakemake --report`) shows it."""
    name, kind = Path(path).stem, "figure" if path.endswith(".png") else "table"
    labels = {"item": name.replace("_", " "), "kind": kind}
    return report(path, caption=f"../report/captions/{name}.rst", category=category, labels=labels)


def differing_only_in(key, variants):
    """Those of the variants that another one of them equals but for `key`."""
    groups = {}
    for name in variants:
        rest = json.dumps({k: v for k, v in config["variants"][name].items() if k != key}, sort_keys=True)
        groups.setdefault(rest, []).append(name)
    return [name for members in groups.values() if len(members) > 1 for name in members]


def made_by(names):
    """JSON: of each figure and table its rule, its program, its environment's lock, and the files that it reads, in short."""
    told = {}
    for name in names:
        maker = workflow.get_rule(f"{'draw' if name in FIGURES else 'tabulate'}_{name}")
        files = {key: [str(file) for file in flatten(maker.input[key])] for key in maker.input.keys()}
        program, lock = files.pop("program")[0], files.pop("env", [])
        # Sorted, as a config laid over another changes the order of its entries.
        read = braced(sorted(path for paths in files.values() for path in paths))
        told[name] = {"rule": maker.name, "program": program, "lock": lock[0] if lock else None, "reads": read}
    return json.dumps(told)


def flatten(value):
    """An input's files as a list, be it one or several."""
    return [value] if isinstance(value, str) else list(value)
