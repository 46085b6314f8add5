"""Whether the GPUs of a job are those that its program needs, looked at in the program's first lines: before hours, not after.

Standard library alone. torch is asked in a process of its own: one that has touched CUDA holds GPU memory, and vLLM cannot fork it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

from shopbench.files import BadInput

# The oldest driver for each CUDA version that a build may be of (NVIDIA's table of minor-version compatibility).
CUDA_DRIVERS = {11: 450, 12: 525, 13: 580}
# bfloat16 arithmetic came with this compute capability (Ampere).
BFLOAT16_CAPABILITY = (8, 0)


class GpuFacts(NamedTuple):
    """`cuda` is the version that torch was built for (None: none), `works` whether torch can reach a GPU, `gpus` (name, capability)."""

    cuda: str | None
    works: bool
    gpus: Sequence[tuple[str, tuple[int, int]]]


PROBE = """
import json, torch
works = torch.cuda.is_available()
gpus = [(torch.cuda.get_device_name(n), torch.cuda.get_device_capability(n)) for n in range(torch.cuda.device_count() if works else 0)]
print(json.dumps([torch.version.cuda, works, gpus]))
"""


def require_gpus(needed: int, asked_by: str, bfloat16: str | None = None) -> None:
    """`check_gpus` on what this job sees."""
    check_gpus(gpu_facts(), needed, asked_by, bfloat16)


def gpu_facts() -> GpuFacts:
    """What this interpreter's torch sees."""
    answer = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True)
    if answer.returncode:
        said = answer.stderr.strip().splitlines() or ["no message"]
        raise BadInput(f"torch cannot be asked for its GPUs ({said[-1]}); rebuild the environment from its .cuda.txt in envs/")
    cuda, works, gpus = json.loads(answer.stdout.splitlines()[-1])
    return GpuFacts(cuda, works, [(name, (capability[0], capability[1])) for name, capability in gpus])


def check_gpus(facts: GpuFacts, needed: int, asked_by: str, bfloat16: str | None = None) -> None:
    """Raise BadInput unless `needed` GPUs are there that can do what is asked. `asked_by` and `bfloat16` are the keys that ask for it."""
    if facts.cuda is None:
        raise BadInput("torch: this build has no CUDA; rebuild the environment from its .cuda.txt in envs/, or set accelerator: cpu")
    if not facts.works:
        least = CUDA_DRIVERS.get(major(facts.cuda))
        driver = f" or the driver is too old (CUDA {facts.cuda} needs {least} or newer, see nvidia-smi)" if least else ""
        raise BadInput(f"no GPU that torch can use: the job was given none{driver}; look at gpu in the profile")
    if len(facts.gpus) < needed:
        raise BadInput(f"{asked_by} wants {needed} GPUs, the job sees {len(facts.gpus)}; ask for as many in the profile (gpu), or lower it")
    for name, capability in facts.gpus[:needed] if bfloat16 else ():
        if capability < BFLOAT16_CAPABILITY:
            raise BadInput(
                f"{bfloat16} is bfloat16, which a {name} does not have; set half or float32, or another gpu_model in the profile"
            )


def major(version: str) -> int:
    """13 of 13.5.37; 0 of what is no version."""
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0
