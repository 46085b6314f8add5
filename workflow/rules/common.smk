# What every rule file uses. Loads nothing beyond the standard library and the two small modules below, so that a dry run stays fast.
#
#   program("x.py")        the program and every local module that it imports: a rule's first inputs
#   environment("model")   the copied lock of a built environment
#   python.model           its interpreter

import json
import sys
from types import SimpleNamespace

sys.path.insert(0, str(Path(workflow.basedir) / "workflow" / "scripts"))

from shopbench.closure import imports_of
from shopbench.config import check_simulated, datasets_of, one_line_errors, resolve
from shopbench.dataset_table import read_dataset_table
from shopbench.source_table import read_source_table
from snakemake.settings.types import DeploymentMethod

with one_line_errors():
    config = resolve(config, Path(workflow.basedir))
    DATASET_TABLE = read_dataset_table("config/datasets.tsv")
    DATASETS = datasets_of(config, DATASET_TABLE)
    SOURCES = read_source_table("config/sources.tsv", config["sources"]["review_categories"])
    check_simulated(config, [row.source for row in SOURCES])

ENVIRONMENTS = ["data", "language", "model", "report", "autoawq", "auto-gptq"]
# A site that asks for `--sdm conda` has each rule's interpreter on PATH, and needs none of our environments.
CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
python = SimpleNamespace(**{name: "python" if CONDA else f".envs/{name}-{config['accelerator']}/bin/python" for name in ENVIRONMENTS})


def environment(name):
    """The lock that build_env copies into an environment when it is complete."""
    return [] if CONDA else f".envs/{name}-{config['accelerator']}/lock.txt"


def program(name, *modules):
    """A program below workflow/scripts, with all that it and `modules` import from there, sorted after it."""
    return imports_of(Path("workflow/scripts"), name, *modules)


def one_of(names):
    """A wildcard constraint that admits these names alone (and nothing, if there are none)."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


# Compute nodes have no network; the download rules set this back. `python` is the one that runs Snakemake, which has uv beside it. Polars
# would start a thread for every core of the node, whatever the job asked for. SLURM's log file of a job begins with where it runs.
shell.prefix(
    "export HF_HUB_OFFLINE=1 POLARS_MAX_THREADS=${{OMP_NUM_THREADS:-1}} "
    f"PATH={Path(sys.executable).parent}:$PATH; "
    '[ -z "${{SLURM_JOB_ID:-}}" ] || echo "SLURM job $SLURM_JOB_ID on ${{SLURMD_NODENAME:-?}}, GPUs ${{CUDA_VISIBLE_DEVICES:-none}}" >&2; '
)
