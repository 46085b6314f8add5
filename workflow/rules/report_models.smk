# Figures and tables of ensembles, quantization and inference.
#
# Requires   <results>/scores, verified, timings, and config/paper.yaml
# Makes      <results>/report_tables/{name}.tsv and, for figures, <results>/figures/{name}.png and .pdf, {name} being
#            iteration_table, component_gains, verification_table, quantization_effect, constraint_ablation, time_per_track

# What a figure compares, and nothing else: another variant's scores redraw nothing.
QUANTIZED_AND_NOT = differing_only_in("precision", ENSEMBLE_VARIANTS)
CONSTRAINED_AND_NOT = differing_only_in("constraints", config["variants"])


rule tabulate_iteration_table:
    input:
        program=program("figures/iteration_table.py"),
        env=environment("report"),
        scores=reported_scores(answering(["round1", "round2"])),
        paper="config/paper.yaml",
    output:
        table=for_report("<results>/report_tables/iteration_table.tsv", "Ensembles"),
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


rule draw_component_gains:
    input:
        program=program("figures/component_gains.py"),
        env=environment("report"),
        scores=reported_scores(variants_of_steps()),
        paper="config/paper.yaml",
    output:
        png=for_report("<results>/figures/component_gains.png", "Scores"),
        pdf="<results>/figures/component_gains.pdf",
        table=for_report("<results>/report_tables/component_gains.tsv", "Scores"),
    log:
        "<logs>/report/component_gains.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        steps=json.dumps(config["report"]["steps"]),
        bootstrap=config["scoring"]["bootstrap"],
        seed=config["seed"],
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --scores {input.scores:q} \
          --steps {params.steps:q} \
          --bootstrap {params.bootstrap:q} \
          --seed {params.seed:q} \
          --paper {input.paper:q} \
          --png {output.png:q} \
          --pdf {output.pdf:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_verification_table:
    input:
        program=program("figures/verification_table.py"),
        env=environment("report"),
        verified=expand("<results>/verified/{model}.json", model=REPORTED_QUANTIZED),
    output:
        table=for_report("<results>/report_tables/verification_table.tsv", "Quantization"),
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
        scores=reported_scores(QUANTIZED_AND_NOT),
    output:
        png=for_report("<results>/figures/quantization_effect.png", "Quantization"),
        pdf="<results>/figures/quantization_effect.pdf",
        table=for_report("<results>/report_tables/quantization_effect.tsv", "Quantization"),
    log:
        "<logs>/report/quantization_effect.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        variants=json.dumps({name: config["variants"][name] for name in QUANTIZED_AND_NOT}),
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
        scores=reported_scores(CONSTRAINED_AND_NOT),
    output:
        png=for_report("<results>/figures/constraint_ablation.png", "Inference"),
        pdf="<results>/figures/constraint_ablation.pdf",
        table=for_report("<results>/report_tables/constraint_ablation.tsv", "Inference"),
    log:
        "<logs>/report/constraint_ablation.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        variants=json.dumps({name: config["variants"][name] for name in CONSTRAINED_AND_NOT}),
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
        png=for_report("<results>/figures/time_per_track.png", "Inference"),
        pdf="<results>/figures/time_per_track.pdf",
        table=for_report("<results>/report_tables/time_per_track.tsv", "Inference"),
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
