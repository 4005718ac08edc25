"""Writes src/engine/golden/: three optimizer steps of a tiny Llama-style model, by PyTorch.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 safetensors numpy
    venv/bin/python scripts/golden/train-step.py src/engine/golden

The model is written out here from the Llama definition (Hugging Face weight names and layouts,
rotate-half rotary positions, grouped-query attention), runs in float64, takes one unpadded sequence
at a time, and leaves gradients, clipping and AdamW to PyTorch: nothing is shared with the engine
that the files test. The losses are those of `Target` in src/engine/engine.ts.
"""

import json
import math
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn.functional import silu

SHAPE = {
    "vocabulary": 13,
    "width": 16,
    "layers": 3,
    "heads": 4,
    "keyValueHeads": 2,
    "headWidth": 6,
    "feedForward": 28,
    "context": 16,
    "ropeTheta": 10000,
    "normEpsilon": 1e-5,
}
OPTIONS = {
    "learningRate": 0.002,
    "clipNorm": 0.5,
    "weightDecay": 0.1,
    "clipLow": 0.2,
    "clipHigh": 0.28,
}
STEPS = 3


def parameters(tied: bool) -> dict[str, torch.Tensor]:
    """Random weights, exact in float32, kept in float64."""
    generator = torch.Generator().manual_seed(20 + tied)
    V, D, F = SHAPE["vocabulary"], SHAPE["width"], SHAPE["feedForward"]
    query = SHAPE["heads"] * SHAPE["headWidth"]
    key = SHAPE["keyValueHeads"] * SHAPE["headWidth"]

    def normal(*size: int, mean: float = 0.0, scale: float) -> torch.Tensor:
        values = mean + scale * torch.randn(*size, generator=generator)
        return values.float().double().requires_grad_()

    weights = {"model.embed_tokens.weight": normal(V, D, scale=0.7)}
    for i in range(SHAPE["layers"]):
        layer = f"model.layers.{i}"
        weights |= {
            f"{layer}.input_layernorm.weight": normal(D, mean=1, scale=0.1),
            f"{layer}.self_attn.q_proj.weight": normal(query, D, scale=0.4),
            f"{layer}.self_attn.k_proj.weight": normal(key, D, scale=0.4),
            f"{layer}.self_attn.v_proj.weight": normal(key, D, scale=0.3),
            f"{layer}.self_attn.o_proj.weight": normal(D, query, scale=0.3),
            f"{layer}.post_attention_layernorm.weight": normal(D, mean=1, scale=0.1),
            f"{layer}.mlp.gate_proj.weight": normal(F, D, scale=0.4),
            f"{layer}.mlp.up_proj.weight": normal(F, D, scale=0.3),
            f"{layer}.mlp.down_proj.weight": normal(D, F, scale=0.3),
        }
    weights["model.norm.weight"] = normal(D, mean=1, scale=0.1)
    if not tied:
        weights["lm_head.weight"] = normal(V, D, scale=0.5)
    return weights


def rms_norm(x: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + SHAPE["normEpsilon"]) * gain


