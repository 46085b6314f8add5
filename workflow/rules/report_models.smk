# Figures and tables of ensembles, quantization and inference.
#
# Requires   <results>/sweeps, scores, verified, timings, and config/paper.yaml
# Makes      <results>/report_tables/{name}.tsv and, for figures, <results>/figures/{name}.png and .pdf, {name} being
#            wise_ft_curve, alpha_choice, iteration_table, verification_table, quantization_effect, constraint_ablation, time_per_track

# The set that chooses a sweep's alpha in the report; the others report it.
CHOOSING_SET = "validation"


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


rule tabulate_iteration_table:
    input:
        program=program("figures/iteration_table.py"),
        env=environment("report"),
        scores=reported_scores(answering(["round1", "round2"])),
        paper="config/paper.yaml",
    output:
        table=report("<results>/report_tables/iteration_table.tsv", caption="../report/captions/iteration_table.rst", category="Ensembles"),
    log:
        "<logs>/report/iteration_table.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        systems=json.dumps({name: REPORTED_SYSTEMS[name] for name in ["round1", "round2"]}),
        bootstrap=config["scoring"]["bootstrap"],
        seed=config["seed"],
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --scores {input.scores:q} \
          --paper {input.paper:q} \
          --systems {params.systems:q} \
          --bootstrap {params.bootstrap:q} \
          --seed {params.seed:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_verification_table:
    input:
        program=program("figures/verification_table.py"),
        env=environment("report"),
        verified=expand("<results>/verified/{model}.json", model=REPORTED_QUANTIZED),
    output:
        table=report(
            "<results>/report_tables/verification_table.tsv", caption="../report/captions/verification_table.rst", category="Quantization"
        ),
    log:
        "<logs>/report/verification_table.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --verified {input.verified:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule draw_quantization_effect:
    input:
        program=program("figures/quantization_effect.py"),
        env=environment("report"),
        scores=reported_scores(ENSEMBLE_VARIANTS),
    output:
        png=report(
            "<results>/figures/quantization_effect.png", caption="../report/captions/quantization_effect.rst", category="Quantization"
        ),
        pdf="<results>/figures/quantization_effect.pdf",
        table="<results>/report_tables/quantization_effect.tsv",
    log:
        "<logs>/report/quantization_effect.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        variants=json.dumps({name: config["variants"][name] for name in ENSEMBLE_VARIANTS}),
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --scores {input.scores:q} \
          --variants {params.variants:q} \
          --png {output.png:q} \
          --pdf {output.pdf:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule draw_constraint_ablation:
    input:
        program=program("figures/constraint_ablation.py"),
        env=environment("report"),
        scores=reported_scores(config["variants"]),
    output:
        png=report("<results>/figures/constraint_ablation.png", caption="../report/captions/constraint_ablation.rst", category="Inference"),
        pdf="<results>/figures/constraint_ablation.pdf",
        table="<results>/report_tables/constraint_ablation.tsv",
    log:
        "<logs>/report/constraint_ablation.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        variants=json.dumps(config["variants"]),
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --scores {input.scores:q} \
          --variants {params.variants:q} \
          --png {output.png:q} \
          --pdf {output.pdf:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule draw_time_per_track:
    input:
        program=program("figures/time_per_track.py"),
        env=environment("report"),
        timings=expand("<results>/timings/{variant}.json", variant=answering(["final"])),
        challenge=expand("<results>/challenge/{variant}.json", variant=sorted(set(SUBMITTED.values()))),
        paper="config/paper.yaml",
    output:
        png=report("<results>/figures/time_per_track.png", caption="../report/captions/time_per_track.rst", category="Inference"),
        pdf="<results>/figures/time_per_track.pdf",
        table="<results>/report_tables/time_per_track.tsv",
    log:
        "<logs>/report/time_per_track.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        system=json.dumps(REPORTED_SYSTEMS["final"]),
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --timings {input.timings:q} \
          --challenge {input.challenge:q} \
          --paper {input.paper:q} \
          --system {params.system:q} \
          --png {output.png:q} \
          --pdf {output.pdf:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """
