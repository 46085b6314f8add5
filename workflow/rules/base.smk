# Base models: a pinned snapshot from the hub, one that the site already has (the demo's lies in this repository), or a tiny one trained here.
#
# Needs    the hub                                 for a model with `hub` and `revision`
#          a folder                                for a model with `path`; checked where `sha256` says what it must be
#          nothing                                 for a model with `pretrain`: it has a simulated shop of its own
# Leaves   <results>/base/{model}/                 config, tokenizer and safetensors weights, with a manifest


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
        sha256=lambda w: expected_digest(config["models"][w.model]),
        folder=lambda w, output: Path(output.manifest).parent,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --path {params.path:q} \
          {params.sha256} \
          --output {params.folder:q} \
          > {log:q} 2>&1
        """


rule pretrain_demo_base:
    input:
        program=program("pretrain_demo_base.py"),
        env=environment("model"),
    output:
        manifest="<results>/base/{model}/manifest.json",
    log:
        "<logs>/pretrain_demo_base/{model}.log",
    benchmark:
        "<benchmarks>/pretrain_demo_base/{model}.tsv"
    wildcard_constraints:
        model=one_of(models_with("pretrain")),
    conda:
        "../../envs/model.yaml"
    params:
        python=python.model,
        parameters=lambda w: json.dumps(config["models"][w.model]["pretrain"], sort_keys=True),
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
