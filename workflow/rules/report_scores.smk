# Figures and tables of scores.
#
# Requires   <results>/scores, <results>/comparisons and config/paper.yaml
# Makes      <results>/report_tables/{name}.tsv and, for figures, <results>/figures/{name}.png and .pdf, {name} being
#            zero_shot, base_vs_finetuned, two_models, final_scores, task_heat_map, scores_table, comparison_table


rule tabulate_zero_shot:
    input:
        program=program("figures/zero_shot.py"),
        env=environment("report"),
        scores=reported_scores(PLAIN_VARIANTS),
        paper="config/paper.yaml",
    output:
        table=for_report("<results>/report_tables/zero_shot.tsv", "Scores"),
    log:
        "<logs>/report/zero_shot.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --scores {input.scores:q} \
          --paper {input.paper:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule draw_base_vs_finetuned:
    input:
        program=program("figures/base_vs_finetuned.py"),
        env=environment("report"),
        scores=reported_scores(answering(["base", "round2"])),
        paper="config/paper.yaml",
    output:
        png=for_report("<results>/figures/base_vs_finetuned.png", "Scores"),
        pdf="<results>/figures/base_vs_finetuned.pdf",
        table=for_report("<results>/report_tables/base_vs_finetuned.tsv", "Scores"),
    log:
        "<logs>/report/base_vs_finetuned.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        systems=json.dumps(REPORTED_PAIR),
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --scores {input.scores:q} \
          --paper {input.paper:q} \
          --systems {params.systems:q} \
          --png {output.png:q} \
          --pdf {output.pdf:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_two_models:
    input:
        program=program("figures/two_models.py"),
        env=environment("report"),
        scores=reported_scores(SINGLE_VARIANTS),
        paper="config/paper.yaml",
    output:
        table=for_report("<results>/report_tables/two_models.tsv", "Scores"),
    log:
        "<logs>/report/two_models.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        variants=json.dumps({name: config["variants"][name] for name in SINGLE_VARIANTS}),
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --scores {input.scores:q} \
          --variants {params.variants:q} \
          --paper {input.paper:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule draw_final_scores:
    input:
        program=program("figures/final_scores.py"),
        env=environment("report"),
        scores=reported_scores(answering(["final"])),
        paper="config/paper.yaml",
    output:
        png=for_report("<results>/figures/final_scores.png", "Scores"),
        pdf="<results>/figures/final_scores.pdf",
        table=for_report("<results>/report_tables/final_scores.tsv", "Scores"),
    log:
        "<logs>/report/final_scores.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        systems=json.dumps({name: REPORTED_SYSTEMS[name] for name in ["final"]}),
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --scores {input.scores:q} \
          --paper {input.paper:q} \
          --systems {params.systems:q} \
          --png {output.png:q} \
          --pdf {output.pdf:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule draw_task_heat_map:
    input:
        program=program("figures/task_heat_map.py"),
        env=environment("report"),
        scores=reported_scores(answering(REPORTED_SYSTEMS)),
    output:
        png=for_report("<results>/figures/task_heat_map.png", "Scores"),
        pdf="<results>/figures/task_heat_map.pdf",
        table=for_report("<results>/report_tables/task_heat_map.tsv", "Scores"),
    log:
        "<logs>/report/task_heat_map.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
        systems=json.dumps(REPORTED_SYSTEMS),
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --scores {input.scores:q} \
          --systems {params.systems:q} \
          --png {output.png:q} \
          --pdf {output.pdf:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_scores_table:
    input:
        program=program("figures/scores_table.py"),
        env=environment("report"),
        scores=reported_scores(config["variants"]),
    output:
        table=for_report("<results>/report_tables/scores_table.tsv", "Scores"),
    log:
        "<logs>/report/scores_table.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --scores {input.scores:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_comparison_table:
    input:
        program=program("figures/comparison_table.py"),
        env=environment("report"),
        comparisons=REPORTED_COMPARISONS,
    output:
        table=for_report("<results>/report_tables/comparison_table.tsv", "Scores"),
    log:
        "<logs>/report/comparison_table.log",
    conda:
        "../../envs/report.yaml"
    params:
        python=python.report,
        run=REPORTED_RUN,
    shell:
        """
        PYTHONPATH=workflow/scripts {params.python:q} {input.program[0]:q} \
          --run {params.run:q} \
          --comparisons {input.comparisons:q} \
          --table {output.table:q} \
          > {log:q} 2>&1
        """
