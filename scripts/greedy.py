"""Greedy answers of a checkpoint by transformers, for scripts/greedy.js to compare ours with.

    venv/bin/python scripts/greedy.py <folder of a checkpoint> <answers.json>

20 prompts through the chat template, up to 24 new tokens each, float32 on the CPU, one at a time.
"""

import json
import sys
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = [
    "What is 2 + 2?",
    "Name the capital of France.",
    "Write one sentence about the sea.",
    "Natalia sold 48 clips in April and half as many in May. How many did she sell in all?",
    "Translate to French: good morning",
    "List three colours.",
    "What is the opposite of hot?",
    "def add(a, b):\n    ",
    "Who wrote Hamlet?",
    "Count from one to ten.",
    "Why is the sky blue?",
    "Is 17 a prime number? Answer yes or no.",
    "Complete: The quick brown fox",
    "What is 15% of 200?",
    "Give a synonym of happy.",
    "漢字とは何ですか？",
    "¿Cuántos días tiene una semana?",
    "Explain gravity to a child.",
    "Write a haiku about snow. ❄️",
    "If x = 3, what is 2x + 1?",
]


def main(folder: str, out: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    answers = []
    started = time.monotonic()
    for prompt in PROMPTS:
        ids = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        generated = model.generate(**ids, max_new_tokens=24, do_sample=False)[0]
        start = ids["input_ids"].shape[1]
        with torch.no_grad():
            logits = model(generated[None]).logits[0, start - 1 : -1]
        best = logits.topk(2, dim=-1).values
        answers.append(
            {
                "prompt": prompt,
                "ids": ids["input_ids"][0].tolist(),
                "tokens": generated[start:].tolist(),
                "text": tokenizer.decode(generated[start:], skip_special_tokens=True),
                "logprobs": logits.log_softmax(-1).gather(1, generated[start:, None])[:, 0].tolist(),
                "smallestGap": float((best[:, 0] - best[:, 1]).min()),
            }
        )
    print(f"{len(PROMPTS)} answers in {time.monotonic() - started:.1f} s")
    out.write_text(json.dumps(answers, ensure_ascii=True, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], Path(sys.argv[2]))
