"""Which jobs would run for a target, and why: the changed file, line of config or lock, and the jobs that follow.

    python workflow/scripts/explain_run.py --configfile config/demo.yaml --target results/demo/report.html
    python workflow/scripts/explain_run.py --configfile config/demo.yaml          (all of the run)

A line for each job and cause, its own causes first, then the count:

    train_adapter v9b      config  adapters.v9b.training.learning_rate: 0.0002 -> 0.0005 (config/demo.yaml, line 71)
    build_ensemble track1  after   train_adapter v9b

Everything comes from Snakemake: a dry run with an executor that writes down each job's reason, beside the inputs, parameters and command
that Snakemake recorded when it made the job's outputs (.snakemake/metadata). Nothing is made or submitted.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from shopbench.causes import Settings, causes_of, count_text, flat, places_of
from shopbench.estimates import read_run
from shopbench.files import run_program
from shopbench.planned_jobs import PROFILES, planned_jobs
from shopbench.text_table import text_table

MAIN_CONFIG = Path("config/config.yaml")
TABLES = [Path("config/datasets.tsv"), Path("config/models.tsv")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", type=Path, nargs="+", default=[MAIN_CONFIG], help="the run; later files lie over earlier")
    parser.add_argument("--profile", type=Path, help="Snakemake profile (default: profiles/slurm, or profiles/demo for a run without GPUs)")
    parser.add_argument("--target", nargs="*", default=[], help="files or rules (default: all of the run)")
    arguments = parser.parse_args()
    config = read_run(arguments.configfile).config
    profile = arguments.profile or PROFILES[config["accelerator"]]
    jobs = planned_jobs(arguments.configfile, profile, whole=False, targets=arguments.target)
    if not jobs:
        print(f"0 jobs would run: {' '.join(arguments.target) or 'the run'} is up to date.")
        return
    causes = causes_of(jobs, settings_of(config, arguments.configfile), TABLES)
    print(text_table(["job", "cause", "what"], [[cause.job, cause.kind, cause.text] for cause in causes]))
    print(count_text(causes, len(jobs)))


def settings_of(config: dict[str, Any], configfiles: Sequence[Path]) -> Settings:
    """The run's config now, and as its finished results say."""
    saved = Path(config["pathvars"]["results"]) / "run_config.yaml"
    then = flat(yaml.safe_load(saved.read_text(encoding="utf-8"))) if saved.is_file() else None
    # As JSON, which is how programs are given it: 2.0e-3 and tuples look the same on both sides.
    return Settings(flat(json.loads(json.dumps(config))), then, places_of([MAIN_CONFIG, *configfiles]))


if __name__ == "__main__":
    run_program(main)
