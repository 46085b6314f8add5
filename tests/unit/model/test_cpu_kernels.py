"""The stand-in for vLLM's 4-bit kernel, against weights that were never packed, and against the kernel itself where the CPU has it."""

import pytest
import torch
from vllm.model_executor.layers.quantization.utils.quant_utils import pack_quantized_values_into_int32
from vllm.scalar_type import scalar_types

from shopbench.cpu_kernels import gemm_4bit

INPUTS, OUTPUTS, GROUP = 64, 96, 32


@pytest.mark.parametrize("with_zeros", [True, False])
@pytest.mark.parametrize("with_bias", [True, False])
def test_products_are_those_of_the_plain_weights(with_zeros, with_bias):
    torch.manual_seed(0)
    codes = torch.randint(0, 16, (INPUTS, OUTPUTS), dtype=torch.int32)
    zeros = torch.randint(0, 16, (INPUTS // GROUP, OUTPUTS), dtype=torch.int32)
    scales = torch.rand(INPUTS // GROUP, OUTPUTS).to(torch.bfloat16)
    bias = torch.randn(OUTPUTS).to(torch.bfloat16) if with_bias else None
    inputs = torch.randn(5, INPUTS).to(torch.bfloat16)

    # As CPUWNA16LinearKernel lays them out in vLLM 0.32.
    packed = pack_quantized_values_into_int32(codes, scalar_types.uint4, 1)
    packed = packed.view(INPUTS, -1, 2).permute(1, 0, 2).reshape(-1, INPUTS * 2).contiguous()
    packed_zeros = pack_quantized_values_into_int32(zeros, scalar_types.uint4, 1) if with_zeros else None
    output = torch.empty(5, OUTPUTS, dtype=torch.bfloat16)
    gemm_4bit(inputs, packed, output, scales, packed_zeros, bias, 8, "vec")

    step = scales.float().repeat_interleave(GROUP, 0)
    zero = zeros.repeat_interleave(GROUP, 0) if with_zeros else 8
    expected = inputs.float() @ (step * (codes - zero)) + (bias.float() if with_bias else 0)
    torch.testing.assert_close(output, expected.to(torch.bfloat16))

    if torch.cpu._is_avx512_supported():
        from vllm import _custom_ops as ops

        native = ops.cpu_gemm_wna16(inputs, packed, scales, packed_zeros, bias, 8, "vec")
        # Some CPUs' kernels round the weights to bfloat16 before they multiply, so single elements differ by more than rounding once.
        assert (output - native).float().norm() < 0.01 * native.float().norm()
