"""Writes src/engine/golden/variants/: odd configurations, files and adapters, and what transformers and PEFT make of them.

    python3 -m venv venv
    venv/bin/pip install torch==2.13.0 transformers==5.24.0 peft==0.21.0
    venv/bin/python -P scripts/golden/make-variants.py src/engine/golden/variants

`configs.json` lists configurations with the names and sizes of the weights, rotary frequencies and the factor of
cosines and sines, or with the error that transformers raises. `checkpoints/<name>` are folders with
`golden.json`: the log-probabilities of a sequence, in float32. `adapters/<name>` are adapters over
`checkpoints/plain`, with the log-probabilities of PEFT.
"""

import json
import random
import shutil
import sys
from pathlib import Path

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

transformers.logging.set_verbosity_error()
TOKENS = [3, 14, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6]
ARCHITECTURES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}


def described(folder: Path, config: dict) -> dict:
    """What transformers makes of a configuration."""
    (folder / "config.json").write_text(json.dumps(config))
    try:
        read = AutoConfig.from_pretrained(folder)
        model = AutoModelForCausalLM.from_config(read, dtype=torch.float32)
        with torch.no_grad():
            model(torch.tensor([[1, 2, 3]]))
    except Exception as error:  # whatever it is, it is what a user of transformers sees
        return {"error": type(error).__name__}
    rotary = model.model.rotary_emb
    weights = {name: list(t.shape) for name, t in model.state_dict().items()}
    if read.tie_word_embeddings:
        del weights["lm_head.weight"]
    return {
        "weights": weights,
        "frequencies": rotary.inv_freq.tolist(),
        "gain": float(rotary.attention_scaling),
        "epsilon": model.model.norm.variance_epsilon,
        "windows": sum(t != "full_attention" for t in getattr(read, "layer_types", None) or []),
    }


def configurations() -> list[dict]:
    """Each family with every key missing, null and set; then random mixtures of rotary keys at both levels."""
    base = dict(
        vocab_size=16,
        hidden_size=32,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
    )
    yarn = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)
    llama3 = dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0)
    changes: list[dict] = [
        {},
        *({"head_dim": d} for d in (None, 6, 8, 10)),
        *({"num_key_value_heads": n} for n in (None, 1, 4)),
        {"num_key_value_heads": "absent"},
        {"num_key_value_heads": "absent", "num_attention_heads": 32, "hidden_size": 64},
        {"num_attention_heads": 3, "num_key_value_heads": 1},
        {"num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 8},
        *({"attention_bias": b} for b in (True, False)),
        *({"mlp_bias": b} for b in (True, False)),
        *({"tie_word_embeddings": b} for b in (True, False)),
        *({"rms_norm_eps": e} for e in (1e-5, 1e-3)),
        {"rope_theta": 500.0},
        {"rope_parameters": {}},
        {"rope_parameters": None},
        {"rope_scaling": {}, "rope_parameters": {"rope_type": "default", "rope_theta": 300.0}},
        {"rope_scaling": {"type": "linear", "factor": 2.0}},
        {"rope_scaling": {"type": "linear", "rope_type": "default", "factor": 2.0}},
        {"rope_parameters": {"factor": 2.0, "rope_theta": 300.0}},
        {"rope_parameters": {"rope_type": "linear"}},
        {"rope_parameters": {"rope_type": "linear", "factor": None}},
        {"rope_parameters": {"rope_type": "yarn", "original_max_position_embeddings": 16}},
        {"rope_parameters": {**yarn, "factor": None}},
        {"rope_parameters": {**yarn, "attention_factor": 0.5}},
        {"rope_parameters": {**yarn, "beta_fast": 4, "beta_slow": 2, "truncate": False}},
        {"rope_parameters": {**yarn, "mscale": 1.0, "mscale_all_dim": 0.5}},
        {"rope_parameters": {**yarn, "mscale": 1.0}},
        {"rope_parameters": {**llama3, "high_freq_factor": 1.0}},
        {"rope_parameters": {**llama3, "high_freq_factor": 0.5}},
        {"rope_parameters": {**llama3, "low_freq_factor": None}},
        {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0}},
        {"rope_parameters": {"rope_type": "longrope", "short_factor": [1.0] * 4, "long_factor": [2.0] * 4}},
        {"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 2.0}}},
        {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}},
        {"partial_rotary_factor": 0.5},
        {"partial_rotary_factor": 1.0},
        {"original_max_position_embeddings": 32},
        *({"original_max_position_embeddings": n, "rope_parameters": r} for n in (8, 32) for r in (yarn, llama3)),
        {"original_max_position_embeddings": None, "rope_parameters": yarn},
        {"layer_types": ["full_attention"]},
        {"layer_types": ["sliding_attention"], "sliding_window": 8, "use_sliding_window": True},
        {"layer_types": ["chunked_attention"]},
        {"layer_types": ["full_attention", "full_attention"]},
        {"use_sliding_window": True, "max_window_layers": 0},
        {"use_sliding_window": True, "sliding_window": 8},
        {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 0},
        {"use_sliding_window": False, "sliding_window": 8, "max_window_layers": 0},
        {"use_sliding_window": True, "sliding_window": None, "max_window_layers": 0},
    ]
    out = []
    for family, architecture in ARCHITECTURES.items():
        for change in changes:
            config = {**base, **change, "model_type": family, "architectures": [architecture]}
            out.append({k: v for k, v in config.items() if v != "absent"})
    draw = random.Random(1)
    for _ in range(120):
        family = draw.choice(list(ARCHITECTURES))
        config = {**base, "model_type": family, "architectures": [ARCHITECTURES[family]]}
        for level in ("rope_scaling", "rope_parameters"):
            if draw.random() < 0.6:
                rope = dict(draw.choice([{"rope_type": "default"}, {"type": "linear", "factor": 3.0}, yarn, llama3, {}]))
                if draw.random() < 0.4:
                    rope["rope_theta"] = draw.choice([300.0, 5000.0])
                if draw.random() < 0.3:
                    rope["original_max_position_embeddings"] = draw.choice([8, 24])
                config[level] = rope
        if draw.random() < 0.5:
            config["rope_theta"] = draw.choice([700.0, 1e6])
        if draw.random() < 0.3:
            config["original_max_position_embeddings"] = draw.choice([12, 48])
        out.append(config)
    return out


