"""A genuine SLURM of five emulated nodes on one machine, without systemd: munge, MariaDB, slurmdbd, slurmctld and a slurmd per node.

    python tests/cluster/emulated_slurm.py check | start | stop | missing

    cpu-1      64 CPUs, 256 GB, partition cpu
    a100-1, 2  128 CPUs, 1 TB, 8 GPUs of model a100 each, partition a100
    t4-1, 2    48 CPUs, 192 GB, 4 GPUs of model t4 each, partition t4

CPUs, memory and GPUs of the nodes are claims; limits of memory and time are enforced. All of it lives in one folder, and `stop` ends only
what `start` began. Needs root, as slurmd gives jobs to users. Starting what runs already changes nothing.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HOME = Path(os.environ.get("SHOPBENCH_SLURM_HOME", "/var/tmp/shopbench-slurm"))
SYSTEM = Path("/etc/slurm")
# Each program with the Debian package that brings it.
PACKAGES = {
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "slurmdbd": "slurmdbd",
    "sbatch": "slurm-client",
    "munged": "munge",
    "mariadbd": "mariadb-server",
    "mariadb-install-db": "mariadb-server",
}
HOST = socket.gethostname().split(".")[0]
CONTROLLER_PORT, DATABASE_PORT = 16817, 16819
ACCOUNTS = ["shop", "other"]


@dataclass(frozen=True)
class Node:
    name: str
    partition: str
    port: int
    cpus: int
    memory_mb: int
    gpus: int = 0

    @property
    def slurm_conf(self) -> str:
        gres = f" Gres=gpu:{self.partition}:{self.gpus}" if self.gpus else ""
        return (
            f"NodeName={self.name} NodeHostname={HOST} NodeAddr=127.0.0.1 Port={self.port} "
            f"CPUs={self.cpus} RealMemory={self.memory_mb}{gres} State=UNKNOWN"
        )


NODES = [
    Node("cpu-1", "cpu", 16901, 64, 256_000),
    Node("a100-1", "a100", 16911, 128, 1_000_000, gpus=8),
    Node("a100-2", "a100", 16912, 128, 1_000_000, gpus=8),
    Node("t4-1", "t4", 16921, 48, 192_000, gpus=4),
    Node("t4-2", "t4", 16922, 48, 192_000, gpus=4),
]
# With the days that a job may take, as profiles/slurm/partitions.yaml says.
PARTITIONS = {"cpu": 7, "a100": 2, "t4": 2}


class Refused(Exception):
    """Why no cluster is started here, in one line."""


def missing_packages() -> list[str]:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return sorted({package for program, package in PACKAGES.items() if not shutil.which(program, path=path)})


def check_machine() -> None:
    """Refuse where this cannot work, or would get in the way of a SLURM that is really used."""
    if missing := missing_packages():
        raise Refused(f"SLURM is not complete here: apt-get install --no-install-recommends {' '.join(missing)}")
    if os.geteuid() != 0:
        raise Refused("the emulated cluster needs root: slurmd starts jobs for their users")
    real = SYSTEM / "slurm.conf"
    if real.exists() and not (real.is_symlink() and HOME in real.resolve().parents):
        raise Refused(f"{real}: this machine belongs to a SLURM cluster; the emulated one is not started beside it")


# Configuration files


def has_memory_cgroup() -> bool:
    """cgroup v2 would need systemd."""
    return Path("/sys/fs/cgroup/memory/memory.limit_in_bytes").exists()


def slurm_conf() -> str:
    if has_memory_cgroup():
        limits = "ProctrackType=proctrack/cgroup\nTaskPlugin=task/cgroup"
    else:
        limits = "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nJobAcctGatherParams=OverMemoryKill"
    partitions = [
        f"PartitionName={name} Nodes={','.join(node.name for node in NODES if node.partition == name)} "
        f"Default={'YES' if name == 'cpu' else 'NO'} MaxTime={days}-00:00:00 DefaultTime=00:30:00 State=UP"
        for name, days in PARTITIONS.items()
    ]
    return "\n".join(
        [
            "ClusterName=emulated",
            f"SlurmctldHost={HOST}(127.0.0.1)",
            f"SlurmctldPort={CONTROLLER_PORT}",
            "SlurmUser=root\nSlurmdUser=root",
            f"AuthType=auth/munge\nCredType=cred/munge\nAuthInfo=socket={HOME}/munge/socket",
            f"StateSaveLocation={HOME}/state\nSlurmdSpoolDir={HOME}/spool/%n",
            f"SlurmctldPidFile={HOME}/pid/slurmctld\nSlurmdPidFile={HOME}/pid/%n",
            f"SlurmctldLogFile={HOME}/log/slurmctld\nSlurmdLogFile={HOME}/log/%n",
            limits,
            "SwitchType=switch/none\nMpiDefault=none",
            "SelectType=select/cons_tres\nSelectTypeParameters=CR_Core_Memory",
            "SchedulerType=sched/backfill\nSchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0",
            # The nodes are what is said of them, whatever the machine has.
            "SlurmdParameters=config_overrides",
            "GresTypes=gpu",
            "JobAcctGatherType=jobacct_gather/linux\nJobAcctGatherFrequency=task=2",
            f"AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost=127.0.0.1\nAccountingStoragePort={DATABASE_PORT}",
            f"AccountingStoragePass={HOME}/munge/socket",
            "AccountingStorageTRES=gres/gpu,gres/gpu:a100,gres/gpu:t4\nAccountingStorageEnforce=associations\nAccountingStoreFlags=job_comment",
            "ReturnToService=2\nMinJobAge=300\nKillWait=2\nSlurmctldTimeout=30\nSlurmdTimeout=20\nOverTimeLimit=0",
            *[node.slurm_conf for node in NODES],
            *partitions,
            "",
        ]
    )


def gres_conf() -> str:
    """GPU device files are character devices of this folder: SLURM counts them and sets CUDA_VISIBLE_DEVICES, nobody opens them."""
    by_model: dict[str, list[Node]] = {}
    for node in NODES:
        if node.gpus:
            by_model.setdefault(node.partition, []).append(node)
    lines = [
        f"NodeName={','.join(node.name for node in nodes)} Name=gpu Type={model} Flags=nvidia_gpu_env "
        f"File={HOME}/dev/nvidia[0-{nodes[0].gpus - 1}]"
        for model, nodes in by_model.items()
    ]
    return "\n".join(["AutoDetect=off", *lines, ""])


def slurmdbd_conf() -> str:
    return f"""AuthType=auth/munge
