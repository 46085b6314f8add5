"""The partitions that a site names, and which one each job gets: by the SLURM plugin's own matching, before anything is submitted."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from shopbench.files import BadInput
from shopbench.slurm import read_site, site_file

# The plugin says on every job which partition it took.
_QUIET = logging.getLogger("shopbench.site_partitions")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


@dataclass(frozen=True)
class Site:
    """The file with its plugin's Partition objects, and the account and QOS that it names."""

    file: Path
    partitions: Sequence[Any]
    account: str | None
    qos: str | None


def read_profile(profile: Path) -> dict[str, Any]:
    """A Snakemake profile's config.yaml."""
    import yaml

    file = profile / "config.yaml"
    try:
        return dict(yaml.safe_load(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise BadInput(f"{file}: no such file; give a profile's folder, as profiles/slurm") from None
    except (yaml.YAMLError, TypeError, ValueError) as error:
        raise BadInput(f"{file}: not a profile ({error})") from None


def uses_slurm(profile: Mapping[str, Any]) -> bool:
    return profile.get("executor") == "slurm"


def read_partitions() -> Site:
    """The site's file, its partitions as the SLURM plugin reads them."""
    from snakemake_executor_plugin_slurm.partitions import read_partition_file

    file = site_file()
    entries = read_site(file)
    try:
        partitions = read_partition_file(file)
    except Exception as error:  # The plugin's own errors and those of its dataclass alike: a wrong key, a wrong time.
        raise BadInput(f"{file}: the SLURM plugin cannot read it ({error}); mend the entry") from None
    return Site(file, partitions, entries["account"], entries["qos"])


def partition_of(site: Site, asked: Mapping[str, Any], name: str = "") -> str | None:
    """The partition that a job asking for these resources and threads is given; None if there is none for it."""
    from snakemake_executor_plugin_slurm.partitions import get_best_partition

    if asked.get("slurm_partition"):
        return str(asked["slurm_partition"])
    resources = {key: value for key, value in asked.items() if key != "threads"}
    return get_best_partition(list(site.partitions), SimpleNamespace(name=name, threads=asked["threads"], resources=resources), _QUIET)


def cpus_of(asked: Mapping[str, Any]) -> int:
    """CPUs that the plugin asks SLURM for: cpus_per_task wins over threads, cpus_per_gpu is for each GPU."""
    if asked.get("cpus_per_task"):
        return max(1, int(asked["cpus_per_task"]))
    if asked.get("gpu") and asked.get("cpus_per_gpu"):
        return int(asked["cpus_per_gpu"]) * int(asked["gpu"])
    return int(asked["threads"])


def gpus_of(asked: Mapping[str, Any]) -> tuple[int, str]:
    """(GPUs on each node, their model or ""): by `gpu` for all nodes together, or by `gres` for each."""
    if found := re.match(r"gpu(?::([^:,]*[^:,0-9][^:,]*))?(?::(\d+))?", str(asked.get("gres") or "")):
        return int(found[2] or 1), found[1] or ""
    return math.ceil(int(asked.get("gpu") or 0) / nodes_of(asked)), str(asked.get("gpu_model") or "")


def nodes_of(asked: Mapping[str, Any]) -> int:
    return int(asked.get("nodes") or 1)
