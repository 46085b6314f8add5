# Base models: a pinned snapshot from the hub, one that the site already has, or a tiny one trained here.
#
# Needs    the hub                                 for a model with `hub` and `revision`
#          a folder                                for a model with `path`
#          <results>/tables/{table}.parquet, <results>/datasets/{dataset}.parquet    for a model with `pretrain`; without the datasets for one
#                                                  that reads no tasks, and so may write for them
#          nothing                                 for a model with `lessons`: it has a simulated shop of its own
# Leaves   <results>/base/{model}/                 config, tokenizer and safetensors weights, with a manifest

# Not ECInstruct's items, which hold answers, and not the sessions, which are no text.
PRETRAINING_TABLES = [table for table in ALL_TABLES if table not in ("ecinstruct", "m2_sessions")]


localrules:
    download_model,
    link_model,


rule download_model:
    input:
        program=program("download_model.py"),
        env=environment("data"),
    output:
        manifest="<results>/base/{model}/manifest.json",
    log:
        "<logs>/download_model/{model}.log",
    wildcard_constraints:
        model=one_of(models_with("hub")),
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        hub=lambda w: config["models"][w.model]["hub"],
        revision=lambda w: config["models"][w.model]["revision"],
        folder=lambda w, output: Path(output.manifest).parent,
        parts=config["pathvars"]["parts"],
    shell:
        """
        HF_HUB_OFFLINE=0 {params.python:q} {input.program[0]:q} \
          --hub {params.hub:q} \
          --revision {params.revision:q} \
          --parts {params.parts:q} \
          --output {params.folder:q} \
          > {log:q} 2>&1
        """


rule link_model:
    input:
        program=program("link_model.py"),
        env=environment("data"),
    output:
        manifest="<results>/base/{model}/manifest.json",
    log:
        "<logs>/link_model/{model}.log",
    wildcard_constraints:
        model=one_of(models_with("path")),
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        path=lambda w: config["models"][w.model]["path"],
        folder=lambda w, output: Path(output.manifest).parent,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --path {params.path:q} \
          --output {params.folder:q} \
          > {log:q} 2>&1
        """


rule pretrain_demo_base:
    input:
        program=program("pretrain_demo_base.py"),
        env=environment("model"),
        tables=expand("<results>/tables/{table}.parquet", table=PRETRAINING_TABLES),
        datasets=expand("<results>/datasets/{dataset}.parquet", dataset=DATASETS),
    output:
        manifest="<results>/base/{model}/manifest.json",
    log:
        "<logs>/pretrain_demo_base/{model}.log",
    benchmark:
        "<benchmarks>/pretrain_demo_base/{model}.tsv"
    wildcard_constraints:
        model=one_of(pretrained(on_tasks=True)),
    conda:
        "../../envs/model.yaml"
    params:
        python=python.model,
        parameters=lambda w: json.dumps(config["models"][w.model]["pretrain"], sort_keys=True),
        folder=lambda w, output: Path(output.manifest).parent,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --tables {input.tables:q} \
          --datasets {input.datasets:q} \
          --parameters {params.parameters:q} \
          --output {params.folder:q} \
          2>&1 | tee {log:q}
        """


use rule pretrain_demo_base as pretrain_demo_writer with:
    input:
        program=program("pretrain_demo_base.py"),
        env=environment("model"),
        tables=expand("<results>/tables/{table}.parquet", table=PRETRAINING_TABLES),
        datasets=[],
    log:
        "<logs>/pretrain_demo_writer/{model}.log",
    benchmark:
        "<benchmarks>/pretrain_demo_writer/{model}.tsv"
    wildcard_constraints:
        model=one_of(pretrained(on_tasks=False)),


rule teach_demo_base:
    input:
        program=program("teach_demo_base.py"),
        env=environment("model"),
    output:
        manifest="<results>/base/{model}/manifest.json",
    log:
        "<logs>/teach_demo_base/{model}.log",
    benchmark:
        "<benchmarks>/teach_demo_base/{model}.tsv"
    wildcard_constraints:
        model=one_of(models_with("lessons")),
    conda:
        "../../envs/model.yaml"
    params:
        python=python.model,
        parameters=lambda w: json.dumps(config["models"][w.model]["lessons"], sort_keys=True),
        parts=config["pathvars"]["parts"],
        folder=lambda w, output: Path(output.manifest).parent,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --parameters {params.parameters:q} \
          --parts {params.parts:q} \
          --output {params.folder:q} \
          2>&1 | tee {log:q}
        """
