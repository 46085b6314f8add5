# Evaluation sets as they are given: the questions that variants answer and are scored on. The third, validation, is held out of the datasets and
# made with them.
#
# Requires   <raw>/kddcup2024/development.json       or the file that evaluation.development names
#            <raw>/shopping_mmlu/data.zip            if evaluation.sets has shopping_mmlu
# Makes      <results>/evaluation/development.parquet, shopping_mmlu.parquet, with the columns that validation.parquet has

# What training data is kept clear of. The validation set needs no such check: its groups and the blends' are disjoint by split, which
# blend_datasets asserts, and no seed of a language model is of a held-out group.
KEPT_OUT = [name for name in ("development", "shopping_mmlu") if name in config["evaluation"]["sets"]]


rule prepare_development:
    input:
        program=program("prepare_development.py"),
        env=environment("data"),
        development=config["evaluation"]["development"] or "<raw>/kddcup2024/development.json",
    output:
        questions="<results>/evaluation/development.parquet",
    log:
        "<logs>/prepare_development.log",
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
            --development {input.development:q} \
            --output {output.questions:q} \
            >{log:q} 2>&1
        """


rule prepare_shopping_mmlu:
    input:
        program=program("prepare_shopping_mmlu.py"),
        env=environment("data"),
        archive="<raw>/shopping_mmlu/data.zip",
    output:
        questions="<results>/evaluation/shopping_mmlu.parquet",
    log:
        "<logs>/prepare_shopping_mmlu.log",
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
            --archive {input.archive:q} \
            --output {output.questions:q} \
            >{log:q} 2>&1
        """
