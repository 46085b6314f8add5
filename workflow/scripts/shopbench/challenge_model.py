"""A packed submission's model, as the challenge's evaluator calls it.

Interface: Amazon KDD Cup 2024, starter kit (`get_batch_size`, `batch_predict`).
"""

from __future__ import annotations

from pathlib import Path

from shopbench.engine import Ask, Engine
from shopbench.files import read_json
from shopbench.time_budget import Load

SETTINGS, WEIGHTS = "settings.json", "weights"


class ChallengeModel:
    """Starts the engine on the weights in `folder`, with the settings beside them: {device, engine, new_tokens, constraints, batch}."""

    def __init__(self, folder: Path) -> None:
        self._settings = read_json(folder / SETTINGS)
        self.engine = Engine(folder / WEIGHTS, self._settings["engine"], self._settings["new_tokens"], self._settings["device"])

    def get_batch_size(self) -> int:
        """Most prompts of a batch."""
        return int(self._settings["batch"])

    def batch_predict(self, batch: dict[str, list[str]], is_multiple_choice: bool) -> list[str]:
        """Responses to `batch["prompt"]`, in their order."""
        asks = [Ask(prompt, is_multiple_choice) for prompt in batch["prompt"]]
        answers = dict(self.engine.answers(asks, self._settings["constraints"]))
        return [answers[index].response for index in range(len(asks))]

    def start_afresh(self) -> None:
        """Forget what earlier questions left, as a new start would. The evaluator does not call it."""
        self.engine.forget_prefixes()

    def load_of(self, prompts: list[str], is_multiple_choice: bool) -> Load:
        """What a batch asks of the engine, for a prediction of its time. The evaluator does not call it."""
        asks = [Ask(prompt, is_multiple_choice) for prompt in prompts]
        tokens = sum(len(self.engine.prompt_tokens(ask)) for ask in asks)
        return Load(tokens, max(self.engine.new_tokens[ask.task_type] for ask in asks))
