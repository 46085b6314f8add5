"""What the tests of programs with an engine share: a random Qwen2 that vLLM takes on the CPU, its settings, questions of all types."""

import torch

from shopbench.files import whole_folder
from shopbench.tiny_qwen2 import make_model

# vLLM's attention on the CPU takes heads of 32 or more; two workers need two heads of keys.
SHAPE = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2, "intermediate_size": 128}
ENGINE = {
    "dtype": "float32",
    "tensor_parallel": 1,
    "max_model_len": 256,
    "max_num_seqs": 8,
    "enforce_eager": True,
    "attention_backend": None,
}
NEW_TOKENS = {"multiple-choice": 1, "retrieval": 8, "ranking": 9, "named_entity_recognition": 15, "generation": 8}


def save_base(tokenizer, folder, layers=2):
    """Leave an untrained model, its weights drawn wide so that its answers differ, with a manifest; return it."""
    torch.manual_seed(0)
    base = make_model(tokenizer, SHAPE | {"num_hidden_layers": layers})
    with torch.no_grad():
        for weight in base.parameters():
            if weight.ndim == 2:
                weight.normal_(std=0.2)
    with whole_folder(folder) as partial:
        base.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
    return base


def question(number, track):
    """Multiple choice, ranking, retrieval and text in turn, as columns of an evaluation set without `set`."""
    listed = "\n".join(f"{place}. cotton kettle {number} {place}" for place in range(1, 5))
    kinds = [
        ("multiple-choice", f"Which is kettle number {number}?\n0. red\n1. cotton\n2. steel\n3. water\nAnswer: ", "accuracy", 1),
        ("ranking", f"Rank for kettle {number}.\n{listed}\nOnly respond with the ranking results.", "ndcg", [1.0, 0.1, 0.0, 0.0]),
        ("retrieval", f"Select three that fit kettle {number}.\n{listed}\nOutput: ", "hit rate@3", [1, 2]),
        ("generation", f"Explain the kettle with number {number}.", "rougel", "It boils water."),
    ]
    task_type, prompt, metric, truth = kinds[number // 4 % 4]
    asked = {"task_type": task_type, "prompt": prompt, "metric": metric, "truth": truth, "is_multiple_choice": number // 4 % 4 == 0}
    return {"id": f"q-{number}", "track": track, "task": f"task{number // 4 % 4}", "reference": "", "locale": "en"} | asked
