"""One training job on two nodes: the launcher prefix of the config, and the same adapter as one process on one node."""

from __future__ import annotations

import numpy as np
import yaml
from cluster_runs import CONFIG, jobs_of, succeed
from safetensors.numpy import load_file
from support import snakemake

WEIGHTS = "results/tiny/adapters/v7/adapter_model.safetensors"
TWO_NODES = ["nodes=2", "tasks=2", "tasks_per_gpu=0", "mpi='srun'", "gpu=0", "gres='gpu:a100:8'", "mem_mb=6000", "runtime=30"]


def test_two_nodes_train_the_same_adapter_as_one_process(half_done, tmp_path):
    # Dropout is another in each process.
    short = {"epochs": 1, "dropout": 0.0}
    overlays = {
        "one": {"training": short},
        "two": {"training": short, "launch": {"processes": 2, "nodes": 2, "prefix": "srun --nodes=2 --ntasks-per-node=1"}},
    }
    config = {}
    for name, overlay in overlays.items():
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(overlay))
        config[name] = [*CONFIG, str(path)]

    (half_done / WEIGHTS).with_name("manifest.json").unlink()
    snakemake(half_done, "results/tiny/adapters/v7/manifest.json", *config["one"], "--cores", "1")
    expected = load_file(half_done / WEIGHTS)

    (half_done / WEIGHTS).with_name("manifest.json").unlink()
    resources = [f"train_adapter:{resource}" for resource in TWO_NODES]
    succeed(
        half_done,
        "results/tiny/adapters/v7/manifest.json",
        *config["two"],
        "--set-threads",
        "train_adapter=1",
        "--set-resources",
        *resources,
    )
    (job,) = jobs_of(half_done)
    assert (job.partition, job.gpus, job.state) == ("a100", 16, "COMPLETED")
    found = load_file(half_done / WEIGHTS)
    for name, tensor in expected.items():
        np.testing.assert_allclose(found[name], tensor, rtol=0, atol=1e-5, err_msg=name)
