"""Blocks of random bits of every type that is read, and the weights that gguf-py 0.19.0 makes of them.

    pip install gguf==0.19.0 && python scripts/golden/gguf-blocks.py src/engine/golden/gguf-blocks.json
"""

import base64
import json
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize

# Where a block holds float16 factors: random bits there would be infinite now and then.
FACTORS = {
    Type.Q4_0: [0],
    Type.Q4_1: [0, 2],
    Type.Q5_0: [0],
    Type.Q5_1: [0, 2],
    Type.Q8_0: [0],
    Type.Q4_K: [0, 2],
    Type.Q5_K: [0, 2],
    Type.Q6_K: [208],
}

rng = np.random.default_rng(7)


def text(array):
    return base64.b64encode(array.tobytes()).decode()


def blocks(kind):
    data = rng.integers(0, 256, (4, GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
    for block in data:
        for at in FACTORS[kind]:
            block[at : at + 2] = (rng.standard_normal(1) * 0.05).astype(np.float16).view(np.uint8)
    return data.reshape(1, -1)


def plain(kind):
    values = (rng.standard_normal(64) * 3).astype(np.float32)
    if kind == Type.F16:
        return values.astype(np.float16).view(np.uint8).reshape(1, -1)
    return (values.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8).reshape(1, -1)


out = {}
for kind in [Type.F16, Type.BF16, *FACTORS]:
    data = blocks(kind) if kind in FACTORS else plain(kind)
    weights = dequantize(data, kind).astype(np.float32)
    out[kind.name] = {"type": int(kind), "stored": text(data), "weights": text(weights)}
with open(sys.argv[1], "w") as file:
    json.dump(out, file, indent=1)
    file.write("\n")
