"""Loads the exports of scripts/golden/export.js in transformers and PEFT, and writes what they compute.

    python3 -m venv venv
    venv/bin/pip install torch==2.13.0 transformers==5.24.0 peft==0.21.0 gguf==0.19.0
    venv/bin/python -P scripts/golden/check-export.py <folder> src/take/golden

Each model's tokens and log-probabilities, of float32, bfloat16 and float16 weights computed in float32,
go to src/take/golden/<model>.json, with the SHA-256 of what was loaded. Prints the largest differences
from our engine's float32, and compares Q8_0 blocks with gguf-py's byte by byte.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader, GGMLQuantizationType, quants
from peft import AutoPeftModelForCausalLM
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

if len(sys.argv) != 3:
    sys.exit(__doc__)
folder, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir(exist_ok=True)
loaded_files = ["config.json", "tokenizer.json", "model.safetensors"]
faults = []


def logprobs(model, tokens: list[int]) -> list[float]:
    with torch.no_grad():
        rows = model(torch.tensor([tokens])).logits[0, :-1].log_softmax(-1)
    return rows.gather(1, torch.tensor(tokens)[1:, None])[:, 0].tolist()


def largest(a: list[list[float]], b: list[list[float]]) -> float:
    return max(abs(x - y) for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True))


def check_blocks(path: Path, weights: dict[str, torch.Tensor]) -> int:
    """Q8_0 tensors of a file against gguf-py's of the same weights: those that are not permuted."""
    checked = 0
    names = {"token_embd.weight": "model.embed_tokens.weight", "output.weight": "lm_head.weight"}
    for tensor in GGUFReader(path).tensors:
        name = names.get(tensor.name)
        if name in weights and tensor.tensor_type == GGMLQuantizationType.Q8_0:
            expected = quants.quantize(weights[name].float().numpy(), GGMLQuantizationType.Q8_0)
            if not np.array_equal(tensor.data.reshape(expected.shape), expected):
                faults.append(f"{path}: {tensor.name}")
            checked += 1
    return checked


for model_folder in sorted(p for p in folder.iterdir() if (p / "ours.json").exists()):
    ours = json.loads((model_folder / "ours.json").read_text())
    golden = {"files": {}, "texts": [o["text"] for o in ours], "tokens": None, "logprobs": {}}
    for precision in ["fp32", "bf16", "f16"]:
        at = model_folder / precision
        tokenizer = AutoTokenizer.from_pretrained(at)
        tokens = [tokenizer(o["text"], add_special_tokens=False)["input_ids"] for o in ours]
        for own, theirs in zip(ours, tokens, strict=True):
            if own["tokens"] != theirs:
                faults.append(f"{at}: tokens of {own['text']!r}: {theirs}, not {own['tokens']}")
            back = tokenizer.decode(theirs)
            if back != own["text"]:
                faults.append(f"{at}: {own['text']!r} comes back as {back!r}")
        stored = AutoModelForCausalLM.from_pretrained(at)
        if str(stored.dtype) != {"fp32": "torch.float32", "bf16": "torch.bfloat16", "f16": "torch.float16"}[precision]:
            faults.append(f"{at}: loads as {stored.dtype}")
        model = AutoModelForCausalLM.from_pretrained(at, dtype=torch.float32)
        golden["tokens"] = tokens
        golden["logprobs"][precision] = [[round(x, 6) for x in logprobs(model, t)] for t in tokens]
        golden["files"][precision] = {
            name: hashlib.sha256((at / name).read_bytes()).hexdigest() for name in loaded_files
        }
    own = [o["logprobs"] for o in ours]
    report = [f"{p} {largest(own, golden['logprobs'][p]):.1e}" for p in ["fp32", "bf16", "f16"]]
    if largest(own, golden["logprobs"]["fp32"]) > 1e-4:
        faults.append(f"{model_folder}: fp32")
    if (model_folder / "sharded").exists():
        model = AutoModelForCausalLM.from_pretrained(model_folder / "sharded", dtype=torch.float32)
        report.append(f"sharded {largest(own, [logprobs(model, o['tokens']) for o in ours]):.1e}")
    if (model_folder / "adapter").exists():
        model = AutoPeftModelForCausalLM.from_pretrained(model_folder / "adapter", dtype=torch.float32)
        golden["logprobs"]["adapter"] = [[round(x, 6) for x in logprobs(model, o["tokens"])] for o in ours]
        difference = largest(own, golden["logprobs"]["adapter"])
        report.append(f"adapter {difference:.1e}")
        if difference > 1e-4:
            faults.append(f"{model_folder}: adapter")
    weights = load_file(model_folder / "fp32" / "model.safetensors")
    blocks = check_blocks(next((model_folder / "gguf-q8_0").glob("*.gguf")), weights)
    report.append(f"{blocks} Q8_0 matrices equal gguf-py's")
    print(f"{model_folder.name}: largest difference: {', '.join(report)}")
    (out / f"{model_folder.name}.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")

if faults:
    sys.exit("\n".join(faults))
