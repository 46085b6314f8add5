"""config/models.tsv: the shapes of base models on the hub, from which sizes, memory and run times are estimated before anything is there.

Standard library alone. Nothing that a job makes depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shopbench.files import BadInput, read_json
from shopbench.tsv import read_rows

COLUMNS = ["hub", "layers", "hidden", "intermediate", "heads", "kv_heads", "head_size", "vocabulary", "tied", "gated", "source"]
NUMBERS = ["layers", "hidden", "intermediate", "heads", "kv_heads", "head_size", "vocabulary"]
# What scripts/pretrain_demo_base.py makes unless the config says otherwise.
DEMO_SHAPE = (4, 128, 256, 4, 4, 32, 6848, False, False)


@dataclass(frozen=True)
class ModelShape:
    """A decoder of the Llama family: grouped-query attention, a gated MLP."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    # One matrix for input embeddings and output layer.
    tied: bool = False
    # The hub asks for an account that was granted access.
    gated: bool = False

    @property
    def linear_layers(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of the seven linear layers of a block: q, k, v, o, gate, up, down."""
        queries, keys = self.heads * self.head_size, self.kv_heads * self.head_size
        attention = [(self.hidden, queries), (self.hidden, keys), (self.hidden, keys), (queries, self.hidden)]
        return [*attention, (self.hidden, self.intermediate), (self.hidden, self.intermediate), (self.intermediate, self.hidden)]

    @property
    def linear_parameters(self) -> int:
        """Weights of all blocks' linear layers: what is quantized, and what LoRA adapts."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linear_layers)

    @property
    def embedding_parameters(self) -> int:
        """Weights of the input embeddings and the output layer."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All weights but norms and biases (less than a ten-thousandth of a large model)."""
        return self.linear_parameters + self.embedding_parameters

    def lora_parameters(self, rank: int) -> int:
        """Weights of a LoRA of that rank on all linear layers but the output layer."""
        return rank * self.layers * sum(inputs + outputs for inputs, outputs in self.linear_layers)


def read_model_shapes(path: str | Path) -> dict[str, ModelShape]:
    """Shapes by hub name. Raises BadInput that names the file, the row and the column."""
    shapes = {}
    for where, cells in read_rows(path, COLUMNS):
        for column in NUMBERS:
            if not cells[column].isdecimal() or int(cells[column]) < 1:
                raise BadInput(f"{where}, column {column}: '{cells[column]}' is not a positive whole number")
        for column in ("tied", "gated"):
            if cells[column] not in ("yes", "no"):
                raise BadInput(f"{where}, column {column}: '{cells[column]}' is neither yes nor no")
        numbers = {column: int(cells[column]) for column in NUMBERS}
        shapes[cells["hub"]] = ModelShape(**numbers, tied=cells["tied"] == "yes", gated=cells["gated"] == "yes")  # type: ignore[arg-type]
    return shapes


def shape_of(name: str, model: Mapping[str, Any], shapes: Mapping[str, ModelShape], table: str = "config/models.tsv") -> ModelShape:
    """The shape of one entry of the config's models; BadInput says where to write it down if nobody knows it."""
    if "pretrain" in model:
        return ModelShape(*DEMO_SHAPE)
    if "path" in model:
        return shape_in(Path(model["path"]) / "config.json")
    if model["hub"] not in shapes:
        raise BadInput(f"{table}: no row for {model['hub']} (models.{name}); add one, the numbers are in its config.json on the hub")
    return shapes[model["hub"]]


def shape_in(file: Path) -> ModelShape:
    """The shape that a model's config.json states."""
    config = read_json(file)
    heads = config["num_attention_heads"]
    return ModelShape(
        config["num_hidden_layers"],
        config["hidden_size"],
        config["intermediate_size"],
        heads,
        config.get("num_key_value_heads", heads),
        config.get("head_dim") or config["hidden_size"] // heads,
        config["vocab_size"],
        tied=bool(config.get("tie_word_embeddings", False)),
    )
