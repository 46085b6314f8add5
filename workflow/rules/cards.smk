# Cards: what is in each dataset and each blend, and what each adapter is made of, for people and for programs.
#
# Needs    <results>/datasets/{dataset}.parquet, <results>/blends/{blend}.parquet
#          <results>/tables/{table}.parquet                         for the broken rows in their metadata
#          <results>/evaluation/development.parquet                 if the run has it: what a blend is compared with
#          <results>/base/{model}/                                  the tokenizer of base_model, which lengths are counted in
#          <results>/adapters/{adapter}/                            trained ones
# Leaves   <results>/cards/{datasets,blends,adapters}/{name}.md and .json

CARDS = expand(
    [
        "<results>/cards/datasets/{dataset}.{kind}",
        "<results>/cards/blends/{blend}.{kind}",
        "<results>/cards/adapters/{adapter}.{kind}",
    ],
    dataset=DATASETS,
    blend=BLENDS,
    adapter=TRAINED,
    kind=["md", "json"],
)


rule describe_dataset:
    input:
        program=program("describe_dataset.py"),
        env=environment("model"),
        dataset="<results>/datasets/{dataset}.parquet",
        tables=lambda w: expand("<results>/tables/{table}.parquet", table=TABLES[DATASETS[w.dataset]["source"]]),
        code=lambda w: program("build_dataset.py", f"datasets/{w.dataset}.py"),
        base=f"<results>/base/{config['base_model']}/manifest.json",
    output:
        json="<results>/cards/datasets/{dataset}.json",
        page="<results>/cards/datasets/{dataset}.md",
    log:
        "<logs>/describe_dataset/{dataset}.log",
    benchmark:
        "<benchmarks>/describe_dataset/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(DATASETS),
    conda:
        "../../envs/model.yaml"
    params:
        python=python.model,
        row=lambda w: json.dumps(DATASETS[w.dataset]),
        sources=lambda w: described_sources([w.dataset]),
        base=lambda w, input: Path(input.base).parent,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --dataset {input.dataset:q} \
          --row {params.row:q} \
          --sources {params.sources:q} \
          --tables {input.tables:q} \
          --base {params.base:q} \
          --code {input.code:q} \
          --json {output.json:q} \
          --page {output.page:q} \
          > {log:q} 2>&1
        """


rule describe_blend:
    input:
        program=program("describe_blend.py"),
        env=environment("model"),
        blend="<results>/blends/{blend}.parquet",
        datasets=lambda w: expand("<results>/datasets/{dataset}.parquet", dataset=BLENDS[w.blend]),
        evaluation=expand("<results>/evaluation/{set}.parquet", set=KEPT_OUT),
        code=program("blend_datasets.py"),
        base=f"<results>/base/{config['base_model']}/manifest.json",
    output:
        json="<results>/cards/blends/{blend}.json",
        page="<results>/cards/blends/{blend}.md",
    log:
        "<logs>/describe_blend/{blend}.log",
    benchmark:
        "<benchmarks>/describe_blend/{blend}.tsv"
    wildcard_constraints:
        blend=one_of(BLENDS),
    conda:
        "../../envs/model.yaml"
    params:
        python=python.model,
        description=lambda w: config["blends"][w.blend].get("description", ""),
        sources=lambda w: described_sources(BLENDS[w.blend]),
        base=lambda w, input: Path(input.base).parent,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --blend {input.blend:q} \
          --description {params.description:q} \
          --sources {params.sources:q} \
          --datasets {input.datasets:q} \
          --evaluation {input.evaluation:q} \
          --base {params.base:q} \
          --code {input.code:q} \
          --json {output.json:q} \
          --page {output.page:q} \
          > {log:q} 2>&1
        """


rule describe_adapter:
    input:
        program=program("describe_adapter.py"),
        env=environment("model"),
        adapter="<results>/adapters/{adapter}/manifest.json",
        blend=lambda w: f"<results>/blends/{trained_adapter(w)['blend']}.parquet",
        code=program("train_adapter.py"),
    output:
        json="<results>/cards/adapters/{adapter}.json",
        page="<results>/cards/adapters/{adapter}.md",
    log:
        "<logs>/describe_adapter/{adapter}.log",
    benchmark:
        "<benchmarks>/describe_adapter/{adapter}.tsv"
    wildcard_constraints:
        adapter=one_of(TRAINED),
    conda:
        "../../envs/model.yaml"
    params:
        python=python.model,
        entry=lambda w: json.dumps(trained_adapter(w)),
        model=lambda w: json.dumps(config["models"][trained_adapter(w)["model"]]),
        device=config["accelerator"],
        adapter=lambda w, input: Path(input.adapter).parent,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --adapter {params.adapter:q} \
          --entry {params.entry:q} \
          --model {params.model:q} \
          --device {params.device} \
          --blend {input.blend:q} \
          --code {input.code:q} \
          --json {output.json:q} \
          --page {output.page:q} \
          > {log:q} 2>&1
        """
