"""Start the training processes of one node with accelerate, one a GPU; on several nodes, started once on each. One process starts as it is.

    python launch_training.py --processes 8 -- train_adapter.py --blend ...
    srun --nodes 2 --ntasks-per-node 1 python launch_training.py --processes 16 --nodes 2 -- train_adapter.py --blend ...

What follows the two dashes is the trainer and its arguments. On several nodes SLURM's environment says which node this is and where the
first one is reached; without it, this refuses to start. Ends with the trainer's exit code.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping

from shopbench.files import BadInput, run_program

# Above the ports that systems hand out by themselves; jobs that share a node get different ones.
FIRST_PORT, PORTS = 20_000, 10_000


def main() -> None:
    args = parse_arguments()
    if args.processes == args.nodes == 1:
        # accelerate's launcher takes seconds to load, and has nothing to tell a single process.
        os.execv(sys.executable, [sys.executable, *args.trainer])
    launch = launch_arguments(args.processes, args.nodes, os.environ)
    command = [sys.executable, "-m", "accelerate.commands.launch", *launch, *args.trainer]
    sys.exit(subprocess.run(command).returncode)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, required=True, help="training processes on all nodes together")
    parser.add_argument("--nodes", type=int, default=1, help="nodes that this program is started on")
    parser.add_argument("trainer", nargs="+", help="the training program and its arguments, after --")
    return parser.parse_args()


def launch_arguments(processes: int, nodes: int, environment: Mapping[str, str]) -> list[str]:
    """accelerate's arguments for this node. Raises `BadInput` if processes do not go into nodes, or a node does not know its place."""
    common = ["--quiet", "--num_processes", str(processes), "--num_machines", str(nodes)]
    common += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    if processes % nodes:
        raise BadInput(f"launch.processes: {processes} do not divide into launch.nodes: {nodes}")
    if nodes == 1:
        # The launcher starts several processes only where it is told that they are for several GPUs; the trainer counts them.
        return [*common, "--multi_gpu", "--main_process_port", "0"]
    try:
        rank, started, first = (environment[name] for name in ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LAUNCH_NODE_IPADDR"))
    except KeyError as missing:
        raise BadInput(f"launch.nodes: {nodes}, but {missing} is not set; launch.prefix must start one task a node with srun") from None
    if int(started) != nodes:
        raise BadInput(f"launch.nodes: {nodes}, but launch.prefix started {started} tasks; it must start one on each node")
    port = FIRST_PORT + int(environment["SLURM_JOB_ID"]) % PORTS
    return [*common, "--multi_gpu", "--machine_rank", rank, "--main_process_ip", first, "--main_process_port", str(port)]


if __name__ == "__main__":
    run_program(main)
