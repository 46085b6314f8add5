"""What the documentation of PEFT does: load the model, load the adapter, merge_and_unload, save.

python benchmarks/models/peft_merge.py <base> <adapter> <output>
"""

import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

base, adapter, output = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(output)
