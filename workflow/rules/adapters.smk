# Adapters: QLoRA on a blend, from scratch or from an adapter of an earlier round; or a PEFT folder that exists already.
#
# Needs    <results>/blends/{blend}.parquet          train rows
#          <results>/held_out/{blend}.parquet        validation rows, to follow the loss on
#          <results>/base/{model}/manifest.json
#          <results>/adapters/{adapter}/manifest.json   of the adapter that it starts from, if any
# Leaves   <results>/adapters/{adapter}/             PEFT folder, metrics.jsonl, training.json, with a manifest
#          <parts>/train_adapter/{hash}/             checkpoints, until the adapter is there


localrules:
    link_adapter,


rule train_adapter:
    input:
        program=program("train_adapter.py"),
        env=environment("model"),
        blend=lambda w: f"<results>/blends/{trained_adapter(w)['blend']}.parquet",
        base=lambda w: f"<results>/base/{trained_adapter(w)['model']}/manifest.json",
        start_from=start_from,
        held_out=lambda w: f"<results>/held_out/{trained_adapter(w)['blend']}.parquet",
    output:
        manifest="<results>/adapters/{adapter}/manifest.json",
    log:
        "<logs>/train_adapter/{adapter}.log",
    benchmark:
        "<benchmarks>/train_adapter/{adapter}.tsv"
    wildcard_constraints:
        adapter=one_of(TRAINED),
    conda:
        "../../envs/model.yaml"
    resources:
        gpu=gpus_of_training(),
        # Minutes, 0 for no limit: a cluster's profile gives one.
        runtime=0,
        # Here, where Snakemake compares nothing with the last run: it changes no adapter.
        watching=json.dumps(config["watching"]),
    params:
        python=python.model,
        training=lambda w: json.dumps(trained_adapter(w)["training"], sort_keys=True),
        # No input: it starts processes, which the trainer counts, and cannot change an adapter.
        launcher="workflow/scripts/launch_training.py",
        processes=config["launch"]["processes"],
        nodes=config["launch"]["nodes"],
        prefix=config["launch"]["prefix"],
        device=config["accelerator"],
        base=lambda w, input: Path(input.base).parent,
        start_from=lambda w, input: f"--start-from {Path(input.start_from[0]).parent}" if input.start_from else "",
        folder=lambda w, output: Path(output.manifest).parent,
        parts=config["pathvars"]["parts"],
    shell:
        """
        {params.prefix} {params.python:q} {params.launcher:q} --processes {params.processes} --nodes {params.nodes} -- \
          {input.program[0]:q} \
          --blend {input.blend:q} \
          --held-out {input.held_out:q} \
          --base {params.base:q} \
          {params.start_from} \
          --training {params.training:q} \
          --watching {resources.watching:q} \
          --processes {params.processes} \
          --device {params.device} \
          --run-time {resources.runtime} \
          --parts {params.parts:q} \
          --output {params.folder:q} \
          2>&1 | tee {log:q}
        """


rule link_adapter:
    input:
        program=program("link_model.py"),
        env=environment("data"),
    output:
        manifest="<results>/adapters/{adapter}/manifest.json",
    log:
        "<logs>/link_adapter/{adapter}.log",
    wildcard_constraints:
        adapter=one_of([name for name, adapter in config["adapters"].items() if "path" in adapter]),
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        path=lambda w: config["adapters"][w.adapter]["path"],
        folder=lambda w, output: Path(output.manifest).parent,
    shell:
        """
        {params.python:q} {input.program[0]:q} --adapter \
          --path {params.path:q} \
          --output {params.folder:q} \
          > {log:q} 2>&1
        """