def logprobs(model) -> list[float]:
    with torch.no_grad():
        rows = model(torch.tensor([TOKENS])).logits[0, :-1].float().log_softmax(-1)
    return [float(row[token]) for row, token in zip(rows, TOKENS[1:])]


def randomise(model, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.6)


def tiny(seed: int, **changes) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=16,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
        **changes,
    )
    model = LlamaForCausalLM(config)
    randomise(model, seed)
    return model


def checkpoints(folder: Path) -> None:
    def write(name: str, change) -> None:
        target = folder / name
        tiny(1, tie_word_embeddings=name.startswith("tied")).save_pretrained(target)
        (target / "generation_config.json").unlink()
        tensors = load_file(target / "model.safetensors")
        config = json.loads((target / "config.json").read_text())
        change(target, tensors, config)
        save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
        (target / "config.json").write_text(json.dumps(config, indent=1) + "\n")
        read = AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32)
        golden = {"tokens": TOKENS, "logprobs": logprobs(read)}
        (target / "golden.json").write_text(json.dumps(golden) + "\n")

    head = torch.randn(16, 8, generator=torch.Generator().manual_seed(2)) * 0.6

    def other_head(_, tensors, __):
        tensors["lm_head.weight"] = head.clone()

    def same_head(_, tensors, __):
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()

    def head_alone(_, tensors, __):
        tensors["lm_head.weight"] = tensors.pop("model.embed_tokens.weight")

    def stale_index(target, tensors, _):
        stale = {name: tensor + 1 for name, tensor in tensors.items()}
        save_file(stale, target / "model-00001-of-00001.safetensors", metadata={"format": "pt"})
        index = {"metadata": {}, "weight_map": {name: "model-00001-of-00001.safetensors" for name in stale}}
        (target / "model.safetensors.index.json").write_text(json.dumps(index))

    def both_ropes(_, __, config):
        config["rope_parameters"] = {"rope_type": "default", "rope_theta": 300.0}
        config["rope_scaling"] = {"rope_type": "linear", "factor": 2.0}

    def original_above(_, __, config):
        config["rope_parameters"] = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
        config["original_max_position_embeddings"] = 4

    write("plain", lambda *_: None)
    write("tied", lambda *_: None)
    write("tied-other-head", other_head)
    write("tied-same-head", same_head)
    write("tied-head-alone", head_alone)
    write("single-and-index", stale_index)
    write("both-ropes", both_ropes)
    write("original-above", original_above)


