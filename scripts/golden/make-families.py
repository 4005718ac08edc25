"""Writes src/engine/golden/families/: tiny random checkpoints of each family, by transformers and PEFT.

    python3 -m venv venv
    venv/bin/pip install torch==2.13.0 transformers==5.23.0 peft==0.21.2
    venv/bin/python -P scripts/golden/make-families.py src/engine/golden/families

A folder per family holds what `save_pretrained` wrote (config, weights, tokenizer, chat template),
`golden.json` (texts with their tokens, conversations with their prompts, greedy continuations,
sequences with targets) and `golden.safetensors` (logits, gradients of the loss of `Target` in
src/engine/engine.ts). `llama/adapter` is a LoRA adapter saved by PEFT, `ropes.json` lists rotary
frequencies. Everything is computed in float32 from the weights as the files hold them.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

CLIP = (0.2, 0.28)
SIZE = dict(
    hidden_size=24,
    intermediate_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=256,
    initializer_range=0.25,
)

TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "",
    " ",
    "   leading,  double   and trailing   ",
    "line\nline\n\n\tindented\r\nWindows\u2028separator",
    "it's we'll I'VE don't",
    "1234567890 3.14159 0x1F 1,000,000 ¹²³ ½",
    "def f(x):\n    return x ** 2  # squares",
    "Grüße, señor Ångström: naïve façade",
    "e\u0301 is é decomposed; a\u0308\u0323 has two marks; \u1100\u1161\u11a8 is 각",
    "漢字かな交じり文、中文字符。한국어",
    "שלום עולם مرحبا بالعالم",
    "👩\u200d👩\u200d👧\u200d👦 👍🏽 🏳️\u200d🌈 🇩🇪 e\u20e3",
    "\u200b\u200e\ufeff zero width \u00a0 no-break \u3000 wide",
    "x" * 70 + " " * 40 + "\n" * 12 + "y",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 \U0010ffff \x00 \x7f",
    "Ω≈ç√∫ ∀x∈ℝ: x²≥0 → ✓",
    "(a+b)*[c]-{d}/<e>=f!?;:'\"`~@#$%^&|\\_",
    "ﬁ ligature, ① circled, Ⅳ roman, ㎏",
    "Đặng ไทย हिन्दी",
]

CORPUS = TEXTS + [
    "The student makes a mistake, and the teacher says where: the answer is not the question.",
    "What is the sum of the numbers? The sum of the numbers is the answer to the question.",
    "The user asks the assistant; the assistant answers the user. You are a helpful assistant.",
] * 4

CONVERSATIONS = [
    [{"role": "user", "content": "What is 2 + 2?"}],
    [
        {"role": "system", "content": "Answer in one word."},
        {"role": "user", "content": "  Where is 漢字 from? 👩\u200d👧  "},
    ],
    [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nTwo"},
        {"role": "user", "content": "Three\n"},
    ],
]

CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
QWEN2 = """{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou are helpful.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
QWEN3 = """{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if message.role == "assistant" and '</think>' in content %}
        {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
"""
LLAMA3 = """{{- bos_token }}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{{- "Today Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- else %}
        {{- raise_exception("tools are not used here") }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

LLAMA3_SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN_SPLIT = LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")


def byte_level(split: str | None, normalizer, specials: list[str]) -> Tokenizer:
    """A byte-level BPE trained on the corpus, with the pre-tokenizer of a family."""
    tokenizer = Tokenizer(models.BPE())
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if split is None:
        steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    else:
        steps = [
            pre_tokenizers.Split(Regex(split), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=288, initial_alphabet=alphabet, special_tokens=specials, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def wrap(tokenizer: Tokenizer, template: str, **special: str) -> PreTrainedTokenizerFast:
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **special)
    fast.chat_template = template
    return fast


def llama_tokenizer() -> PreTrainedTokenizerFast:
    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    tokenizer = byte_level(LLAMA3_SPLIT, None, specials)
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", 0)]
            ),
        ]
    )
    return wrap(tokenizer, LLAMA3, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>")


def smollm2_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = byte_level(None, None, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return wrap(tokenizer, CHATML, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>")


def qwen_tokenizer(template: str) -> PreTrainedTokenizerFast:
    tokenizer = byte_level(QWEN_SPLIT, normalizers.NFC(), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    # As in Qwen3: added after training, and not special, so decoding keeps them.
    tokenizer.add_tokens([AddedToken("<think>", special=False), AddedToken("</think>", special=False)])
    return wrap(tokenizer, template, eos_token="<|im_end|>", pad_token="<|endoftext|>")


FAMILIES = {
    "llama": dict(
        tokenizer=llama_tokenizer,
        config=lambda V: LlamaConfig(
            **SIZE,
            vocab_size=V,
            rms_norm_eps=1e-5,
            tie_word_embeddings=False,
            rope_parameters=dict(
                rope_type="llama3",
                rope_theta=10000.0,
                factor=8.0,
                low_freq_factor=1.0,
                high_freq_factor=4.0,
                original_max_position_embeddings=16,
            ),
        ),
        dtype=torch.float32,
        eos=["<|eot_id|>", "<|end_of_text|>"],
    ),
    "smollm2": dict(
        tokenizer=smollm2_tokenizer,
        config=lambda V: LlamaConfig(
            **SIZE,
            vocab_size=V,
            rms_norm_eps=1e-5,
            tie_word_embeddings=True,
            rope_parameters=dict(rope_type="default", rope_theta=100000.0),
        ),
        dtype=torch.bfloat16,
        eos=["<|im_end|>"],
    ),
    "qwen2": dict(
        tokenizer=lambda: qwen_tokenizer(QWEN2),
        # The embedding has more rows than the tokenizer has tokens, as in the real models.
        config=lambda V: Qwen2Config(
            **SIZE,
            vocab_size=V + 7,
            tie_word_embeddings=True,
            use_sliding_window=False,
            rope_parameters=dict(
                rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=64
            ),
        ),
        dtype=torch.float16,
        eos=["<|im_end|>", "<|endoftext|>"],
        shard="12KB",
    ),
    "qwen3": dict(
        tokenizer=lambda: qwen_tokenizer(QWEN3),
        config=lambda V: Qwen3Config(
            **SIZE,
            vocab_size=V,
            head_dim=10,
            tie_word_embeddings=False,
            rope_parameters=dict(rope_type="default", rope_theta=1000000.0),
        ),
        dtype=torch.bfloat16,
        eos=["<|im_end|>", "<|endoftext|>"],
        shard="20KB",
    ),
}


def random_weights(model: torch.nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name:
                parameter.copy_(1 + 0.2 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(0.3 * noise)
            else:
                scale = 0.7 if "embed" in name or "lm_head" in name else 1 / parameter.shape[1] ** 0.5
                parameter.copy_(scale * noise)


def targets_for(model, sequences: list[list[int]]) -> list[dict]:
    """Targets of every component, some ratios clipped."""
    gaps = [-0.9, -0.3, -0.1, 0.1, 0.4, 0.9]
    components = ["policy", "crossEntropy", "policy", "referenceKl"]
    count, out = 0, []
    for tokens in sequences:
        with torch.no_grad():
            logprobs = model(torch.tensor([tokens])).logits[0].log_softmax(-1)
        targets = []
        for position in range(len(tokens) - 1):
            component = components[count % 4]
            sign = -1 if component == "policy" and count % 3 == 0 else 1
            targets.append(
                {
                    "position": position,
                    "token": tokens[position + 1],
                    "component": component,
                    "coefficient": sign * (1 + count % 5) / 64,
                    "logprob": round(float(logprobs[position, tokens[position + 1]]) - gaps[count % 6], 5),
                }
            )
            count += 1
        out.append({"tokens": tokens, "targets": targets})
    return out


def loss_of(model, sequences: list[dict]) -> torch.Tensor:
    loss = torch.zeros(())
    for sequence in sequences:
        logprobs = model(torch.tensor([sequence["tokens"]])).logits[0].log_softmax(-1)
        for target in sequence["targets"]:
            l, c, old = logprobs[target["position"], target["token"]], target["coefficient"], target["logprob"]
            if target["component"] == "crossEntropy":
                loss = loss - c * l
            elif target["component"] == "referenceKl":
                loss = loss + c * (torch.exp(old - l) - (old - l) - 1)
            else:
                ratio = torch.exp(l - old)
                loss = loss - torch.minimum(ratio * c, ratio.clamp(1 - CLIP[0], 1 + CLIP[1]) * c)
    return loss


class TooClose(Exception):
    """A greedy choice between tokens of nearly equal logits, which rounding could turn."""


def greedy(model, prompt: list[int], length: int) -> list[int]:
    """The continuation by largest logit, each at least 0.002 above the second."""
    tokens = list(prompt)
    for _ in range(length):
        with torch.no_grad():
            best = model(torch.tensor([tokens])).logits[0, -1].topk(2)
        if best.values[0] - best.values[1] < 0.002:
            raise TooClose
        tokens.append(int(best.indices[0]))
    model.generation_config.eos_token_id, stop = None, model.generation_config.eos_token_id
    generated = model.generate(torch.tensor([prompt]), max_new_tokens=length, do_sample=False)
    model.generation_config.eos_token_id = stop
    assert generated[0].tolist() == tokens
    return tokens[len(prompt) :]


def write_adapter(folder: Path, base: Path, sequences: list[dict], tensors: dict, record: dict) -> None:
    """A PEFT adapter with B unlike zero, its logits and gradients."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager")
    config = LoraConfig(
        r=3,
        lora_alpha=8,
        target_modules=["q_proj", "v_proj", "o_proj", "gate_proj", "down_proj"],
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(model, config)
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    saved = json.loads(path.read_text())
    saved["base_model_name_or_path"] = "tiny/llama"
    saved["target_modules"] = sorted(saved["target_modules"])
    path.write_text(json.dumps(saved, indent=2, sort_keys=True) + "\n")
    model = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager"),
        folder,
        is_trainable=True,
    )
    tokens = sequences[0]["tokens"]
    loss = loss_of(model, sequences)
    loss.backward()
    record["adapterLoss"] = loss.item()
    record["adapterGreedy"] = [
        {"prompt": g["prompt"], "continuation": greedy(model, g["prompt"], len(g["continuation"]))}
        for g in record["greedy"][:1]
    ]
    tensors["adapter.logits"] = model(torch.tensor([tokens])).logits[0].detach()
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            short = name.replace("base_model.model.", "").replace(".default", "")
            tensors[f"adapter.gradient.{short}"] = parameter.grad


