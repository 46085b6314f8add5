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
        table=for_report("<results>/report_tables/blend_table.tsv", "Data"),
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
        png=for_report("<results>/figures/overlap_removed.png", "Data"),
        pdf="<results>/figures/overlap_removed.pdf",
        table=for_report("<results>/report_tables/overlap_removed.tsv", "Data"),
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
        table=for_report("<results>/report_tables/hyper_parameters.tsv", "Training"),
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
        png=for_report("<results>/figures/training_curves.png", "Training"),
        pdf="<results>/figures/training_curves.pdf",
        table=for_report("<results>/report_tables/training_curves.tsv", "Training"),
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
        scores=expand("<results>/scores/{set}/{variant}.json", set=config["evaluation"]["sets"], variant=list(config["variants"])[:1]),
        paper="config/paper.yaml",
    output:
        png=for_report("<results>/figures/wise_ft_curve.png", "Ensembles"),
        pdf="<results>/figures/wise_ft_curve.pdf",
        table=for_report("<results>/report_tables/wise_ft_curve.tsv", "Ensembles"),
    log:
        "<logs>/report/wise_ft_curve.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        repeats=repeated_sweeps(),
        choosing_set=CHOOSING_SET,
        calibration=config["quantization"]["calibration"],
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --sweeps {input.sweeps:q} \
          --repeats {params.repeats:q} \
          --scores {input.scores:q} \
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
        table=for_report("<results>/report_tables/alpha_choice.tsv", "Ensembles"),
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
