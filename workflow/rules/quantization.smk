# Quantization: AWQ and GPTQ of the merged ensembles, each judged by the weights that it was made from.
#
# Needs    <merged>/{ensemble}/
#          <results>/base/{model}/, <results>/ensembles/{ensemble}/     for the loss before the merge
#          <results>/evaluation/{set}.parquet               question-answer pairs: one set calibrates, another one judges
# Leaves   <results>/quantized/{ensemble}-{method}/
#          <results>/verified/{ensemble}-{method}.json      only of models within the limits of quantization.verify


rule quantize_model:
    input:
        program=lambda w: program("quantize_model.py", f"quantizers/{backend_of(w.method).replace('-', '_')}.py"),
        env=lambda w: environment(environment_of(backend_of(w.method))),
        merged="<merged>/{ensemble}",
        calibration=f"<results>/evaluation/{config['quantization']['calibration']}.parquet",
    output:
        manifest="<results>/quantized/{ensemble}-{method}/manifest.json",
    log:
        "<logs>/quantize_model/{ensemble}-{method}.log",
    benchmark:
        "<benchmarks>/quantize_model/{ensemble}-{method}.tsv"
    wildcard_constraints:
        ensemble=one_of(config["ensembles"]),
        method=one_of(config["quantization"]["methods"]),
    conda:
        lambda w: f"../../envs/{environment_of(backend_of(w.method))}.yaml"
    params:
        python=lambda w: vars(python)[environment_of(backend_of(w.method))],
        settings=lambda w: json.dumps(config["quantization"]["methods"][w.method]),
        device=config["accelerator"],
        parts=config["pathvars"]["parts"],
        folder=lambda w, output: Path(output.manifest).parent,
    shell:
        """
        # Finished layers go back to the system: in the heap their holes would add up, from layer to layer.
        export MALLOC_MMAP_THRESHOLD_=65536
        {params.python:q} {input.program[0]:q} \
          --method {wildcards.method:q} \
          --settings {params.settings:q} \
          --model {input.merged:q} \
          --calibration {input.calibration:q} \
          --device {params.device:q} \
          --parts {params.parts:q} \
          --output {params.folder:q} \
          > {log:q} 2>&1
        """


rule verify_quantized:
    input:
        program=program("verify_quantized.py"),
        env=environment("model"),
        merged="<merged>/{ensemble}",
        quantized="<results>/quantized/{ensemble}-{method}/manifest.json",
        base=lambda w: f"<results>/base/{config['ensembles'][w.ensemble]['model']}/manifest.json",
        ensemble="<results>/ensembles/{ensemble}/manifest.json",
        questions=lambda w: f"<results>/evaluation/{held_out_set()}.parquet",
    output:
        report="<results>/verified/{ensemble}-{method}.json",
    log:
        "<logs>/verify_quantized/{ensemble}-{method}.log",
    benchmark:
        "<benchmarks>/verify_quantized/{ensemble}-{method}.tsv"
    wildcard_constraints:
        ensemble=one_of(config["ensembles"]),
        method=one_of(config["quantization"]["methods"]),
    conda:
        "../../envs/model.yaml"
    params:
        python=python.model,
        backend=lambda w: backend_of(w.method),
        thresholds=lambda w: json.dumps(config["quantization"]["verify"][w.method]),
        quantized=lambda w, input: Path(input.quantized).parent,
        base=lambda w, input: Path(input.base).parent,
        ensemble=lambda w, input: Path(input.ensemble).parent,
        device=config["accelerator"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --method {wildcards.method:q} \
          --backend {params.backend:q} \
          --thresholds {params.thresholds:q} \
          --merged {input.merged:q} \
          --quantized {params.quantized:q} \
          --base {params.base:q} \
          --ensemble {params.ensemble:q} \
          --questions {input.questions:q} \
          --device {params.device:q} \
          --output {output.report:q} \
          > {log:q} 2>&1
        """
