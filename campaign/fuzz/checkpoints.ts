/** What reads checkpoints: configurations, weights, tokenizers, templates, adapters; and what GGUF is written from. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  storedShape,
  loadOptimizer,
  loadPolicy,
  savePolicy,
} from "../../src/engine/files/checkpoint.js";
import { loadPeftAdapter, adapterBase } from "../../src/engine/files/peft.js";
import { loadPretrained, weightFiles } from "../../src/engine/files/pretrained.js";
import { readSafetensors, writeSafetensors } from "../../src/engine/files/safetensors.js";
import { shapeFromConfig } from "../../src/engine/families.js";
import { loadHead } from "../../src/learn/contrast-head.js";
import { ChatTemplate } from "../../src/models/chat-template.js";
import { loadTokenizer, PretrainedTokenizer } from "../../src/models/pretrained-tokenizer.js";
import { decodedCharacters } from "../../src/models/utf8.js";
import { exportGguf, exportPretrained } from "../../src/take/export.js";
import { takeCheckpoint } from "../../src/take/source.js";
import type { Files, Parser } from "./parser.js";

const goldens = fileURLToPath(new URL("../../src/engine/golden/families/", import.meta.url));
const families = ["llama", "qwen2", "qwen3", "smollm2"] as const;

const conversation = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "What is 1 + 1?" },
  { role: "assistant", content: "<think>Hm.</think>\n2" },
  { role: "user", content: "And 2 + 2?" },
] as const;

const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

export async function checkpointParsers({ folder }: Files): Promise<Parser[]> {
  const golden = (family: string, name: string): string =>
    readFileSync(join(goldens, family, name), "utf8");
  const ofAll = (name: string): string[] => families.map((family) => golden(family, name));
  const bytes = (name: string): Buffer => readFileSync(join(folder, name));
  const model = join(folder, "model");
  cpSync(join(goldens, "smollm2"), model, { recursive: true });
  const adapter = join(folder, "adapter");
  cpSync(join(goldens, "llama", "adapter"), adapter, { recursive: true });
  const base = await loadPretrained(join(goldens, "llama"));

  const [small, policy, head] = ["small.safetensors", "policy.safetensors", "head.safetensors"];
  const tiny = new Map([
    ["first", { shape: [2, 3], data: new Float32Array(6) }],
    ["second", { shape: [2, 3], data: new Float32Array(6) }],
    ["projection", { shape: [2, 3], data: new Float32Array(6) }],
    ["mean", { shape: [2], data: new Float32Array(2) }],
    ["variance", { shape: [2], data: new Float32Array(2) }],
  ]);
  await writeSafetensors(join(folder, small), tiny, {
    metadata: { "errata.steps": "3", steps: "3" },
  });
  await writeSafetensors(join(folder, head), tiny, { metadata: { steps: "3" } });
  await savePolicy(join(folder, policy), await loadPretrained(model));

  const ofBytes = (
    name: string,
    inputs: readonly Buffer[],
    read: (path: string) => unknown,
  ): Parser => ({
    name,
    inputs,
    read: (input: Buffer) => {
      const path = join(folder, "mutated.safetensors");
      writeFileSync(path, input);
      return read(path);
    },
  });
  /** A file of a model that is mutated while the others stay as they are. */
  const inModel = (name: string, file: string, read: () => unknown, share = 0.2): Parser => {
    const whole = readFileSync(join(model, file));
    const isText = !file.endsWith(".safetensors");
    return {
      name,
      share,
      inputs: [isText ? whole.toString() : whole],
      read: async (input: string | Buffer) => {
        writeFileSync(join(model, file), input);
        try {
          return await read();
        } finally {
          writeFileSync(join(model, file), whole);
        }
      },
    };
  };
  const tokenizer = { tokenizer: json(golden("llama", "tokenizer.json")), folder: "model" };
  const config = json(golden("llama", "tokenizer_config.json"));
  const encoder = new PretrainedTokenizer({ ...tokenizer, config });
  const out = join(folder, "out");
  const taken = async (write: typeof exportGguf | typeof exportPretrained): Promise<unknown> => {
    rmSync(out, { recursive: true, force: true });
    return write(await takeCheckpoint(model), out, { version: "0" } as never);
  };
  return [
    { ...ofBytes("safetensors", [bytes(small)], readSafetensors), share: 2 },
    ofBytes("optimizer", [bytes(small)], loadOptimizer),
    ofBytes("contrast head", [bytes(head)], loadHead),
    { ...ofBytes("policy", [bytes(policy)], (path) => loadPolicy(path)), share: 0.4 },
    { ...ofBytes("policy's shape", [bytes(policy)], storedShape), share: 0.4 },
    {
      name: "model's configuration",
      share: 2,
      inputs: ofAll("config.json"),
      read: (input: string) => shapeFromConfig(json(input), { path: "config.json" }),
    },
    {
      name: "index of shards",
      inputs: [golden("qwen2", "model.safetensors.index.json")],
      read: (input: string) => {
        writeFileSync(join(folder, "model.safetensors.index.json"), input);
        return weightFiles(folder);
      },
    },
    {
      name: "adapter's configuration",
      share: 0.5,
      inputs: [golden("llama", "adapter/adapter_config.json")],
      read: async (input: string) => {
        writeFileSync(join(adapter, "adapter_config.json"), input);
        return [await adapterBase(adapter), await loadPeftAdapter(adapter, base)];
      },
    },
    {
      name: "tokenizer",
      share: 0.5,
      inputs: ofAll("tokenizer.json"),
      read: (input: string) => {
        const made = new PretrainedTokenizer({ ...tokenizer, tokenizer: json(input), config });
        return made.decode(made.encode("What is 1 + 1? <|im_end|>"));
      },
    },
    {
      name: "tokenizer's configuration",
      share: 0.5,
      inputs: ofAll("tokenizer_config.json"),
      read: (input: string) => new PretrainedTokenizer({ ...tokenizer, config: json(input) }),
    },
    {
      name: "text to tokens",
      inputs: ["What is 1 + 1?", "<|im_start|>user\n👩‍👩‍👧 é"],
      read: (input: string) => encoder.spans(encoder.encode(input)),
    },
    {
      name: "bytes of a text",
      inputs: [Buffer.from("é 👩‍👩‍👧 a")],
      read: (input: Buffer) => decodedCharacters(input),
    },
    {
      name: "chat template",
      share: 2,
      inputs: ofAll("chat_template.jinja"),
      read: (input: string) => {
        const variables = { bos_token: "<s>", eos_token: "</s>" };
        return new ChatTemplate(input, { variables, date: "2026-12-01" }).render(conversation);
      },
    },
    {
      name: "conversation",
      share: 0.5,
      inputs: ["What is 1 + 1?", "</think> {{ 1 }} {% if %}"],
      read: (input: string) =>
        new ChatTemplate(golden("qwen3", "chat_template.jinja")).render([
          ...conversation,
          { role: "user", content: input },
        ]),
    },
    inModel("checkpoint's weights", "model.safetensors", () => takeCheckpoint(model)),
    inModel("checkpoint's generation settings", "generation_config.json", () =>
      loadTokenizer(model),
    ),
    inModel("GGUF of a configuration", "config.json", () => taken(exportGguf), 0.1),
    inModel("GGUF of a tokenizer", "tokenizer.json", () => taken(exportGguf), 0.1),
    inModel(
      "GGUF of a tokenizer's configuration",
      "tokenizer_config.json",
      () => taken(exportGguf),
      0.1,
    ),
    inModel("GGUF of a template", "chat_template.jinja", () => taken(exportGguf), 0.1),
    inModel("export of a configuration", "config.json", () => taken(exportPretrained), 0.1),
  ];
}