def write_family(folder: Path, name: str, seed: int) -> None:
    family = FAMILIES[name]
    tokenizer = family["tokenizer"]()
    config = family["config"](len(tokenizer))
    ids = [tokenizer.convert_tokens_to_ids(token) for token in family["eos"]]
    config.eos_token_id = ids[0]
    config.bos_token_id = tokenizer.bos_token_id
    model = AutoModelForCausalLM.from_config(config)
    random_weights(model, seed)
    model.generation_config.eos_token_id = ids if len(ids) > 1 else ids[0]
    model.to(family["dtype"]).save_pretrained(folder, max_shard_size=family.get("shard", "5GB"))
    tokenizer.save_pretrained(folder)

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False)
    sequences = targets_for(model, [encode(text)[:14] for text in (TEXTS[0], TEXTS[7], TEXTS[10])])
    loss = loss_of(model, sequences)
    loss.backward()
    prompts = [encode("The sum of the numbers is"), encode("What")]
    record = {
        "texts": [
            {"text": t, "ids": encode(t), "decoded": tokenizer.decode(encode(t), skip_special_tokens=True)}
            for t in TEXTS
        ],
        "withSpecial": {"text": "The answer", "ids": tokenizer.encode("The answer")},
        "conversations": [
            {
                "messages": messages,
                "text": tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True),
                "ids": tokenizer.apply_chat_template(
                    messages, tokenize=True, add_generation_prompt=True, return_dict=False
                ),
            }
            for messages in CONVERSATIONS
        ],
        "stop": ids,
        "loss": loss.item(),
        "sequences": sequences,
        "greedy": [{"prompt": p, "continuation": greedy(model, p, 16)} for p in prompts],
    }
    tensors = {f"logits.{i}": model(torch.tensor([s["tokens"]])).logits[0].detach() for i, s in enumerate(sequences)}
    for parameter_name, parameter in model.named_parameters():
        tensors[f"gradient.{parameter_name}"] = parameter.grad
    if name == "llama":
        write_adapter(folder / "adapter", folder, sequences, tensors, record)
    (folder / "golden.json").write_text(json.dumps(record, ensure_ascii=True) + "\n")
    save_file({k: v.detach().float().contiguous() for k, v in tensors.items()}, folder / "golden.safetensors")


