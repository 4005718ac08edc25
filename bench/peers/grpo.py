"""TRL's side of the engine benchmark: whole GRPO steps of GRPOTrainer on the processor, fp32, beta 0.

Its arguments are one JSON object {"shape", "threads", "prompts", "group", "promptLength", "length"}.
Takes one step for each line read, and answers with one JSON line {"seconds", "memory"}.
"""

import json
import os
import resource
import sys
import tempfile
import time

os.environ.update(HF_HUB_OFFLINE="1", TRL_EXPERIMENTAL_SILENCE="1", TOKENIZERS_PARALLELISM="false")

import datasets
import torch
import transformers
import trl
from tokenizers import Tokenizer, models, pre_tokenizers

request = json.loads(sys.argv[1])
shape = request["shape"]
torch.set_num_threads(request["threads"])
torch.manual_seed(0)
transformers.logging.set_verbosity_error()
datasets.disable_progress_bars()
answers = os.dup(1)  # libraries print to stdout
os.dup2(2, 1)

words = ["<pad>", "</s>"] + [chr(0x4E00 + i) for i in range(2, shape["vocabulary"])]
inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<pad>"))
inner.pre_tokenizer = pre_tokenizers.Split("", "isolated")
tokenizer = transformers.PreTrainedTokenizerFast(
    tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", padding_side="left"
)
model = transformers.LlamaForCausalLM(
    transformers.LlamaConfig(
        vocab_size=shape["vocabulary"],
        hidden_size=shape["width"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        num_key_value_heads=shape["keyValueHeads"],
        head_dim=shape["headWidth"],
        intermediate_size=shape["feedForward"],
        max_position_embeddings=shape["context"],
        tie_word_embeddings=shape["tied"],
        rms_norm_eps=shape["normEpsilon"],
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
)
draw = lambda: "".join(words[i] for i in torch.randint(2, len(words), (request["promptLength"],)).tolist())
even = {w for i, w in enumerate(words) if i % 2 == 0}


def reward(completions, **_):
    return [sum(c in even for c in text) / max(1, len(text)) for text in completions]


class Paced(transformers.TrainerCallback):
    """One step for each line read."""

    def on_step_begin(self, args, state, control, **_):
        if not sys.stdin.readline():
            os._exit(0)
        self.begun = time.perf_counter()

    def on_step_end(self, args, state, control, **_):
        seconds = time.perf_counter() - self.begun
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        os.write(answers, (json.dumps({"seconds": seconds, "memory": memory}) + "\n").encode())


with tempfile.TemporaryDirectory() as folder:
    trainer = trl.GRPOTrainer(
        model=model,
        reward_funcs=reward,
        processing_class=tokenizer,
        train_dataset=datasets.Dataset.from_dict({"prompt": [draw() for _ in range(4096)]}),
        callbacks=[Paced()],
        args=trl.GRPOConfig(
            output_dir=folder,
            use_cpu=True,
            bf16=False,
            beta=0.0,
            num_generations=request["group"],
            per_device_train_batch_size=request["prompts"] * request["group"],
            max_completion_length=request["length"],
            gradient_checkpointing=False,
            optim="adamw_torch_fused",
            learning_rate=1e-3,
            max_steps=10_000,
            logging_steps=10_000,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        ),
    )
    trainer.train()