def rotate(x: torch.Tensor) -> torch.Tensor:
    """Rotary positions of x (heads, T, d): x cos + rotate_half(x) sin."""
    T, d = x.shape[-2:]
    frequency = SHAPE["ropeTheta"] ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    angles = torch.outer(torch.arange(T, dtype=torch.float64), frequency).repeat(1, 2)
    half = torch.cat([-x[..., d // 2 :], x[..., : d // 2]], dim=-1)
    return x * angles.cos() + half * angles.sin()


def forward(weights: dict[str, torch.Tensor], tokens: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """log pi (T, V) and the residual stream at two thirds of the depth (T, D)."""
    T, d = len(tokens), SHAPE["headWidth"]
    x = weights["model.embed_tokens.weight"][tokens]
    middle = x
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    for i in range(SHAPE["layers"]):
        w = lambda name: weights[f"model.layers.{i}.{name}.weight"]
        normal = rms_norm(x, w("input_layernorm"))
        heads = lambda name, n: (normal @ w(f"self_attn.{name}").T).view(T, n, d).transpose(0, 1)
        query = rotate(heads("q_proj", SHAPE["heads"]))
        group = SHAPE["heads"] // SHAPE["keyValueHeads"]
        key = rotate(heads("k_proj", SHAPE["keyValueHeads"])).repeat_interleave(group, dim=0)
        value = heads("v_proj", SHAPE["keyValueHeads"]).repeat_interleave(group, dim=0)
        scores = (query @ key.transpose(1, 2)) / math.sqrt(d)
        attended = scores.masked_fill(future, -math.inf).softmax(-1) @ value
        x = x + attended.transpose(0, 1).reshape(T, -1) @ w("self_attn.o_proj").T
        normal = rms_norm(x, w("post_attention_layernorm"))
        x = x + (silu(normal @ w("mlp.gate_proj").T) * (normal @ w("mlp.up_proj").T)) @ w("mlp.down_proj").T
        if i + 1 == max(1, round(SHAPE["layers"] * 2 / 3)):
            middle = x
    head = weights.get("lm_head.weight", weights["model.embed_tokens.weight"])
    return (rms_norm(x, weights["model.norm.weight"]) @ head.T).log_softmax(-1), middle


def batch(weights: dict[str, torch.Tensor]) -> list[dict]:
    """Ragged sequences; targets of every component, some clipped, two of them at one position."""
    generator = torch.Generator().manual_seed(7)
    draw = lambda n: int(torch.randint(n, (), generator=generator))
    gaps = [-0.9, -0.3, -0.1, 0.1, 0.4, 0.9]  # log ratio: beyond and inside the clip range
    components = ["policy", "crossEntropy", "policy", "referenceKl"]
    sequences, count = [], 0
    for length in [9, 4, 12, 7, 1]:
        tokens = [draw(SHAPE["vocabulary"]) for _ in range(length)]
        with torch.no_grad():
            logprobs, _ = forward(weights, tokens)
        targets = []
        for position in [*range(length), length - 1]:
            token = tokens[position + 1] if position + 1 < length else draw(SHAPE["vocabulary"])
            component = components[count % len(components)]
            sign = -1 if component == "policy" and count % 3 == 0 else 1
            targets.append(
                {
                    "position": position,
                    "token": token,
                    "component": component,
                    "coefficient": sign * (1 + count % 5) / 64,
                    "logprob": round(float(logprobs[position, token]) - gaps[count % len(gaps)], 6),
                }
            )
            count += 1
        sequences.append({"tokens": tokens, "targets": targets})
    return sequences


def token_loss(target: dict, logprob: torch.Tensor) -> torch.Tensor:
    c, old = target["coefficient"], target["logprob"]
    if target["component"] == "crossEntropy":
        return -c * logprob
    if target["component"] == "referenceKl":
        return c * (torch.exp(old - logprob) - (old - logprob) - 1)
    ratio = torch.exp(logprob - old)
    clipped = torch.clamp(ratio, 1 - OPTIONS["clipLow"], 1 + OPTIONS["clipHigh"])
    return -torch.minimum(ratio * c, clipped * c)


def run(tied: bool, folder: Path) -> None:
    weights = parameters(tied)
    initial = {name: w.detach().float() for name, w in weights.items()}
    sequences = batch(weights)
    spans = [{"tokens": s["tokens"], "start": i % 2, "end": len(s["tokens"]) - i % 2} for i, s in enumerate(sequences[:4])]
    optimizer = torch.optim.AdamW(
        [
            {"params": [w for w in weights.values() if w.dim() > 1], "weight_decay": OPTIONS["weightDecay"]},
            {"params": [w for w in weights.values() if w.dim() == 1], "weight_decay": 0.0},
        ],
        lr=OPTIONS["learningRate"],
    )
    embeddings = [forward(weights, s["tokens"])[1][s["start"] : s["end"]].mean(0).tolist() for s in spans]
    steps = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss, logprobs, entropies = 0.0, [], []
        for sequence in sequences:
            distribution, _ = forward(weights, sequence["tokens"])
            for target in sequence["targets"]:
                row = distribution[target["position"]]
                logprobs.append(row[target["token"]].item())
                entropies.append(-(row.exp() * row).sum().item())
                loss = loss + token_loss(target, row[target["token"]])
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(list(weights.values()), OPTIONS["clipNorm"])
        optimizer.step()
        steps.append(
            {
                "logprobs": logprobs,
                "loss": loss.item(),
                "gradientNorm": norm.item(),
                "entropy": sum(entropies) / len(entropies),
            }
        )
    name = "tied" if tied else "untied"
    record = {
        "shape": {**SHAPE, "tied": tied},
        "options": OPTIONS,
        "sequences": sequences,
        "spans": spans,
        "embeddings": embeddings,
        "steps": steps,
    }
    (folder / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
    final = {f"final.{name}": w.detach().float() for name, w in weights.items()}
    tensors = {f"initial.{name}": w for name, w in initial.items()} | final
    save_file({name: w.contiguous() for name, w in tensors.items()}, folder / f"{name}.safetensors")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for tied in (False, True):
        run(tied, target)
