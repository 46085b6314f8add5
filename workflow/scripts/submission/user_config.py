"""What the challenge's evaluator loads: the class `UserModel`, whose `batch_predict` answers a batch of prompts."""

import sys
from pathlib import Path

SUBMISSION = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SUBMISSION))

from shopbench.challenge_model import ChallengeModel  # noqa: E402


class UserModel(ChallengeModel):
    def __init__(self) -> None:
        super().__init__(SUBMISSION)