ROPES = [
    dict(rope_type="default", rope_theta=10000.0),
    dict(rope_type="linear", rope_theta=10000.0, factor=2.5),
    dict(
        rope_type="llama3",
        rope_theta=500000.0,
        factor=32.0,
        low_freq_factor=1.0,
        high_freq_factor=4.0,
        original_max_position_embeddings=8192,
    ),
    dict(rope_type="yarn", rope_theta=1000000.0, factor=4.0, original_max_position_embeddings=32768),
    dict(
        rope_type="yarn",
        rope_theta=10000.0,
        factor=16.0,
        original_max_position_embeddings=4096,
        beta_fast=24.0,
        beta_slow=2.0,
        attention_factor=0.9,
        truncate=False,
    ),
    dict(
        rope_type="yarn",
        rope_theta=10000.0,
        factor=40.0,
        original_max_position_embeddings=4096,
        mscale=1.0,
        mscale_all_dim=0.7,
    ),
]


def write_ropes(path: Path) -> None:
    out = []
    for parameters in ROPES:
        config = LlamaConfig(
            hidden_size=512,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=8,
            vocab_size=8,
            max_position_embeddings=131072,
            rope_parameters=dict(parameters),
        )
        if parameters["rope_type"] == "default":
            frequencies = [10000.0 ** (-2 * i / 64) for i in range(32)]
            gain = 1.0
        else:
            values, gain = ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, "cpu")
            frequencies = values.double().tolist()
        fields = ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size"]
        described = {field: getattr(config, field) for field in fields}
        described |= {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 131072}
        out.append(
            {
                "config": described | {"rope_parameters": parameters},
                "frequencies": frequencies,
                "attentionFactor": gain,
            }
        )
    path.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    for number, family_name in enumerate(FAMILIES):
        for seed in range(31 + number, 1000, len(FAMILIES)):
            try:
                write_family(target / family_name, family_name, seed)
                break
            except TooClose:
                shutil.rmtree(target / family_name)
    write_ropes(target / "ropes.json")
