# Datasets: the 39 of config/datasets.tsv, each built by its module from the tables of its source.
#
# Needs    <results>/tables/{table}.parquet
#          <results>/synthetic/{set}.jsonl           what a language model wrote for it, in a run with one
# Leaves   <results>/datasets/{dataset}.parquet      prompts and completions, train and validation rows
#          <results>/evaluation/validation.parquet   held-out rows of all of them, as questions
#
# A dataset's row is a parameter and its module an input, so editing either rebuilds that dataset alone.


rule build_dataset:
    input:
        program=lambda w: program("build_dataset.py", f"datasets/{w.dataset}.py"),
        env=environment("data"),
        tables=lambda w: expand("<results>/tables/{table}.parquet", table=TABLES[DATASETS[w.dataset]["source"]]),
        synthetic=lambda w: expand("<results>/synthetic/{set}.jsonl", set=SETS_OF[w.dataset]),
    output:
        dataset="<results>/datasets/{dataset}.parquet",
    log:
        "<logs>/build_dataset/{dataset}.log",
    benchmark:
        "<benchmarks>/build_dataset/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(DATASETS),
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        row=lambda w: json.dumps(DATASETS[w.dataset]),
        scale=config["datasets"]["scale"],
        seed=config["seed"],
        validation_share=config["datasets"]["validation_share"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --module {input.program[1]:q} \
          --row {params.row:q} \
          --tables {input.tables:q} \
          --synthetic {input.synthetic:q} \
          --scale {params.scale} \
          --seed {params.seed} \
          --validation-share {params.validation_share} \
          --output {output.dataset:q} \
          > {log:q} 2>&1
        """


rule prepare_validation:
    input:
        program=program("prepare_validation.py"),
        env=environment("data"),
        datasets=expand("<results>/datasets/{dataset}.parquet", dataset=DATASETS),
    output:
        questions="<results>/evaluation/validation.parquet",
    log:
        "<logs>/prepare_validation.log",
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        metrics=json.dumps({name: row["metric"] for name, row in DATASETS.items()}),
        rows=config["evaluation"]["validation"]["rows_per_dataset"],
        seed=config["seed"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
            --datasets {input.datasets:q} \
            --metrics {params.metrics:q} \
            --rows-per-dataset {params.rows} \
            --seed {params.seed} \
            --output {output.questions:q} \
            >{log:q} 2>&1
        """
