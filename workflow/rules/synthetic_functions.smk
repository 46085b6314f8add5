# What the rules of language-model data ask of the config and of the two tables.


def sets_by(use):
    """A wildcard constraint for the sets that are made in this way."""
    return one_of([name for name in SYNTHETIC if SYNTHETIC_TABLE[name]["use"] == use])


def built_by(w):
    """The modules of the datasets whose questions a set takes as seeds: those that it builds tasks for."""
    return [f"datasets/{name}.py" for name in SYNTHETIC[w.set]] if SYNTHETIC_TABLE[w.set]["use"] == "build" else []


def reworded_by(w):
    """The modules whose instructions a set says anew. They are no inputs: of an edit there, only another wording matters here."""
    modules = [f"workflow/scripts/datasets/{name}.py" for name in SYNTHETIC[w.set]]
    return modules if SYNTHETIC_TABLE[w.set]["use"] == "reword" else []


def seed_rows(w):
    """What a set's seeds need to know of config/datasets.tsv: sizes for the questions of datasets, words for their instructions."""
    columns = {"build": ["size"], "enrich": [], "reword": ["task_type", "asks"]}[SYNTHETIC_TABLE[w.set]["use"]]
    return {name: {column: DATASETS[name][column] for column in columns} for name in SYNTHETIC[w.set]}


def seed_tables(w):
    """The tables of a set's sources."""
    return expand("<results>/tables/{table}.parquet", table=sorted({t for s in SYNTHETIC_TABLE[w.set]["sources"] for t in TABLES[s]}))


def requests_of(name):
    """How many seeds a set has at most; 0 where there are as many as the datasets have wordings for."""
    wanted = SYNTHETIC_TABLE[name]["requests"]
    return wanted and max(1, round(wanted * config["language_model"]["scale"]))


def settings_of_writer():
    """JSON: vLLM's settings, or the endpoint's."""
    if config["language_model"]["engine"] == "openai":
        return json.dumps(config["language_model"]["endpoint"])
    return engine_settings("bf16")
