# What the run is and what it took, and the tables in other forms.
#
# Requires   Snakefile and the rule files, <results>/run_config.yaml, <logs> and <benchmarks>
#            <results>/report_tables/{name}.tsv                   for their other forms
# Makes      <results>/figures/pipeline.png and .pdf, <results>/report_tables/{pipeline,run_summary}.tsv
#            <results>/report_tables/{name}.tex and .html

RULE_FILES = sorted(str(file) for file in Path("workflow/rules").glob("*.smk"))


rule draw_pipeline:
    input:
        program=program("figures/pipeline.py"),
        env=environment("report"),
        rules=["Snakefile", *RULE_FILES],
        config="<results>/run_config.yaml",
    output:
        png=for_report("<results>/figures/pipeline.png", "Run"),
        pdf="<results>/figures/pipeline.pdf",
        table=for_report("<results>/report_tables/pipeline.tsv", "Run"),
    log:
        "<logs>/report/pipeline.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        configfiles=lambda w: own_configfiles(),
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --rules {input.rules:q} \
          --configfiles {params.configfiles:q} \
          --png {output.png:q} \
          --pdf {output.pdf:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_run_summary:
    input:
        program=program("figures/run_summary.py"),
        env=environment("report"),
        # Nothing that has a benchmark comes after these.
        scores=reported_scores(config["variants"]),
        challenge=expand("<results>/challenge/{variant}.json", variant=sorted(set(SUBMITTED.values()))),
        cards=CARDS,
    output:
        table=for_report("<results>/report_tables/run_summary.tsv", "Run"),
    log:
        "<logs>/report/run_summary.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        benchmarks=config["pathvars"]["benchmarks"],
        logs=config["pathvars"]["logs"],
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --benchmarks {params.benchmarks:q} \
          --logs {params.logs:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule format_tables:
    input:
        program=program("format_tables.py"),
        env=environment("report"),
        sections="workflow/report/sections.yaml",
        template="workflow/report/table.html.j2",
        tables=expand("<results>/report_tables/{name}.tsv", name=REPORTED),
    output:
        tables=FORMATTED_TABLES,
    log:
        "<logs>/report/format_tables.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --sections {input.sections:q} \
          --template {input.template:q} \
          --tables {input.tables:q} \
          > {log:q} 2>&1
        """
