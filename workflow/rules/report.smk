# The report: one page from all figures and tables, the run's config beside its results, and the run's check of itself.
#
# Requires   <results>/figures/{figure}.png, <results>/report_tables/{table}.tsv     made by the rules of the five files included below
#            <results>/cards/{kind}/{name}.md
#            <results>/predictions, ensembles, comparisons, quantized                for the check
# Makes      <results>/report.html, <results>/run_config.yaml, <results>/checked.json,
#            <results>/report_tables/{table}.tex and .html                           the same tables for papers and pages

from shopbench.config import quantized_models

# What each figure and table needs to know of the run. Names that several rule files use begin with REPORTED.
REPORTED_RUN = json.dumps({"name": config["run"], "simulated": bool(config["sources"]["simulate"])})
REPORTED_QUANTIZED = [f"{ensemble}-{method}" for ensemble, method in quantized_models(config)]
# A run without a system of its own for round 2 compares round 1 with its final system.
REPORTED_SYSTEMS = {"round2": config["systems"]["final"], **config["systems"]}
# What fine-tuning brings: the final ensembles before quantization, at the precision and under the constraints of the base.
REPORTED_PAIR = {"base": REPORTED_SYSTEMS["base"], "final": REPORTED_SYSTEMS["round2"]}
# The one comparison that the run must win, where the config names one.
REPORTED_CHECK = config["report"]["check"]
REPORTED_COMPARISONS = [f"<results>/comparisons/{REPORTED_CHECK['finetuned']}-over-{REPORTED_CHECK['base']}.json"] if REPORTED_CHECK else []
TRAINED_ADAPTERS = [name for name, adapter in config["adapters"].items() if "path" not in adapter]
ENSEMBLE_VARIANTS = [name for name, variant in config["variants"].items() if "ensemble" in variant]
SINGLE_VARIANTS = [name for name, variant in config["variants"].items() if not {"ensemble", "alpha"} & set(variant)]
PLAIN_VARIANTS = [name for name, variant in config["variants"].items() if not {"adapter", "ensemble"} & set(variant)]

FIGURES = [
    "pipeline",
    "dataset_pies",
    "length_distributions",
    "example_prompts",
    "overlap_removed",
    "training_curves",
    "wise_ft_curve",
    "component_gains",
    "quantization_effect",
    "constraint_ablation",
    "time_per_track",
    "base_vs_finetuned",
    "final_scores",
    "task_heat_map",
]
PURE_TABLES = [
    "raw_table",
    "language_model",
    "dataset_table",
    "new_dataset_table",
    "blend_table",
    "hyper_parameters",
    "alpha_choice",
    "iteration_table",
    "verification_table",
    "zero_shot",
    "two_models",
    "scores_table",
    "comparison_table",
    "run_summary",
]
REPORTED = FIGURES + PURE_TABLES
# The tables as LaTeX and as HTML.
FORMATTED_TABLES = expand("<results>/report_tables/{name}.{ending}", name=REPORTED, ending=["tex", "html"])


include: "report_functions.smk"
include: "report_data.smk"
include: "report_training.smk"
include: "report_models.smk"
include: "report_scores.smk"
include: "report_run.smk"


rule make_report:
    input:
        program=program("make_report.py"),
        env=environment("report"),
        config="<results>/run_config.yaml",
        sections="workflow/report/sections.yaml",
        template=["workflow/report/page.html.j2", "workflow/report/table.html.j2"],
        captions=expand("workflow/report/captions/{name}.rst", name=REPORTED),
        figures=expand("<results>/figures/{name}.png", name=FIGURES),
        tables=expand("<results>/report_tables/{name}.tsv", name=REPORTED),
        cards=[card for card in CARDS if card.endswith(".md")],
    output:
        page="<results>/report.html",
    log:
        "<logs>/report/make_report.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        command=config["report"].get("command", "snakemake"),
        made=lambda w: made_by(REPORTED),
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --config {input.config:q} \
          --sections {input.sections:q} \
          --template {input.template[0]:q} \
          --captions {input.captions:q} \
          --figures {input.figures:q} \
          --tables {input.tables:q} \
          --cards {input.cards:q} \
          --command {params.command:q} \
          --made {params.made:q} \
          --output {output.page:q} \
          > {log:q} 2>&1
        """


rule save_run_config:
    input:
        program=program("save_run_config.py"),
        env=environment("report"),
    output:
        config="<results>/run_config.yaml",
    log:
        "<logs>/report/save_run_config.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        config=json.dumps(config),
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --config {params.config:q} \
          --output {output.config:q} \
          > {log:q} 2>&1
        """


rule check_run:
    input:
        program=program("check_run.py"),
        env=environment("report"),
        config="<results>/run_config.yaml",
        page="<results>/report.html",
        predictions=expand(
            "<results>/predictions/{set}/{variant}/track5.jsonl", set=config["evaluation"]["sets"], variant=config["variants"]
        ),
        scores=reported_scores(config["variants"]),
        ensembles=expand("<results>/ensembles/{ensemble}/manifest.json", ensemble=config["ensembles"]),
        comparisons=REPORTED_COMPARISONS,
    output:
        checked="<results>/checked.json",
    log:
        "<logs>/report/check_run.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        results=lambda w, output: Path(output.checked).parent,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --results {params.results:q} \
          --config {input.config:q} \
          --output {output.checked:q} \
          > {log:q} 2>&1
        """
