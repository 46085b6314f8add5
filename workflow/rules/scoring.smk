# Scoring: the challenge's parsers and metrics on every variant's answers.
#
# Requires   <results>/predictions/{set}/{variant}/track5.jsonl   the answers to all questions of a set
#            <results>/evaluation/{set}.parquet                   the truths
# Makes      <results>/scores/{set}/{variant}.json                per task, track and overall, with intervals and the trivial answer's score
#            <results>/comparisons/{variant}-over-{baseline}.json  paired bootstrap of the difference on the macro of the validation set


rule score_predictions:
    input:
        program=program("score.py"),
        env=environment("model"),
        predictions=expand("<results>/predictions/{set}/{{variant}}/track5.jsonl", set=config["evaluation"]["sets"]),
        truth=expand("<results>/evaluation/{set}.parquet", set=config["evaluation"]["sets"]),
    output:
        scores=expand("<results>/scores/{set}/{{variant}}.json", set=config["evaluation"]["sets"]),
    log:
        "<logs>/score_predictions/{variant}.log",
    benchmark:
        "<benchmarks>/score_predictions/{variant}.tsv"
    wildcard_constraints:
        variant=one_of(config["variants"]),
    conda:
        "../../envs/model.yaml"
    params:
        python=python.model,
        sentence_models=json.dumps(config["scoring"]["sentence_models"]),
        bootstrap=config["scoring"]["bootstrap"],
        macro=json.dumps(config["evaluation"]["macro"]),
        seed=config["seed"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
            --predictions {input.predictions:q} \
            --truth {input.truth:q} \
            --sentence-models {params.sentence_models:q} \
            --bootstrap {params.bootstrap} \
            --macro {params.macro:q} \
            --seed {params.seed} \
            --output {output.scores:q} \
            >{log:q} 2>&1
        """


rule compare_variants:
    input:
        program=program("compare_variants.py"),
        env=environment("model"),
        variant="<results>/scores/validation/{variant}.json",
        baseline="<results>/scores/validation/{baseline}.json",
    output:
        comparison="<results>/comparisons/{variant}-over-{baseline}.json",
    log:
        "<logs>/compare_variants/{variant}-over-{baseline}.log",
    wildcard_constraints:
        variant=one_of(config["variants"]),
        baseline=one_of(config["variants"]),
    conda:
        "../../envs/model.yaml"
    params:
        python=python.model,
        bootstrap=config["scoring"]["bootstrap"],
        seed=config["seed"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
            --variant {input.variant:q} \
            --baseline {input.baseline:q} \
            --bootstrap {params.bootstrap} \
            --seed {params.seed} \
            --output {output.comparison:q} \
            >{log:q} 2>&1
        """
