"""A Snakemake executor that runs nothing and writes down what each job would ask for: a dry run for programs instead of people.

    PYTHONPATH=workflow/scripts snakemake --profile slurm --executor plan --plan-file jobs.jsonl --cores 100000

Snakemake finds it by its name, through its public interface for executor plugins, and treats it as a dry run (`dryrun_exec`): nothing is
locked, made or deleted. shopbench/planned_jobs.py calls it and says what the file holds.
"""

# No `from __future__ import annotations`: Snakemake reads the types of ExecutorSettings.

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from snakemake.resources import GroupResources
from snakemake_interface_executor_plugins.executors.base import AbstractExecutor, SubmittedJobInfo
from snakemake_interface_executor_plugins.settings import CommonSettings, ExecutorSettingsBase

# A local executor: with another, Snakemake would give local rules to its own one, which runs them.
common_settings = CommonSettings(non_local_exec=False, dryrun_exec=True, implies_no_shared_fs=False, job_deploy_sources=False)

# Snakemake's own, and the folder of temporary files, which is known on the node only.
HIDDEN = {"_cores", "_nodes", "tmpdir"}


@dataclass
class ExecutorSettings(ExecutorSettingsBase):
    file: Optional[Path] = field(default=None, metadata={"help": "JSON lines file to write the jobs to"})  # noqa: UP045


class Executor(AbstractExecutor):
    def __init__(self, workflow: Any, logger: Any) -> None:
        super().__init__(workflow, logger)
        self.submissions = 0

    def run_job(self, job: Any) -> None:
        members = list(job.jobs) if job.is_group() else [job]
        attempts = 1 + max(member.restart_times or 0 for member in members)
        common = {
            "submission": self.submissions,
            "group": job.groupid if job.is_group() else None,
            "attempts": attempts,
            "submitted_last": asked(job, attempts),
            "submitted": asked(job, 1),
        }
        self.submissions += 1
        with self.workflow.executor_settings.file.open("a", encoding="utf-8") as stream:
            for member in members:
                stream.write(json.dumps({**described(member), **common, "cause": self.cause(member)}, default=str) + "\n")
        submitted = SubmittedJobInfo(job=job)
        self.report_job_submission(submitted)
        self.report_job_success(submitted)

    def cause(self, job: Any) -> dict[str, Any]:
        """Why the job runs: Snakemake's reason, and how the job differs from what Snakemake recorded when its outputs were made."""
        reason, records = self.workflow.dag.reason(job), self.workflow.persistence
        made = [path for path in job.output if records.metadata(path)]
        before = {path for output in made for path in records.input(output) or []}
        codes = {records.code(output) for output in made} - {None, job.rule.shellcmd}
        params = records.params_changed(job)
        return {
            "forced": reason.forced,
            "missing": {str(path): records.metadata(path) is not None for path in sorted(reason.missing_output)},
            "recorded": bool(made),
            "updated": sorted({str(path) for path in reason.updated_input} - {str(path) for path in reason.updated_input_run}),
            "from_jobs": sorted(map(str, reason.updated_input_run)),
            "inputs_added": sorted({str(path) for path in job.input} - before) if made else [],
            "inputs_gone": sorted(before - {str(path) for path in job.input}),
            "params": {name: value for name, value in job.params.items() if repr(value) in params.only_new} if made else {},
            "params_before": sorted(params.only_old) if params else [],
            "code": [job.rule.shellcmd, *sorted(codes)] if codes else [],
            "rule_file": str(job.rule.snakefile),
        }

    def printjob(self, job: Any) -> None:
        """Nothing: the file says it."""

    def cancel(self) -> None:
        """Nothing runs."""

    def shutdown(self) -> None:
        """Nothing runs."""

    def handle_job_success(self, job: Any) -> None:
        """Nothing was made."""

    def handle_job_error(self, job: Any) -> None:
        """Nothing was made."""


def described(job: Any) -> dict[str, Any]:
    """One job that is no group."""
    workflow = job.rule.workflow
    return {
        "rule": job.rule.name,
        "wildcards": dict(job.wildcards_dict),
        # job.is_local says yes to all jobs of a local executor, which this one is.
        "local": job.rule.norun or job.rule.name in workflow._localrules,
        "input": [str(path) for path in job.input],
        "output": [str(path) for path in job.output],
    }


def asked(job: Any, attempt: int) -> dict[str, Any]:
    """Resources and threads of a job or a group at that attempt, as a cluster's executor would be given them."""
    # Snakemake evaluates them anew for each attempt.
    job.attempt = attempt
    if job.is_group():
        layers = {"additive_resources": ["runtime"], "sortby": ["runtime"]}
        resources = dict(GroupResources.basic_layered(job.toposorted, job.global_resources, run_local=False, **layers))
    else:
        resources = dict(job.resources.items())
    return {name: value for name, value in resources.items() if name not in HIDDEN} | {"threads": resources["_cores"]}
