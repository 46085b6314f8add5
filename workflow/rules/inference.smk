# Inference: every variant answers every question of every evaluation set, and sweeps answer them at many alphas. vLLM on the CPU or on GPUs.
#
# Needs    <results>/evaluation/{set}.parquet
#          <results>/base/{model}/manifest.json                    unquantized variants and sweeps
#          <results>/adapters|ensembles/{name}/manifest.json       their adapters
#          <results>/quantized/{ensemble}-{method}/manifest.json   quantized variants,
#          <results>/verified/{ensemble}-{method}.json             once they are verified
#          <results>/scores/{set}/{variant}.json                   of variants that are points of a sweep
# Leaves   <results>/predictions/{set}/{variant}/{track}.jsonl     track1-track4; track5 holds all questions of the set
#          <results>/timings/{variant}.json
#          <results>/sweeps/{sweep}.parquet
#          <results>/submissions/{track}/                          a track's submission to the challenge
#          <results>/challenge/{variant}.json                      its tracks answered as the challenge had them answered, against its limits

TRACKS = ["track1", "track2", "track3", "track4", "track5"]
SWEPT_SETS = swept_sets(config)


rule answer_questions:
    input:
        unpack(lambda w: variant_inputs(w.variant)),
        program=program("answer_questions.py"),
        env=environment("model"),
        evaluation=expand("<results>/evaluation/{set}.parquet", set=config["evaluation"]["sets"]),
    output:
        predictions=expand("<results>/predictions/{set}/{{variant}}/{track}.jsonl", set=config["evaluation"]["sets"], track=TRACKS),
        timing="<results>/timings/{variant}.json",
    log:
        "<logs>/answer_questions/{variant}.log",
    benchmark:
        "<benchmarks>/answer_questions/{variant}.tsv"
    wildcard_constraints:
        variant=one_of(config["variants"]),
    conda:
        "../../envs/model.yaml"
    resources:
        gpu=lambda w: gpus_of_engine(config["variants"][w.variant]["precision"]),
    params:
        python=python.model,
        model=lambda w, input: Path(input.model).parent,
        adapter=adapter_arguments,
        precision=lambda w: config["variants"][w.variant]["precision"],
        constraints=lambda w: config["variants"][w.variant]["constraints"],
        chat=lambda w: chat_of(config, config["variants"][w.variant]),
        device=config["accelerator"],
        engine=lambda w: engine_settings(config["variants"][w.variant]["precision"]),
        new_tokens=json.dumps(config["inference"]["new_tokens"]),
        predictions=lambda w, output: Path(output.predictions[0]).parents[2],
        parts=config["pathvars"]["parts"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --variant {wildcards.variant:q} \
          --model {params.model:q} \
          {params.adapter} \
          --precision {params.precision:q} \
          --constraints {params.constraints:q} \
          --chat {params.chat:q} \
          --device {params.device:q} \
          --engine {params.engine:q} \
          --new-tokens {params.new_tokens:q} \
          --evaluation {input.evaluation:q} \
          --parts {params.parts:q} \
          --predictions {params.predictions:q} \
          --timing {output.timing:q} \
          > {log:q} 2>&1
        """


rule sweep_alphas:
    input:
        program=program("sweep_alphas.py"),
        env=environment("model"),
        model=lambda w: f"<results>/base/{config['sweeps'][w.sweep]['model']}/manifest.json",
        adapter=lambda w: f"{adapter_folder(config['sweeps'][w.sweep])}/manifest.json",
        evaluation=expand("<results>/evaluation/{set}.parquet", set=SWEPT_SETS),
        scores=lambda w: expand("<results>/scores/{set}/{variant}.json", set=SWEPT_SETS, variant=list(answered_alphas(config, w.sweep))),
    output:
        sweep="<results>/sweeps/{sweep}.parquet",
    log:
        "<logs>/sweep_alphas/{sweep}.log",
    benchmark:
        "<benchmarks>/sweep_alphas/{sweep}.tsv"
    wildcard_constraints:
        sweep=one_of(config["sweeps"]),
    conda:
        "../../envs/model.yaml"
    resources:
        gpu=gpus_of_engine("bf16"),
    params:
        python=python.model,
        model=lambda w, input: Path(input.model).parent,
        adapter=lambda w, input: Path(input.adapter).parent,
        alphas=lambda w: json.dumps(config["sweeps"][w.sweep]["alphas"]),
        device=config["accelerator"],
        engine=engine_settings("bf16"),
        new_tokens=json.dumps(config["inference"]["new_tokens"]),
        sentence_models=json.dumps(config["scoring"]["sentence_models"]),
        bootstrap=config["scoring"]["bootstrap"],
        seed=config["seed"],
        answered=lambda w: json.dumps(answered_alphas(config, w.sweep)),
        parts=config["pathvars"]["parts"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --sweep {wildcards.sweep:q} \
          --model {params.model:q} \
          --adapter {params.adapter:q} \
          --alphas {params.alphas:q} \
          --constraints strict \
          --device {params.device:q} \
          --engine {params.engine:q} \
          --new-tokens {params.new_tokens:q} \
          --sentence-models {params.sentence_models:q} \
          --bootstrap {params.bootstrap:q} \
          --seed {params.seed:q} \
          --evaluation {input.evaluation:q} \
          --answered {params.answered:q} \
          --scores {input.scores:q} \
          --parts {params.parts:q} \
          --output {output.sweep:q} \
          > {log:q} 2>&1
        """


# All but the weights is small, and those are linked.
localrules:
    pack_submission,


rule pack_submission:
    input:
        unpack(lambda w: variant_inputs(SUBMITTED[w.track])),
        program=program("pack_submission.py", "submission/user_config.py"),
        env=environment("model"),
        requirements=f"envs/model.{config['accelerator']}.txt",
    output:
        manifest="<results>/submissions/{track}/manifest.json",
    log:
        "<logs>/pack_submission/{track}.log",
    wildcard_constraints:
        track=one_of(SUBMITTED),
    conda:
        "../../envs/model.yaml"
    params:
        python=python.model,
        variant=lambda w: SUBMITTED[w.track],
        weights=lambda w, input: Path(input.model).parent,
        settings=submission_settings,
        authors=json.dumps(CHALLENGE.get("authors", [])),
        folder=lambda w, output: Path(output.manifest).parent,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --track {wildcards.track:q} \
          --variant {params.variant:q} \
          --weights {params.weights:q} \
          --settings {params.settings:q} \
          --authors {params.authors:q} \
          --requirements {input.requirements:q} \
          --output {params.folder:q} \
          > {log:q} 2>&1
        """


rule run_submissions:
    input:
        program=program("run_submissions.py"),
        env=environment("model"),
        submissions=lambda w: [f"<results>/submissions/{track}/manifest.json" for track, name in SUBMITTED.items() if name == w.variant],
        evaluation=f"<results>/evaluation/{CHALLENGE.get('set')}.parquet",
    output:
        times="<results>/challenge/{variant}.json",
    log:
        "<logs>/run_submissions/{variant}.log",
    benchmark:
        "<benchmarks>/run_submissions/{variant}.tsv"
    wildcard_constraints:
        variant=one_of(set(SUBMITTED.values())),
    conda:
        "../../envs/model.yaml"
    resources:
        gpu=lambda w: gpus_of_engine(config["variants"][w.variant]["precision"]),
    params:
        python=python.model,
        submissions=lambda w, input: [Path(manifest).parent for manifest in input.submissions],
        minutes=json.dumps(CHALLENGE.get("minutes")),
        seconds=CHALLENGE.get("seconds_per_question"),
        cut_network="--cut-network" if CHALLENGE.get("cut_network") else "",
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --variant {wildcards.variant:q} \
          --submissions {params.submissions:q} \
          --evaluation {input.evaluation:q} \
          --minutes {params.minutes:q} \
          --seconds-per-question {params.seconds} {params.cut_network} \
          --output {output.times:q} \
          > {log:q} 2>&1
        """
