/** Model cards: the README.md that says what an exported model is, how it was made, and what is known of it. */
import { basename } from "node:path";
import { isHubId } from "../models/hub-id.js";
import { learningCurve } from "../run/record.js";
import { wilsonInterval } from "../util/statistics/intervals.js";
import { costRoles } from "../watch/ledger.js";
import type { Taken, TakenRun } from "./source.js";

/** What was exported. */
export interface CardOptions {
  readonly format: "merged" | "adapter" | "gguf";
  /** As files hold the weights: fp32, bf16, f16 or q8_0. */
  readonly precision: string;
  readonly parameters: number;
  /** Errata's own. */
  readonly version: string;
}

/** Data sets behind environments, by their hub ids. */
const datasets: Readonly<Record<string, string>> = {
  gsm8k: "openai/gsm8k",
  humaneval: "openai/openai_humaneval",
  mbpp: "google-research-datasets/mbpp",
  livecodebench: "livecodebench/code_generation_lite",
};

/** The card of `taken`: YAML metadata that the Hugging Face Hub reads, then text. */
export function modelCard(taken: Taken, options: CardOptions): string {
  const { run } = taken;
  const sections = [
    `# ${taken.name}`,
    introduction(taken, options),
    "## Use",
    usage(taken, options),
    ...(run === undefined
      ? []
      : [
          "## Data",
          data(run),
          "## Method",
          method(run),
          "## Results",
          results(run),
          "## Cost",
          cost(run),
        ]),
    "## Limits",
    limits(taken),
    `Made with Errata ${options.version}.`,
  ];
  return `---\n${frontMatter(taken, options)}---\n\n${sections.join("\n\n")}\n`;
}