def adapters(folder: Path, base: Path) -> None:
    def write(name: str, seed: int, change=None, **settings) -> None:
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
            LoraConfig(r=2, lora_alpha=6, task_type="CAUSAL_LM", **settings),
        )
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for n, parameter in model.named_parameters():
                if "lora_" in n:
                    parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)
        target = folder / name
        model.save_pretrained(target)
        (target / "README.md").unlink(missing_ok=True)
        path = target / "adapter_config.json"
        config = {**json.loads(path.read_text()), "base_model_name_or_path": "plain"}
        if isinstance(config["target_modules"], list):
            config["target_modules"].sort()
        tensors = load_file(target / "adapter_model.safetensors")
        if change is not None:
            change(config, tensors)
        save_file(tensors, target / "adapter_model.safetensors", metadata={"format": "pt"})
        path.write_text(json.dumps(config, indent=1) + "\n")
        read = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), target)
        golden = {"tokens": TOKENS, "logprobs": logprobs(read)}
        (target / "golden.json").write_text(json.dumps(golden) + "\n")

    def fewer_targets(config, _):
        config["target_modules"] = ["q_proj"]

    def without_prefix(_, tensors):
        for name in list(tensors):
            tensors[name.removeprefix("base_model.model.")] = tensors.pop(name)

    names = [f"model.layers.{i}.self_attn.{p}" for i in range(2) for p in ("q_proj", "v_proj")]
    write("names", 1, target_modules=["q_proj", "v_proj"])
    write("all-linear", 2, target_modules="all-linear")
    write("full-names", 3, target_modules=names)
    write("suffixes", 4, target_modules=["self_attn.q_proj", "mlp.down_proj"])
    write("fewer-targets-than-matrices", 5, fewer_targets, target_modules=["q_proj", "v_proj"])
    write("names-without-prefix", 6, without_prefix, target_modules=["q_proj", "v_proj"])
    write("regex", 7, target_modules=r".*\.layers\.0\.self_attn\.q_proj")
    write("one-layer", 8, target_modules=["q_proj"], layers_to_transform=[1])
    write("rslora", 9, target_modules=["q_proj"], use_rslora=True)
    write("dora", 10, target_modules=["q_proj"], use_dora=True)
    write("alora", 11, target_modules=["q_proj", "v_proj"], alora_invocation_tokens=[5, 9])
    write("rank-pattern", 12, target_modules=["q_proj", "v_proj"], rank_pattern={"v_proj": 3})
    write("alpha-pattern", 13, target_modules=["q_proj", "v_proj"], alpha_pattern={"v_proj": 1})
    write("head-and-embedding", 14, target_modules=["q_proj", "lm_head"])
    write("modules-to-save", 15, target_modules=["q_proj"], modules_to_save=["lm_head"])
    write("excluded", 16, target_modules=["q_proj", "v_proj"], exclude_modules=["v_proj"])
    write("lora-bias", 17, target_modules=["q_proj"], lora_bias=False, bias="lora_only")
    write("replicated", 18, target_modules=["q_proj"], layer_replication=[[0, 2], [1, 2]])
    write("token-indices", 19, target_modules=["q_proj"], trainable_token_indices=[1, 2])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = Path(sys.argv[1])
    shutil.rmtree(root, ignore_errors=True)
    (root / "scratch").mkdir(parents=True)
    cases = [{"config": c, **described(root / "scratch", c)} for c in configurations()]
    shutil.rmtree(root / "scratch")
    lines = ",\n".join(json.dumps(case) for case in cases)
    (root / "configs.json").write_text(f"[\n{lines}\n]\n")
    checkpoints(root / "checkpoints")
    adapters(root / "adapters", root / "checkpoints" / "plain")
