"""What a cluster has, as `sinfo` and `sacctmgr` print it in formats of our choosing. Reads only."""

from __future__ import annotations

import re
from typing import NamedTuple

from shopbench.files import BadInput
from shopbench.slurm import seconds

SINFO = ["sinfo", "--noheader", "--exact", "--format=%P|%a|%l|%T|%D|%c|%m|%G"]
ASSOCIATIONS = ["sacctmgr", "--noheader", "--parsable2", "show", "associations", "format=Account,Partition,QOS"]
QOS_LIMITS = ["sacctmgr", "--noheader", "--parsable2", "show", "qos", "format=Name,MaxWall"]
# States in which a node takes jobs now or when others end; powered-down ones are started.
USABLE_STATES = {
    "idle",
    "mixed",
    "allocated",
    "completing",
    "planned",
    "reserved",
    "powered_down",
    "powering_up",
    "powering_down",
    "blocked",
}


class Nodes(NamedTuple):
    """Nodes of one partition that are alike. `minutes` is the partition's time limit (None: infinite), `gpus` their number by model
    ("" where the site names none), `memory` in MB.
    """

    partition: str
    default: bool
    up: bool
    minutes: float | None
    state: str
    number: int
    cpus: int
    memory: int
    gpus: dict[str, int]

    @property
    def usable(self) -> bool:
        # A star marks nodes that do not answer, other signs what they are about to do.
        return re.sub(r"\W+$", "", self.state) in USABLE_STATES and not self.state.endswith("*")


class Association(NamedTuple):
    """An account of the user, for one partition or (empty) for all, with the QOS that it may ask for."""

    account: str
    partition: str
    qos: list[str]


def parse_sinfo(text: str) -> list[Nodes]:
    """The lines that SINFO prints. BadInput names a line of another form."""
    nodes = []
    for line in text.splitlines():
        cells = line.split("|")
        if len(cells) != 8:
            raise BadInput(f"sinfo: cannot read the line '{line}'; expected {SINFO[-1].removeprefix('--format=')}")
        partition, available, limit, state, number, cpus, memory, gres = cells
        # Without nodes there is nothing but the name: "n/a".
        count = whole_number(number)
        row = Nodes(
            partition.rstrip("*"),
            partition.endswith("*"),
            available == "up",
            parse_limit(limit),
            state,
            count,
            whole_number(cpus),
            whole_number(memory),
            parse_gpus(gres),
        )
        nodes.append(row)
    return nodes


def whole_number(text: str) -> int:
    """`128`, or the least of several as in `128+`; 0 for what is none (`n/a`)."""
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0


def parse_limit(text: str) -> float | None:
    """Minutes of SLURM's time; None for no limit."""
    if text.lower() in ("infinite", "unlimited", "n/a", "", "none"):
        return None
    return seconds(text) / 60


def parse_gpus(gres: str) -> dict[str, int]:
    """GPUs of a node by model: gpu:a100:8(S:0-1),gpu:t4:2 gives {a100: 8, t4: 2}, gpu:4 gives {"": 4}."""
    gpus: dict[str, int] = {}
    # What stands in brackets (sockets, indices) may hold commas.
    for part in re.sub(r"\([^)]*\)", "", gres).split(","):
        if found := re.fullmatch(r"gpu(?::(?!\d+$)([^:]+))?(?::no_consume)?(?::(\d+))?", part.strip()):
            gpus[found[1] or ""] = gpus.get(found[1] or "", 0) + int(found[2] or 1)
    return gpus


def parse_associations(text: str) -> list[Association]:
    """The lines that ASSOCIATIONS prints for a user."""
    cells = [line.split("|") for line in text.splitlines() if line.strip()]
    return [Association(account, partition, [name for name in qos.split(",") if name]) for account, partition, qos in cells]


def parse_qos_limits(text: str) -> dict[str, float]:
    """Longest run time in minutes by QOS, of those that have one."""
    cells = [line.split("|") for line in text.splitlines() if line.strip()]
    limits = {name: parse_limit(wall) for name, wall in cells}
    return {name: limit for name, limit in limits.items() if limit is not None}
