# Figures and tables of blends, training and the weight of the fine-tuning.
#
# Requires   <results>/blends (Parquet with counts in their metadata), <results>/adapters/{adapter}/manifest.json, <results>/sweeps,
#            config/datasets.tsv and config/paper.yaml
# Makes      <results>/report_tables/{name}.tsv and, for figures, <results>/figures/{name}.png and .pdf, {name} being
#            blend_table, overlap_removed, hyper_parameters, training_curves, wise_ft_curve, alpha_choice

# The set that chooses a sweep's alpha in the report; the others report it.
CHOOSING_SET = "validation"


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


rule draw_overlap_removed:
    input:
        program=program("figures/overlap_removed.py"),
        env=environment("report"),
        blends=expand("<results>/blends/{blend}.parquet", blend=config["blends"]),
    output:
        png=report("<results>/figures/overlap_removed.png", caption="../report/captions/overlap_removed.rst", category="Data"),
        pdf="<results>/figures/overlap_removed.pdf",
        table="<results>/report_tables/overlap_removed.tsv",
    log:
        "<logs>/report/overlap_removed.log",
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
          --png {output.png:q} \
          --pdf {output.pdf:q} \
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


rule draw_wise_ft_curve:
    input:
        program=program("figures/wise_ft_curve.py"),
        env=environment("report"),
        sweeps=expand("<results>/sweeps/{sweep}.parquet", sweep=config["sweeps"]),
        paper="config/paper.yaml",
    output:
        png=report("<results>/figures/wise_ft_curve.png", caption="../report/captions/wise_ft_curve.rst", category="Ensembles"),
        pdf="<results>/figures/wise_ft_curve.pdf",
        table="<results>/report_tables/wise_ft_curve.tsv",
    log:
        "<logs>/report/wise_ft_curve.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        choosing_set=CHOOSING_SET,
        calibration=config["quantization"]["calibration"],
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --sweeps {input.sweeps:q} \
          --choosing-set {params.choosing_set:q} \
          --calibration {params.calibration:q} \
          --paper {input.paper:q} \
          --png {output.png:q} \
          --pdf {output.pdf:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_alpha_choice:
    input:
        program=program("figures/alpha_choice.py"),
        env=environment("report"),
        sweeps=expand("<results>/sweeps/{sweep}.parquet", sweep=config["sweeps"]),
    output:
        table=report("<results>/report_tables/alpha_choice.tsv", caption="../report/captions/alpha_choice.rst", category="Ensembles"),
    log:
        "<logs>/report/alpha_choice.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        choosing_set=CHOOSING_SET,
        calibration=config["quantization"]["calibration"],
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --sweeps {input.sweeps:q} \
          --choosing-set {params.choosing_set:q} \
          --calibration {params.calibration:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """
