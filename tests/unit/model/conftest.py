"""A base model and a blend of a few kilobytes, for the tests that train."""

import polars as pl
import pytest
import torch

from shopbench.chat import TASK_TYPES
from shopbench.files import whole_folder
from shopbench.tiny_qwen2 import make_model, train_tokenizer

ANSWERS = {
    "multiple-choice": "3",
    "retrieval": "1,12,7",
    "ranking": "2,1,3,5,4",
    "named_entity_recognition": "Baumwolle, rot",
    "generation": "A kettle boils water.\nIt is made of steel: 青い.",
}
SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}


@pytest.fixture(scope="session")
def blend_rows():
    """48 rows over all task types, with prompts of very different lengths."""
    rows = []
    for number in range(48):
        task_type = list(TASK_TYPES)[number % 5]
        prompt = f"Question {number} \nabout a product of brand {chr(65 + number % 26)}x, " + "red cotton kettle " * (number % 7)
        rows.append({"prompt": prompt, "task_type": task_type, "completion": ANSWERS[task_type]})
    return rows


@pytest.fixture(scope="session")
def tokenizer(blend_rows):
    return train_tokenizer([row["prompt"] + row["completion"] for row in blend_rows], vocabulary=448)


@pytest.fixture(scope="session")
def base(tokenizer, tmp_path_factory):
    """An untrained two-layer Qwen2, its weights drawn wide so that attention is far from uniform."""
    torch.manual_seed(0)
    model = make_model(tokenizer, SHAPE)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.normal_(0, 0.15)
    folder = tmp_path_factory.mktemp("base") / "tiny"
    with whole_folder(folder) as partial:
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
    return folder


@pytest.fixture(scope="session")
def blend(blend_rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("blend") / "blend.parquet"
    pl.DataFrame(blend_rows).write_parquet(path)
    return path
