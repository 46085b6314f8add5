# Blends: what the adapters are trained on.
#
# Requires   <results>/datasets/{dataset}.parquet      of the datasets that the blend takes
#            <results>/evaluation/{set}.parquet        development and shopping_mmlu, as far as the run has them: what they ask is kept out
# Makes      <results>/blends/{blend}.parquet          the datasets' columns, train rows only, shuffled; counts in its metadata
#            <results>/held_out/{blend}.parquet        a few validation rows of each dataset, to follow a training's loss on

from shopbench.blends import selections

with one_line_errors():
    BLENDS = selections(config["blends"], DATASETS, DATASET_TABLE, config["datasets"]["scale"])


rule blend_datasets:
    input:
        program=program("blend_datasets.py"),
        env=environment("data"),
        datasets=lambda w: expand("<results>/datasets/{dataset}.parquet", dataset=BLENDS[w.blend]),
        evaluation=expand("<results>/evaluation/{set}.parquet", set=KEPT_OUT),
    output:
        blend="<results>/blends/{blend}.parquet",
        held_out="<results>/held_out/{blend}.parquet",
    log:
        "<logs>/blend_datasets/{blend}.log",
    benchmark:
        "<benchmarks>/blend_datasets/{blend}.tsv"
    wildcard_constraints:
        blend=one_of(BLENDS),
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        rows=lambda w: json.dumps(BLENDS[w.blend]),
        seed=config["seed"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
            --datasets {input.datasets:q} \
            --rows {params.rows:q} \
            --evaluation {input.evaluation:q} \
            --seed {params.seed} \
            --output {output.blend:q} \
            --held-out {output.held_out:q} \
            >{log:q} 2>&1
        """