/** JSON is YAML: what is quoted cannot be misread. */
function frontMatter({ name, words, run }: Taken, { format }: CardOptions): string {
  const quoted = JSON.stringify;
  const lines = [
    `library_name: ${format === "adapter" ? "peft" : format === "gguf" ? "gguf" : "transformers"}`,
    "pipeline_tag: text-generation",
    "tags:",
    "- errata",
    "- reinforcement-learning",
  ];
  if (words.kind === "text" && isHubId(words.base)) {
    lines.push(`base_model: ${quoted(words.base)}`);
    lines.push(
      `base_model_relation: ${format === "adapter" ? "adapter" : format === "gguf" ? "quantized" : "finetune"}`,
    );
  }
  if (run !== undefined) {
    const dataset = datasets[run.environment.name];
    if (dataset !== undefined) lines.push("datasets:", `- ${dataset}`);
    const last = learningCurve(run.record.lines).at(-1);
    const { evaluationSplit } = run.config;
    if (last !== undefined)
      lines.push(
        "model-index:",
        `- name: ${quoted(name)}`,
        "  results:",
        "  - task:",
        "      type: text-generation",
        "    dataset:",
        `      name: ${quoted(run.environment.name)}`,
        `      type: ${quoted(dataset ?? run.environment.name)}`,
        `      split: ${evaluationSplit}`,
        "    metrics:",
        "    - type: accuracy",
        `      value: ${last[1]}`,
        `      name: accuracy on ${run.config.evaluationTasks} held-out tasks, one sampled attempt each`,
      );
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** What a model was trained from, without a path of this machine. */
function baseName(base: string): string {
  return isHubId(base) ? `[${base}](https://huggingface.co/${base})` : `\`${basename(base)}\``;
}

function introduction(
  { words, run }: Taken,
  { format, precision, parameters }: CardOptions,
): string {
  const what =
    format === "adapter"
      ? "A LoRA adapter"
      : `A model of ${parameters.toLocaleString("en-US")} weights (${precision})`;
  const from =
    words.kind === "symbols"
      ? "trained from scratch: a Llama decoder with a vocabulary of symbols"
      : `trained from ${baseName(words.base)}${isHubId(words.base) ? ` at revision \`${words.revision}\`` : ""}`;
  const where =
    run === undefined
      ? ""
      : `, by reinforcement learning in the environment \`${run.environment.name}\` (${run.step} steps)`;
  return `${what} ${from}${where}.`;
}

function usage({ words, run }: Taken, { format }: CardOptions): string {
  if (format === "gguf")
    return "```\nollama create my-model -f Modelfile\nollama run my-model\n```\n\nllama.cpp and LM Studio open the `.gguf` file itself.";
  const load =
    format === "adapter"
      ? [
          "from peft import AutoPeftModelForCausalLM",
          "",
          'model = AutoPeftModelForCausalLM.from_pretrained("<this folder or repository>")',
        ]
      : [
          "from transformers import AutoModelForCausalLM",
          "",
          'model = AutoModelForCausalLM.from_pretrained("<this folder or repository>")',
        ];
  const code = [
    "from transformers import AutoTokenizer",
    ...load,
    'tokenizer = AutoTokenizer.from_pretrained("<this folder or repository>")',
  ];
  if (words.kind === "symbols") {
    const symbols = run?.environment.maxActionSymbols ?? 1;
    code.push(
      'prompt = tokenizer("<an observation>", return_tensors="pt", add_special_tokens=False)',
      `print(tokenizer.decode(model.generate(**prompt, max_new_tokens=${symbols === 1 ? 1 : symbols + 1})[0]))`,
    );
  } else
    code.push(
      'messages = [{"role": "user", "content": "<a question>"}]',
      'prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)',
      `print(tokenizer.decode(model.generate(**prompt, max_new_tokens=${run?.environment.maxActionSymbols ?? 256})[0]))`,
    );
  return `\`\`\`python\n${code.join("\n")}\n\`\`\``;
}

function data({ environment, config, levels }: TakenRun): string {
  const tasks = `${config.pool.toLocaleString("en-US")} training tasks drawn from level${levels.length === 1 ? "" : "s"} ${levels.join(", ")}`;
  return `Tasks of the environment \`${environment.name}\`: ${tasks}; ${config.evaluationTasks} tasks of the split \`${config.evaluationSplit}\` are only ever evaluated on. Every attempt is judged by the environment's own checker.`;
}

function method({ config, record, levels }: TakenRun): string {
  const { student, explore, reward, teacher } = config;
  const lora = student.lora === undefined || student.lora === "none" ? undefined : student.lora;
  const objective = {
    policy: "policy gradient",
    dpo: "preferences (DPO)",
    clone: "imitation of a teacher",
  };
  const lines = [
    `- ${objective[config.objective]}, estimator \`${config.advantage.estimator}\`, ${config.steps} steps of ${config.tasksPerStep} tasks with ${config.groupSize} attempts each; AdamW, learning rate ${config.learningRate}; seed ${config.seed}`,
    student.checkpoint === undefined || lora === undefined
      ? "- all weights train"
      : `- a LoRA adapter trains: rank ${lora.rank}, alpha ${lora.alpha}, on ${lora.targets.join(", ")}`,
    explore.form === "none"
      ? "- every attempt is sampled from the student itself"
      : `- where all attempts fail, half of them are sampled away from known mistakes (\`${explore.form}\`)`,
    ...(reward.penalty > 0
      ? ["- a wrong attempt is charged for repeating a known mistake where every attempt is wrong"]
      : []),
    ...(teacher.source === "none"
      ? []
      : [
          `- a teacher took part (${teacher.form}) in ${(100 * record.teacherShare).toFixed(1)}% of prompt-visits`,
        ]),
  ];
  return `${lines.join("\n")}\n\n${levels.length === 1 ? "" : "All levels are trained alike. "}The same configuration and seed give the same weights on the same machine.`;
}

function results({ config, record }: TakenRun): string {
  const curve = learningCurve(record.lines);
  if (curve.length === 0) return "Nothing was measured.";
  const n = config.evaluationTasks;
  const row = ([step, accuracy]: readonly [number, number]): string => {
    const { low, high } = wilsonInterval(Math.round(accuracy * n), n);
    return `| ${step} | ${accuracy.toFixed(3)} | [${low.toFixed(3)}, ${high.toFixed(3)}] |`;
  };
  const shown = curve.length === 1 ? curve : [curve[0]!, curve.at(-1)!];
  return `Accuracy on ${n} tasks of the split \`${config.evaluationSplit}\`, one sampled attempt at temperature 1 each; 95% intervals (Wilson) over tasks, of this one run.\n\n| step | accuracy | interval |\n|---|---|---|\n${shown.map(row).join("\n")}`;
}

function cost({ record, seconds }: TakenRun): string {
  const used = costRoles.filter(
    (role) => record.cost[role].tokens > 0 || record.cost[role].flops > 0,
  );
  const rows = used.map((role) => {
    const { tokens, flops } = record.cost[role];
    return `| ${role} | ${tokens.toLocaleString("en-US")} | ${flops.toExponential(2)} |`;
  });
  const paid = record.money;
  const more = [
    seconds === 0 ? "" : `${(seconds / 60).toFixed(1)} minutes of computation`,
    paid === 0 ? "" : `${paid.toPrecision(3)} of money at the configured prices`,
  ].filter((text) => text !== "");
  return `| for | tokens | FLOPs |\n|---|---|---|\n${rows.join("\n")}${more.length === 0 ? "" : `\n\n${more.join(", ")}.`}`;
}

function limits({ words, run }: Taken): string {
  const lines: string[] = [];
  if (words.kind === "symbols") {
    const { symbols, separator } = words.lexicon;
    lines.push(
      `- It reads and writes ${symbols.length} symbols${separator === "" ? "" : ", separated by spaces"}, and nothing else: it is no chat model.`,
    );
  }
  lines.push(
    run === undefined
      ? "- Nothing was measured of it."
      : `- It was trained and measured on \`${run.environment.name}\` alone. Nothing is known of what training changed elsewhere.`,
  );
  if (run !== undefined)
    lines.push("- One seed: another one gives other weights, and another accuracy.");
  if (words.kind === "text")
    lines.push("- Licence, biases and risks of the base model are also its own.");
  return lines.join("\n");
}
