# Sources: every raw file under its upstream name, downloaded, taken from where a person put it, or simulated.
#
# Requires   config/sources.tsv                 where each file comes from (no input: a new licence note must not fetch gigabytes again)
#            <provided>/<source>/<file>         files behind a login; <provided> is sources.provided
# Leaves     <raw>/<source>/<file>              whole and checked, or absent
#
# Each source is made by exactly one of the three rules: simulated if sources.simulate names it, else by its kind in the table.

from shopbench.source_table import source_names

SIMULATED = config["sources"]["simulate"]
PROVIDED = [name for name in source_names(SOURCES, provided=True) if name not in SIMULATED]
DOWNLOADED = [name for name in source_names(SOURCES, provided=False) if name not in SIMULATED]


localrules:
    download_source,
    provide_source,


rule simulate_source:
    input:
        program=program("simulate_source.py"),
        env=environment("data"),
    output:
        file="<raw>/{source}/{file}",
    log:
        "<logs>/simulate_source/{source}/{file}.log",
    benchmark:
        "<benchmarks>/simulate_source/{source}/{file}.tsv"
    wildcard_constraints:
        source=one_of(SIMULATED),
        file=".+",
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        scale=config["sources"]["simulation"]["scale"],
        seed=config["sources"]["simulation"]["seed"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --source {wildcards.source:q} \
          --file {wildcards.file:q} \
          --scale {params.scale} \
          --seed {params.seed} \
          --output {output.file:q} \
          > {log:q} 2>&1
        """


rule download_source:
    input:
        program=program("download_source.py"),
        env=environment("data"),
    output:
        file="<raw>/{source}/{file}",
    log:
        "<logs>/download_source/{source}/{file}.log",
    wildcard_constraints:
        source=one_of(DOWNLOADED),
        file=".+",
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        pinned=pinned,
    shell:
        """
        HF_HUB_OFFLINE=0 {params.python:q} {input.program[0]:q} \
          --sources config/sources.tsv \
          --source {wildcards.source:q} \
          --file {wildcards.file:q} \
          --output {output.file:q} \
          2>&1 | tee {log:q}
        """


rule provide_source:
    input:
        program=program("provide_source.py"),
        env=environment("data"),
    output:
        file="<raw>/{source}/{file}",
    log:
        "<logs>/provide_source/{source}/{file}.log",
    wildcard_constraints:
        source=one_of(PROVIDED),
        file=".+",
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        pinned=pinned,
        provided=config["sources"]["provided"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --sources config/sources.tsv \
          --source {wildcards.source:q} \
          --file {wildcards.file:q} \
          --provided {params.provided:q} \
          --output {output.file:q} \
          2>&1 | tee {log:q}
        """
