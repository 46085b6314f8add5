"""What breaks on a cluster, done to a small part of the graph: each run ends right or stops in one clear line, and a plain rerun gives the
results of an undisturbed run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import emulated_slurm
import pytest
from cluster_runs import PATIENCE_SECONDS, THREADS, cluster_run, jobs_of, succeed
from support import TINY, snakemake

from shopbench.deadline import LEAST_RESERVED

TABLE = "results/tiny/tables/mmlu.parquet"
CARDS = [f"results/tiny/cards/blends/{blend}.json" for blend in ("v7", "v8", "v7b")]
ADAPTER = "results/tiny/adapters/v7b/manifest.json"
WEIGHTS = "results/tiny/adapters/v7b/adapter_model.safetensors"


@pytest.fixture(scope="session")
def undisturbed(finished_run):
    """What the faults strike, as the run without SLURM made them."""
    return {name: (finished_run / name).read_bytes() for name in (TABLE, *CARDS, WEIGHTS)}


def states(folder, rule):
    return [job.state for job in jobs_of(folder) if job.rule == rule]


def without_table(folder):
    (folder / TABLE).unlink()
    return folder


def without_adapter(folder):
    shutil.rmtree((folder / ADAPTER).parent)
    return folder


def test_cancelled_hanging_and_hungry_jobs_are_run_again(half_done, undisturbed):
    """Three faults in one run: scancel, a job that hangs until its time limit, and one with too little memory."""
    shutil.rmtree(half_done / "results/tiny/cards/blends")
    little = "300 if attempt == 1 and 'blends/v7b' in str(input) else 8000"
    limits = ["describe_blend:runtime=1 if attempt == 1 else 10", f"describe_blend:mem_mb={little}"]
    with cluster_run(half_done, *CARDS, "--set-resources", *limits) as run:
        subprocess.run(["scancel", run.wait_for_job("describe_blend", wildcards="v8").job], check=True)
        hold(run.wait_for_job("describe_blend", wildcards="v7").job)
        # SLURM looks for time-outs every half minute, the executor less and less often while nothing ends.
        assert run.finish(2 * PATIENCE_SECONDS) == 0, run.said
    assert sorted(states(half_done, "describe_blend")) == ["CANCELLED", *3 * ["COMPLETED"], "OUT_OF_MEMORY", "TIMEOUT"]
    assert sorted(job.memory_limit for job in jobs_of(half_done)) == [300, *5 * [8000]]
    for name in CARDS:
        assert (half_done / name).read_bytes() == undisturbed[name]


def processes_of(job: str) -> list[int]:
    """The processes of a job's steps, SLURM's own included."""
    table = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    rows = [(int(pid), int(parent), words) for pid, parent, words in (line.split(None, 2) for line in table)]
    found = {pid for pid, _, words in rows if words.startswith(f"slurmstepd: [{job}.")}
    while more := {pid for pid, parent, _ in rows if parent in found} - found:
        found |= more
    return sorted(found)


def has_step(job: str) -> bool:
    """Whether the step that runs the rule has begun, in the script that has begun before."""
    return f"slurmstepd: [{job}.0]" in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def stop_or_go(job: str, number: int) -> None:
    """Send a signal to all of a job but SLURM's own processes."""
    for process in processes_of(job):
        words = Path(f"/proc/{process}/cmdline").read_text()
        if not words.startswith(("slurmstepd", "srun")):
            os.kill(process, number)


def hold(job: str) -> None:
    """Stop a job once its step has begun.

    Before that, there may be no process of it yet that a signal could stop, and the job would run to its end.
    """
    while not has_step(job):
        time.sleep(0.1)
    stop_or_go(job, signal.SIGSTOP)


def test_the_trainer_stops_before_its_time_is_over_and_goes_on_in_the_next_job(half_done, undisturbed):
    resources = ["train_adapter:runtime=1 if attempt == 1 else 30", "train_adapter:mem_mb=6000"]
    log = half_done / "logs/tiny/train_adapter/v7b.log"
    log.unlink()
    with cluster_run(without_adapter(half_done), ADAPTER, *THREADS, "--set-resources", *resources) as run:
        job = run.wait_for_job("train_adapter")
        while not (log.exists() and "step 1 of" in log.read_text()):
            time.sleep(0.2)
        # However fast this machine is: hold the trainer until half of its minute is over, which it keeps for the end of its job.
        (trainer,) = (process for process in processes_of(job.job) if runs_trainer(process))
        stop_or_go(job.job, signal.SIGSTOP)
        while time.time() - os.stat(f"/proc/{trainer}").st_ctime < LEAST_RESERVED + 1:
            time.sleep(0.2)
        stop_or_go(job.job, signal.SIGCONT)
        assert run.finish() == 0, run.said
    # It stopped by itself, with an exit code: SLURM's time-out would have been another state.
    assert states(half_done, "train_adapter") == ["FAILED", "COMPLETED"]
    logs = sorted((half_done / "logs/slurm/rule_train_adapter").rglob("*.log"), key=lambda log: int(log.stem))
    assert "stopped in time: step" in logs[0].read_text()
    assert "going on from the checkpoint after step" in logs[1].read_text()
    assert (half_done / WEIGHTS).read_bytes() == undisturbed[WEIGHTS]


