"""What a GPU program says in its first lines, from plain facts."""

import pytest

from shopbench.files import BadInput
from shopbench.gpu_check import GpuFacts, check_gpus, gpu_facts

A100, T4 = ("NVIDIA A100-SXM4-80GB", (8, 0)), ("Tesla T4", (7, 5))


def test_enough_gpus_that_can_do_it_pass():
    check_gpus(GpuFacts("13.0", True, [A100] * 8), 8, "launch.processes", "training.compute_dtype")
    check_gpus(GpuFacts("13.0", True, [T4] * 4), 4, "inference: tensor_parallel")
    check_gpus(GpuFacts("13.0", True, [A100] * 8), 1, "launch.processes")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (GpuFacts(None, False, []), "this build has no CUDA; rebuild the environment from its .cuda.txt in envs/"),
        (GpuFacts("13.0", False, []), r"no GPU that torch can use.*CUDA 13.0 needs 580 or newer.*look at gpu in the profile"),
        (GpuFacts("99.0", False, []), "no GPU that torch can use: the job was given none; look"),
        (GpuFacts("13.0", True, [A100] * 2), "launch.processes wants 4 GPUs, the job sees 2"),
        (GpuFacts("13.0", True, [A100, T4, A100, A100]), "training.compute_dtype is bfloat16, which a Tesla T4 does not have"),
    ],
)
def test_what_is_missing_is_one_line(facts, message):
    with pytest.raises(BadInput, match=message):
        check_gpus(facts, 4, "launch.processes", "training.compute_dtype")


def test_an_interpreter_without_torch_is_named():
    with pytest.raises(BadInput, match="torch cannot be asked for its GPUs .*No module named 'torch'"):
        gpu_facts()
