# Figures and tables of the data.
#
# Requires   <results>/tables, datasets (Parquet with counts in their metadata), <results>/cards/datasets, config/datasets.tsv and
#            config/paper.yaml
# Makes      <results>/report_tables/{name}.tsv and, for figures, <results>/figures/{name}.png and .pdf, {name} being
#            raw_table, language_model, dataset_pies, dataset_table, new_dataset_table, length_distributions, example_prompts


rule tabulate_raw_table:
    input:
        program=program("figures/raw_table.py"),
        env=environment("report"),
        tables=expand("<results>/tables/{table}.parquet", table=ALL_TABLES),
    output:
        table=for_report("<results>/report_tables/raw_table.tsv", "Data"),
    log:
        "<logs>/report/raw_table.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --tables {input.tables:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_language_model:
    input:
        program=program("figures/language_model.py"),
        env=environment("report"),
        synthetic=expand("<results>/synthetic/{set}.jsonl", set=SYNTHETIC),
        register="config/synthetic.tsv",
    output:
        table=for_report("<results>/report_tables/language_model.tsv", "Data"),
    log:
        "<logs>/report/language_model.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --synthetic {input.synthetic:q} \
          --register {input.register:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule draw_dataset_pies:
    input:
        program=program("figures/dataset_pies.py"),
        env=environment("report"),
        datasets=expand("<results>/datasets/{dataset}.parquet", dataset=DATASETS),
        register="config/datasets.tsv",
        paper="config/paper.yaml",
    output:
        png=for_report("<results>/figures/dataset_pies.png", "Data"),
        pdf="<results>/figures/dataset_pies.pdf",
        table=for_report("<results>/report_tables/dataset_pies.tsv", "Data"),
    log:
        "<logs>/report/dataset_pies.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --datasets {input.datasets:q} \
          --register {input.register:q} \
          --paper {input.paper:q} \
          --png {output.png:q} \
          --pdf {output.pdf:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_dataset_table:
    input:
        program=program("figures/dataset_table.py"),
        env=environment("report"),
        datasets=expand("<results>/datasets/{dataset}.parquet", dataset=DATASETS),
        register="config/datasets.tsv",
    output:
        table=for_report("<results>/report_tables/dataset_table.tsv", "Data"),
    log:
        "<logs>/report/dataset_table.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        clusters=["existing", "general"],
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --datasets {input.datasets:q} \
          --register {input.register:q} \
          --clusters {params.clusters:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_new_dataset_table:
    input:
        program=program("figures/dataset_table.py"),
        env=environment("report"),
        datasets=expand("<results>/datasets/{dataset}.parquet", dataset=DATASETS),
        register="config/datasets.tsv",
    output:
        table=for_report("<results>/report_tables/new_dataset_table.tsv", "Data"),
    log:
        "<logs>/report/new_dataset_table.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        clusters=["new"],
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --datasets {input.datasets:q} \
          --register {input.register:q} \
          --clusters {params.clusters:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule draw_length_distributions:
    input:
        program=program("figures/length_distributions.py"),
        env=environment("report"),
        cards=expand("<results>/cards/datasets/{dataset}.json", dataset=DATASETS),
    output:
        png=for_report("<results>/figures/length_distributions.png", "Data"),
        pdf="<results>/figures/length_distributions.pdf",
        table=for_report("<results>/report_tables/length_distributions.tsv", "Data"),
    log:
        "<logs>/report/length_distributions.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        max_length=config["training"]["max_length"],
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --cards {input.cards:q} \
          --max-length {params.max_length:q} \
          --png {output.png:q} \
          --pdf {output.pdf:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule draw_example_prompts:
    input:
        program=program("figures/example_prompts.py"),
        env=environment("report"),
        datasets=expand("<results>/datasets/{dataset}.parquet", dataset=DATASETS),
    output:
        png=for_report("<results>/figures/example_prompts.png", "Data"),
        pdf="<results>/figures/example_prompts.pdf",
        table=for_report("<results>/report_tables/example_prompts.tsv", "Data"),
    log:
        "<logs>/report/example_prompts.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --datasets {input.datasets:q} \
          --png {output.png:q} \
          --pdf {output.pdf:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """
