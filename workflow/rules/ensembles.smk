# Ensembles: weighted sums of adapters as exact adapters, and their merge into full weights (what quantization starts from).
#
# Needs    <results>/adapters/{adapter}/manifest.json
#          <results>/sweeps/{sweep}.parquet       where an ensemble's alpha is selected from a sweep
#          <results>/base/{model}/manifest.json
# Leaves   <results>/ensembles/{ensemble}/        PEFT adapters, alpha and weights folded in
#          <merged>/{ensemble}/                   full weights, temporary unless merge.keep
#          <merged>/.parts/                       finished shards of a merge, until the model is there


rule build_ensemble:
    input:
        program=program("build_ensemble.py"),
        env=environment("model"),
        adapters=lambda w: [f"<results>/adapters/{a['name']}/manifest.json" for a in config["ensembles"][w.ensemble]["adapters"]],
        sweep=sweep_of,
    output:
        manifest="<results>/ensembles/{ensemble}/manifest.json",
    log:
        "<logs>/build_ensemble/{ensemble}.log",
    benchmark:
        "<benchmarks>/build_ensemble/{ensemble}.tsv"
    wildcard_constraints:
        ensemble=one_of(config["ensembles"]),
    # Seconds of work that hours of others wait for: the scheduler would take what has larger inputs first.
    priority: 1
    conda:
        "../../envs/model.yaml"
    params:
        python=python.model,
        ensemble=lambda w: json.dumps(ensemble_terms(w.ensemble)),
        start_from=lambda w: json.dumps(start_from_of(w.ensemble)),
        adapters=lambda w, input: [Path(manifest).parent for manifest in input.adapters],
        base_names=lambda w: base_names(config["ensembles"][w.ensemble]["model"]),
        sweep=lambda w, input: f"--sweep {input.sweep}" if input.sweep else "",
        folder=lambda w, output: Path(output.manifest).parent,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --ensemble {params.ensemble:q} \
          --start-from {params.start_from:q} \
          --adapters {params.adapters:q} \
          --base-names {params.base_names:q} \
          {params.sweep} \
          --output {params.folder:q} \
          > {log:q} 2>&1
        """


rule merge_ensemble:
    input:
        program=program("merge_ensemble.py"),
        env=environment("model"),
        base=lambda w: f"<results>/base/{config['ensembles'][w.ensemble]['model']}/manifest.json",
        ensemble="<results>/ensembles/{ensemble}/manifest.json",
    output:
        merged=directory("<merged>/{ensemble}") if config["merge"]["keep"] else temp(directory("<merged>/{ensemble}")),
    log:
        "<logs>/merge_ensemble/{ensemble}.log",
    benchmark:
        "<benchmarks>/merge_ensemble/{ensemble}.tsv"
    wildcard_constraints:
        ensemble=one_of(config["ensembles"]),
    conda:
        "../../envs/model.yaml"
    params:
        python=python.model,
        base=lambda w, input: Path(input.base).parent,
        ensemble=lambda w, input: Path(input.ensemble).parent,
        dtype=config["merge"]["dtype"],
        arithmetic=config["merge"]["arithmetic"],
        padding=padding_arguments(config),
        # Beside the output, whose place they take: a model's worth of shards is not copied from one file system to another.
        parts=f"{config['pathvars']['merged']}/.parts",
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --base {params.base:q} \
          --ensemble {params.ensemble:q} \
          --dtype {params.dtype:q} \
          --arithmetic {params.arithmetic:q} \
          {params.padding} \
          --parts {params.parts:q} \
          --output {output.merged:q} \
          > {log:q} 2>&1
        """
