"""GPU programs on a build of torch without CUDA: one line, before anything is read."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow/scripts"
INFERENCE = ["--device", "cuda", "--new-tokens", "{}", "--evaluation", "none.parquet", "--parts", "none"]
INFERENCE += ["--engine", '{"tensor_parallel": 4, "dtype": "half"}']
ANSWERS = ["--variant", "v", "--model", "none", "--precision", "awq", "--constraints", "none", "--predictions", "none", "--timing", "none"]
SWEEP = ["--sweep", "s", "--model", "none", "--adapter", "none", "--alphas", "[1]", "--sentence-models", "{}", "--output", "none"]
TRAINING = ["--blend", "none", "--base", "none", "--processes", "1", "--device", "cuda", "--parts", "none", "--output", "none"]
PROGRAMS = {"answer_questions.py": ANSWERS + INFERENCE, "sweep_alphas.py": SWEEP + INFERENCE, "train_adapter.py": TRAINING}


@pytest.mark.skipif(torch.version.cuda is not None, reason="this torch has CUDA")
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_build_without_cuda_is_refused_first(program, tmp_path):
    command = [sys.executable, str(SCRIPTS / program), *PROGRAMS[program]]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 2, result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: torch: this build has no CUDA"), result.stderr
    assert not list(tmp_path.iterdir())
