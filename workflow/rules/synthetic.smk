# Language-model data: what a model builds, enriches and re-words for the datasets; each answer is judged, and counted if it is not kept.
#
# Needs    <results>/tables/{table}.parquet                  seeds are rows of the run's tables
#          workflow/prompts/{set}.yaml                       a template a set
#          <results>/base/{model}/, or an endpoint           as language_model.engine says
#          <results>/evaluation/{set}.parquet                development and shopping_mmlu, as far as the run has them: no answer may hold theirs
# Leaves   <results>/seeds/{set}.jsonl                       what is asked about
#          <results>/answers/{set}.jsonl                     what came back; cache/llm/ keeps it beyond the run
#          <results>/synthetic/{set}.jsonl                   the same with a verdict: kept, or why not
#
# Sets are lines of config/synthetic.tsv; datasets name the sets that they use in config/datasets.tsv. `language_model: {enabled: false}` leaves
# this stage out of the graph.

from shopbench.synthetic_table import read_synthetic_table, sets_of
from shopbench.wordings import wordings_hash

with one_line_errors():
    SYNTHETIC_TABLE = read_synthetic_table("config/synthetic.tsv")
    # The sets that each dataset of this run uses.
    SETS_OF = sets_of(DATASETS, SYNTHETIC_TABLE, config["language_model"]["sets"] if config["language_model"]["enabled"] else [])

# The sets of this run, with the datasets that use each.
SYNTHETIC = {name: [dataset for dataset in DATASETS if name in SETS_OF[dataset]] for name in SYNTHETIC_TABLE}
SYNTHETIC = {name: datasets for name, datasets in SYNTHETIC.items() if datasets}
WRITER = config["language_model"]
BY_ENDPOINT = WRITER["engine"] == "openai"
WRITER_MODEL = [] if BY_ENDPOINT else f"<results>/base/{WRITER['model']}/manifest.json"


include: "synthetic_functions.smk"


# An endpoint is reached from the login node; a job of vLLM needs GPUs.
if BY_ENDPOINT:
    workflow.localrules("build_tasks", "enrich_seeds", "reword_instructions")


rule list_seeds:
    input:
        program=lambda w: program("list_seeds.py", f"synthetic/{w.set}.py", *built_by(w)),
        env=environment("data"),
        tables=seed_tables,
    output:
        seeds="<results>/seeds/{set}.jsonl",
    log:
        "<logs>/list_seeds/{set}.log",
    benchmark:
        "<benchmarks>/list_seeds/{set}.tsv"
    wildcard_constraints:
        set=one_of(SYNTHETIC),
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        modules=lambda w, input: [*input.program[2 : 2 + len(built_by(w))], *reworded_by(w)],
        wordings=lambda w: wordings_hash(reworded_by(w)),
        rows=lambda w: json.dumps(seed_rows(w)),
        requests=lambda w: requests_of(w.set),
        rewordings=WRITER["rewordings"],
        scale=config["datasets"]["scale"],
        seed=config["seed"],
        validation_share=config["datasets"]["validation_share"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --module {input.program[1]:q} \
          --name {wildcards.set:q} \
          --rows {params.rows:q} \
          --dataset-modules {params.modules:q} \
          --tables {input.tables:q} \
          --requests {params.requests} \
          --rewordings {params.rewordings} \
          --scale {params.scale} \
          --seed {params.seed} \
          --validation-share {params.validation_share} \
          --output {output.seeds:q} \
          > {log:q} 2>&1
        """


# The three uses: a new task from a seed, what a seed lacks, an instruction said anew. One program asks; the templates differ.


rule build_tasks:
    input:
        program=program("ask_language_model.py"),
        env=environment("language" if BY_ENDPOINT else "model"),
        model=WRITER_MODEL,
        seeds="<results>/seeds/{set}.jsonl",
        template="workflow/prompts/{set}.yaml",
    output:
        answers="<results>/answers/{set}.jsonl",
    log:
        "<logs>/build_tasks/{set}.log",
    benchmark:
        "<benchmarks>/build_tasks/{set}.tsv"
    wildcard_constraints:
        set=sets_by("build"),
    conda:
        f"../../envs/{'language' if BY_ENDPOINT else 'model'}.yaml"
    resources:
        gpu=0 if BY_ENDPOINT else gpus_of_engine("bf16"),
    params:
        python=python.language if BY_ENDPOINT else python.model,
        model=lambda w, input: f"--model {Path(input.model).parent}" if input.model else "",
        settings=settings_of_writer(),
        sampling=json.dumps(WRITER["sampling"]),
        engine=WRITER["engine"],
        device=config["accelerator"],
        cache=WRITER["cache"],
        unanswered=WRITER["unanswered_share"],
        check="--self-check" if WRITER["self_check"] else "",
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --seeds {input.seeds:q} \
          --templates {input.template:q} \
          --cache {params.cache:q} \
          --engine {params.engine} \
          {params.model} \
          --settings {params.settings:q} \
          --sampling {params.sampling:q} \
          --device {params.device} \
          --unanswered-share {params.unanswered} \
          {params.check} \
          --outputs {output.answers:q} \
          > {log:q} 2>&1
        """


use rule build_tasks as enrich_seeds with:
    log:
        "<logs>/enrich_seeds/{set}.log",
    benchmark:
        "<benchmarks>/enrich_seeds/{set}.tsv"
    wildcard_constraints:
        set=sets_by("enrich"),


use rule build_tasks as reword_instructions with:
    log:
        "<logs>/reword_instructions/{set}.log",
    benchmark:
        "<benchmarks>/reword_instructions/{set}.tsv"
    wildcard_constraints:
        set=sets_by("reword"),


rule judge_answers:
    input:
        program=lambda w: program("judge_answers.py", f"synthetic/{w.set}.py"),
        env=environment("language"),
        answers="<results>/answers/{set}.jsonl",
        template="workflow/prompts/{set}.yaml",
        evaluation=expand("<results>/evaluation/{set}.parquet", set=KEPT_OUT),
    output:
        judged="<results>/synthetic/{set}.jsonl",
    log:
        "<logs>/judge_answers/{set}.log",
    benchmark:
        "<benchmarks>/judge_answers/{set}.tsv"
    wildcard_constraints:
        set=one_of(SYNTHETIC),
    conda:
        "../../envs/language.yaml"
    params:
        python=python.language,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --answers {input.answers:q} \
          --module {input.program[1]:q} \
          --template {input.template:q} \
          --evaluation {input.evaluation:q} \
          --output {output.judged:q} \
          > {log:q} 2>&1
        """