AuthInfo=socket={HOME}/munge/socket
DbdAddr=127.0.0.1
DbdHost={HOST}
DbdPort={DATABASE_PORT}
SlurmUser=root
LogFile={HOME}/log/slurmdbd
PidFile={HOME}/pid/slurmdbd
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_accounting
CommitDelay=0
"""


CGROUP_CONF = """CgroupPlugin=cgroup/v1
CgroupMountpoint=/sys/fs/cgroup
ConstrainRAMSpace=yes
ConstrainCores=no
ConstrainDevices=no
"""


def write_configuration() -> None:
    for name in ("etc", "pid", "log", "state", "spool", "dev"):
        (HOME / name).mkdir(parents=True, exist_ok=True)
    (HOME / "munge").mkdir(mode=0o755, exist_ok=True)
    texts = {"slurm.conf": slurm_conf(), "gres.conf": gres_conf(), "slurmdbd.conf": slurmdbd_conf()}
    if has_memory_cgroup():
        texts["cgroup.conf"] = CGROUP_CONF
    for name, text in texts.items():
        path = HOME / "etc" / name
        path.write_text(text)
        path.chmod(0o600 if name == "slurmdbd.conf" else 0o644)
    for number in range(max(node.gpus for node in NODES)):
        device = HOME / f"dev/nvidia{number}"
        if not device.exists():
            os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(195, number))
    # The executor's job step drops SLURM_CONF, so that its srun looks at the usual place.
    SYSTEM.mkdir(exist_ok=True)
    for name in texts:
        link = SYSTEM / name
        link.unlink(missing_ok=True)
        link.symlink_to(HOME / "etc" / name)


# Daemons


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "MYSQL_UNIX_PORT": f"{HOME}/mariadb/socket"}


def run(*command: str | Path, check: bool = True) -> str:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment())
    if check and result.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


def wait_for(what: str, ready: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not there after {seconds:.0f} s; see {HOME}/log")
        time.sleep(0.2)


def process_of(name: str, program: str) -> int | None:
    """The process that a pid file of ours names, if it still runs that program."""
    try:
        process = int((HOME / "pid" / name).read_text())
        return process if Path(f"/proc/{process}/comm").read_text().strip() == program else None
    except (OSError, ValueError):
        return None


def start_munge() -> None:
    if process_of("munged", "munged"):
        return
    folder = HOME / "munge"
    key = folder / "key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(1024))
    run("munged", f"--key-file={key}", f"--socket={folder}/socket", f"--pid-file={HOME}/pid/munged", f"--log-file={HOME}/log/munged",
        f"--seed-file={folder}/seed", "--force")  # fmt: skip


def start_database() -> None:
    if process_of("mariadbd", "mariadbd"):
        return
    folder = HOME / "mariadb"
    if not (folder / "data/mysql").exists():
        folder.mkdir(exist_ok=True)
        run("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={folder}/data", "--auth-root-authentication-method=normal",
            "--skip-test-db")  # fmt: skip
    command = ["mariadbd", "--no-defaults", "--user=root", f"--datadir={folder}/data", f"--socket={folder}/socket", "--skip-networking",
               f"--pid-file={HOME}/pid/mariadbd", "--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900",
               "--innodb-flush-log-at-trx-commit=0", f"--log-error={HOME}/log/mariadbd"]  # fmt: skip
    quiet = subprocess.DEVNULL
    subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True, env=environment())
    ping = ["mariadb-admin", "--no-defaults", "-S", f"{folder}/socket", "ping"]
    wait_for("MariaDB", lambda: subprocess.run(ping, capture_output=True, env=environment()).returncode == 0)


def start_accounting() -> None:
    if not process_of("slurmdbd", "slurmdbd"):
        run("slurmdbd")
    wait_for("slurmdbd", lambda: subprocess.run(["sacctmgr", "-n", "list", "cluster"], capture_output=True).returncode == 0)
    if "emulated" not in run("sacctmgr", "-nP", "list", "cluster", "format=cluster"):
        run("sacctmgr", "-i", "add", "cluster", "emulated")
    for account in ACCOUNTS:
        if account not in run("sacctmgr", "-nP", "list", "account", "format=account").split():
            run("sacctmgr", "-i", "add", "account", account)
            run("sacctmgr", "-i", "add", "user", "root", f"account={account}")


def start_controller() -> None:
    if not process_of("slurmctld", "slurmctld"):
        run("slurmctld")


def start_node(node: Node) -> None:
    (HOME / "spool" / node.name).mkdir(exist_ok=True)
    if not process_of(node.name, "slurmd"):
        run("slurmd", "-N", node.name)


def ready_nodes() -> set[str]:
    return set(run("sinfo", "-h", "-N", "-t", "idle,alloc,mix", "-o", "%N", check=False).split())


def start() -> None:
    """Bring up whatever is not up yet. Raises Refused where it may not."""
    check_machine()
    write_configuration()
    start_munge()
    start_database()
    start_accounting()
    start_controller()
    for node in NODES:
        start_node(node)
    wait_for("the nodes", lambda: ready_nodes() == {node.name for node in NODES})


def end_process(name: str, program: str, force: bool = False) -> None:
    """Stop one daemon that `start` began, and wait until it is gone."""
    process = process_of(name, program)
    if process is None:
        return
    os.kill(process, signal.SIGKILL if force else signal.SIGTERM)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{process}").exists() and process_of(name, program):
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
        time.sleep(0.1)


def stop() -> None:
    """End jobs and daemons, and take the links out of /etc/slurm."""
    if process_of("slurmctld", "slurmctld"):
        run("scancel", "--user=root", check=False)
        wait_for("the end of all jobs", lambda: not run("squeue", "-h", check=False).strip(), seconds=30)
    for node in NODES:
        end_process(node.name, "slurmd")
    for name in ("slurmctld", "slurmdbd", "mariadbd", "munged"):
        end_process(name, name)
    for link in SYSTEM.glob("*.conf"):
        if link.is_symlink() and HOME in link.readlink().parents:
            link.unlink()


@contextmanager
def running() -> Iterator[None]:
    """The cluster, for as long as the block takes."""
    start()
    try:
        yield
    finally:
        stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["check", "start", "stop", "missing"])
    action = parser.parse_args().action
    if action == "missing":
        print(" ".join(missing_packages()))
        return
    try:
        {"check": check_machine, "start": start, "stop": stop}[action]()
    except Refused as reason:
        print(f"error: {reason}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
