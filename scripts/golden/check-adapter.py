"""Loads an adapter of scripts/golden/train-adapter.js in PEFT and compares log-probabilities.

    venv/bin/python -P scripts/golden/check-adapter.py <folder>
"""

import json
import sys
from pathlib import Path

import torch
from peft import AutoPeftModelForCausalLM

if len(sys.argv) != 2:
    sys.exit(__doc__)
folder = Path(sys.argv[1])
expected = json.loads((folder / "expected.json").read_text())
tokens = torch.tensor([expected["tokens"]])
model = AutoPeftModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def logprobs(module) -> torch.Tensor:
    with torch.no_grad():
        rows = module(tokens).logits[0, :-1].log_softmax(-1)
    return rows.gather(1, tokens[0, 1:, None])[:, 0]


adapted = (logprobs(model) - torch.tensor(expected["logprobs"])).abs().max().item()
merged = (logprobs(model.merge_and_unload()) - torch.tensor(expected["logprobs"])).abs().max().item()
moved = (torch.tensor(expected["logprobs"]) - torch.tensor(expected["before"])).abs().max().item()
print(f"largest difference: adapter {adapted:.2e}, merged {merged:.2e} (training moved them by {moved:.2f})")
if max(adapted, merged) > 1e-4 or moved < 0.1:
    sys.exit("they differ")