def runs_trainer(process: int) -> bool:
    words = Path(f"/proc/{process}/cmdline").read_text().split("\0")
    return len(words) > 1 and words[1].endswith("train_adapter.py")


def test_the_controller_may_go_away_for_a_while(half_done, undisturbed):
    with cluster_run(without_table(half_done), TABLE) as run:
        job = run.wait_for_job("tabulate_mmlu")
        # Held in its step: one that has no controller to begin with tries again after a minute, which is as right and takes longer.
        hold(job.job)
        emulated_slurm.end_process("slurmctld", "slurmctld")
        time.sleep(8)
        emulated_slurm.start_controller()
        stop_or_go(job.job, signal.SIGCONT)
        assert run.finish() == 0, run.said
    assert states(half_done, "tabulate_mmlu") == ["COMPLETED"]
    assert (half_done / TABLE).read_bytes() == undisturbed[TABLE]


def test_a_run_needs_no_accounting(half_done, undisturbed):
    emulated_slurm.end_process("slurmdbd", "slurmdbd")
    try:
        succeed(without_table(half_done), TABLE)
    finally:
        emulated_slurm.start()
    assert (half_done / TABLE).read_bytes() == undisturbed[TABLE]


def test_a_killed_snakemake_is_not_followed_by_a_second_writer(half_done, undisturbed):
    with cluster_run(without_table(half_done), TABLE) as run:
        job = run.wait_for_job("tabulate_mmlu")
        hold(job.job)
        run.kill()
        with cluster_run(half_done, TABLE) as locked:
            assert locked.finish() != 0 and "--unlock" in locked.said
        snakemake(half_done, "--unlock", *TINY)
        with cluster_run(half_done, TABLE) as refused:
            assert refused.finish() == 2
            assert (
                f"error: jobs of an earlier run in this folder are still in the queue: {job.job} (tabulate_mmlu, running)" in refused.said
            )
        stop_or_go(job.job, signal.SIGCONT)
    while job.job in emulated_slurm.run("squeue", "-h", "-o", "%i").split():
        time.sleep(0.5)
    succeed(half_done, TABLE)
    assert (half_done / TABLE).read_bytes() == undisturbed[TABLE]


def test_a_node_that_goes_down_gives_its_job_to_another(half_done, undisturbed):
    node_of_two = ["tabulate_mmlu:gpu=1", "tabulate_mmlu:gpu_model='a100'"]
    with cluster_run(without_table(half_done), TABLE, "--set-resources", *node_of_two) as run:
        job = run.wait_for_job("tabulate_mmlu")
        # All at once, as when the power goes: the node's daemon and the job's processes. SLURM would see it in a minute.
        emulated_slurm.end_process(job.node, "slurmd", force=True)
        for process in processes_of(job.job):
            subprocess.run(["kill", "-9", str(process)], capture_output=True)
        emulated_slurm.run("scontrol", "update", f"NodeName={job.node}", "State=DOWN", "Reason=power")
        run.wait_for_job("tabulate_mmlu", "PENDING")
        # SLURM lets a job wait for two minutes before it starts it anew.
        emulated_slurm.run("scontrol", "update", f"JobId={job.job}", "StartTime=now")
        again = run.wait_for_job("tabulate_mmlu")
        assert again.job == job.job and again.node != job.node
        assert run.finish() == 0, run.said
    emulated_slurm.run("scontrol", "update", f"NodeName={job.node}", "State=RESUME")
    emulated_slurm.start()
    assert (half_done / TABLE).read_bytes() == undisturbed[TABLE]


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(half_done, undisturbed):
    tables = without_table(half_done) / "results/tiny/tables"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(tables)], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        with cluster_run(half_done, TABLE, "--retries", "0") as run:
            assert run.finish() == 1
        assert "error: No space left on device: nothing half-written is left" in run.said
        assert list(tables.iterdir()) == []
    finally:
        subprocess.run(["umount", str(tables)], check=True)
    succeed(half_done, TABLE)
    assert (half_done / TABLE).read_bytes() == undisturbed[TABLE]


def test_job_arrays_are_refused(half_done):
    with cluster_run(without_table(half_done), TABLE, "--slurm-array-jobs", "all") as run:
        assert run.finish() == 2
    assert "error: slurm-array-jobs: refused" in run.said and not (half_done / TABLE).exists()


def test_a_gpu_that_the_cluster_has_not_is_refused_at_once(half_done):
    resources = ["--set-resources", "train_adapter:gpu=1", "train_adapter:gpu_model='h100'"]
    with cluster_run(without_adapter(half_done), ADAPTER, *THREADS, *resources, "--retries", "0") as run:
        assert run.finish() == 1
    assert "sbatch failed" in run.said and "h100" in run.said
