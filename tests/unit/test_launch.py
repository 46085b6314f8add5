"""What accelerate is told on one node and on several."""

import subprocess
import sys

import launch_training
import pytest

from shopbench.files import BadInput

NODE = {"SLURM_PROCID": "1", "SLURM_NTASKS": "2", "SLURM_LAUNCH_NODE_IPADDR": "10.0.0.7", "SLURM_JOB_ID": "12345"}


def option(arguments, name):
    return arguments[arguments.index(name) + 1]


def test_one_process_is_the_trainer_itself(tmp_path):
    trainer = tmp_path / "trainer.py"
    trainer.write_text("import os, sys; print(os.getpid(), *sys.argv[1:]); sys.exit(75)")
    command = [sys.executable, launch_training.__file__, "--processes", "1", "--", str(trainer), "--blend", "v8"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said, _ = process.communicate()
    assert said.split() == [str(process.pid), "--blend", "v8"]
    assert process.returncode == 75


def test_one_node_takes_any_free_port():
    arguments = launch_training.launch_arguments(8, 1, {})
    assert option(arguments, "--num_processes") == "8" and option(arguments, "--main_process_port") == "0"


def test_several_nodes_meet_at_the_first_one():
    arguments = launch_training.launch_arguments(16, 2, NODE)
    assert option(arguments, "--machine_rank") == "1" and option(arguments, "--main_process_ip") == "10.0.0.7"
    # The same on every node of a job, another for another job.
    port = option(arguments, "--main_process_port")
    assert port == option(launch_training.launch_arguments(16, 2, NODE | {"SLURM_PROCID": "0"}), "--main_process_port")
    assert port != option(launch_training.launch_arguments(16, 2, NODE | {"SLURM_JOB_ID": "12346"}), "--main_process_port")


@pytest.mark.parametrize(
    "processes, nodes, environment, says",
    [(7, 2, NODE, "do not divide"), (16, 2, {}, "SLURM_PROCID"), (16, 4, NODE, "started 2 tasks")],
)
def test_a_launch_that_cannot_work_is_refused(processes, nodes, environment, says):
    with pytest.raises(BadInput, match=says):
        launch_training.launch_arguments(processes, nodes, environment)
