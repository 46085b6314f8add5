# Figures and tables of data and training.
#
# Requires   <results>/tables, datasets, blends (Parquet with counts in their metadata), <results>/adapters/{adapter}/manifest.json,
#            config/datasets.tsv and config/paper.yaml
# Makes      <results>/report_tables/{name}.tsv and, for figures, <results>/figures/{name}.png and .pdf, {name} being
#            raw_table, dataset_pies, dataset_table, blend_table, hyper_parameters, training_curves


rule tabulate_raw_table:
    input:
        program=program("figures/raw_table.py"),
        env=environment("report"),
        tables=expand("<results>/tables/{table}.parquet", table=ALL_TABLES),
    output:
        table=report("<results>/report_tables/raw_table.tsv", caption="../report/captions/raw_table.rst", category="Data"),
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


rule draw_dataset_pies:
    input:
        program=program("figures/dataset_pies.py"),
        env=environment("report"),
        datasets=expand("<results>/datasets/{dataset}.parquet", dataset=DATASETS),
        register="config/datasets.tsv",
        paper="config/paper.yaml",
    output:
        png=report("<results>/figures/dataset_pies.png", caption="../report/captions/dataset_pies.rst", category="Data"),
        pdf="<results>/figures/dataset_pies.pdf",
        table="<results>/report_tables/dataset_pies.tsv",
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
        table=report("<results>/report_tables/dataset_table.tsv", caption="../report/captions/dataset_table.rst", category="Data"),
    log:
        "<logs>/report/dataset_table.log",
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
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_blend_table:
    input:
        program=program("figures/blend_table.py"),
        env=environment("report"),
        blends=expand("<results>/blends/{blend}.parquet", blend=config["blends"]),
        register="config/datasets.tsv",
        paper="config/paper.yaml",
    output:
        table=report("<results>/report_tables/blend_table.tsv", caption="../report/captions/blend_table.rst", category="Data"),
    log:
        "<logs>/report/blend_table.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --blends {input.blends:q} \
          --register {input.register:q} \
          --paper {input.paper:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_hyper_parameters:
    input:
        program=program("figures/hyper_parameters.py"),
        env=environment("report"),
        paper="config/paper.yaml",
    output:
        table=report("<results>/report_tables/hyper_parameters.tsv", caption="../report/captions/hyper_parameters.rst", category="Training"),
    log:
        "<logs>/report/hyper_parameters.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        training=json.dumps(config["training"]),
        adapters=json.dumps(config["adapters"]),
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --paper {input.paper:q} \
          --training {params.training:q} \
          --adapters {params.adapters:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule draw_training_curves:
    input:
        program=program("figures/training_curves.py"),
        env=environment("report"),
        adapters=expand("<results>/adapters/{adapter}/manifest.json", adapter=TRAINED_ADAPTERS),
    output:
        png=report("<results>/figures/training_curves.png", caption="../report/captions/training_curves.rst", category="Training"),
        pdf="<results>/figures/training_curves.pdf",
        table="<results>/report_tables/training_curves.tsv",
    log:
        "<logs>/report/training_curves.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --adapters {input.adapters:q} \
          --png {output.png:q} \
          --pdf {output.pdf:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """
