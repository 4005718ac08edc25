/** Models as others load them: Hugging Face folders, PEFT adapters, GGUF. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { hasAdapter } from "../engine/adapter.js";
import { saveGguf, type GgufPrecision } from "../engine/files/gguf.js";
import { savePeftAdapter } from "../engine/files/peft.js";
import { llamaConfig, savePretrainedWeights } from "../engine/files/save-pretrained.js";
import type { Precision } from "../engine/files/safetensors.js";
import { parameterCount } from "../engine/shape.js";
import { symbolFiles } from "../models/symbol-files.js";
import { ErrataError } from "../util/error.js";
import { modelCard, type CardOptions } from "./card.js";
import { ggufVocabulary } from "./gguf-vocabulary.js";
import { modelfile } from "./modelfile.js";
import { wordsFile, type Taken, type Words } from "./source.js";

/** How the weights of an export are stored. */
export type ExportPrecision = "fp32" | "bf16" | "f16";

const precisions: Readonly<Record<ExportPrecision, Precision>> = {
  fp32: "float32",
  bf16: "bfloat16",
  f16: "float16",
};

export interface ExportOptions {
  /** Errata's version, for the card. */
  readonly version: string;
  /** Write into a folder that holds files that are no export. Default false. */
  readonly force?: boolean;
}

/** Says that a folder holds an export, and of what. */
const marker = "errata.json";

/**
 * Writes `taken` into `folder` as transformers loads it: merged weights, configuration, tokenizer, card.
 * @throws ErrataError `EXPORT_EXISTS` on a folder with other files, `EXPORT_RANGE`.
 */
export async function exportPretrained(
  taken: Taken,
  folder: string,
  options: ExportOptions & {
    readonly precision?: ExportPrecision;
    readonly shardBytes?: number;
  },
): Promise<string[]> {
  const { precision = "fp32", shardBytes } = options;
  claimFolder(folder, options);
  const weights = await savePretrainedWeights(folder, taken.policy, {
    precision: precisions[precision],
    ...(shardBytes === undefined ? {} : { shardBytes }),
  });
  const config =
    taken.words.kind === "symbols"
      ? { ...llamaConfig(taken.policy.shape), bos_token_id: null, eos_token_id: 1, pad_token_id: 0 }
      : withoutTraces(readJsonFile(join(taken.words.folders.at(-1)!, "config.json")));
  writeJson(folder, "config.json", { ...config, dtype: precisions[precision] });
  const generation = writeWords(taken, folder);
  return finish(taken, folder, options, { format: "merged", precision }, [
    ...weights,
    "config.json",
    ...generation,
  ]);
}

/**
 * Writes the adapter of `taken` into `folder` as PEFT loads it.
 * @throws ErrataError `EXPORT_ADAPTER` where all weights were trained, or an adapter over another, `EXPORT_EXISTS`.
 */
export async function exportAdapter(
  taken: Taken,
  folder: string,
  options: ExportOptions,
): Promise<string[]> {
  const { policy, words } = taken;
  if (!hasAdapter(policy) || words.kind === "symbols")
    throw new ErrataError(`${taken.name} has no adapter: all its weights were trained`, {
      code: "EXPORT_ADAPTER",
      hint: "leave out --adapter to export all of it",
    });
  if (taken.run !== undefined && words.folders.length > 1)
    throw new ErrataError(`${taken.name} was trained over an adapter, ${words.base}`, {
      code: "EXPORT_ADAPTER",
      hint: "PEFT loads an adapter over a whole model: leave out --adapter to export all, merged",
    });
  claimFolder(folder, options);
  await savePeftAdapter(folder, policy, { base: words.base, revision: words.revision });
  const generation = writeWords(taken, folder);
  return finish(taken, folder, options, { format: "adapter", precision: "fp32" }, [
    "adapter_model.safetensors",
    "adapter_config.json",
    ...generation,
  ]);
}

/**
 * Writes `taken` into `folder` as GGUF, with a Modelfile for Ollama.
 * @throws ErrataError `GGUF_UNSUPPORTED`, `GGUF_TOKENIZER`, `EXPORT_RANGE`, `EXPORT_EXISTS`.
 */
export async function exportGguf(
  taken: Taken,
  folder: string,
  options: ExportOptions & { readonly precision?: GgufPrecision },
): Promise<string[]> {
  const { precision = "f16" } = options;
  const vocabulary = ggufVocabulary(taken.words, taken.policy.shape.vocabulary);
  claimFolder(folder, options);
  const file = `${taken.name}-${precision}.gguf`;
  await saveGguf(join(folder, file), taken.policy, {
    precision,
    metadata: { "general.name": taken.name, ...vocabulary },
  });
  writeFileSync(join(folder, "Modelfile"), modelfile(taken, file));
  return finish(taken, folder, options, { format: "gguf", precision }, [file, "Modelfile"]);
}

/** @throws ErrataError `EXPORT_EXISTS`. */
function claimFolder(folder: string, { force = false, version }: ExportOptions): void {
  mkdirSync(folder, { recursive: true });
  const ours = existsSync(join(folder, marker));
  // Marked before anything else is written: an export that was cut off can be made again.
  if (force || ours || readdirSync(folder).length === 0)
    return writeJson(folder, marker, { errata: version });
  throw new ErrataError(`${folder} holds files that are no export`, {
    code: "EXPORT_EXISTS",
    hint: "name an empty or a new folder, or add --force to write among them",
  });
}

/** Tokenizer, chat template and generation settings; returns the names of the files. */
function writeWords(taken: Taken, folder: string): string[] {
  const { words, run } = taken;
  if (words.kind === "symbols") {
    const { tokenizer, config } = symbolFiles(words.lexicon);
    const { context } = taken.policy.shape;
    writeJson(folder, "tokenizer.json", tokenizer);
    writeJson(folder, "tokenizer_config.json", { ...config, model_max_length: context });
    const most = run?.environment.maxActionSymbols;
    writeJson(folder, "generation_config.json", {
      do_sample: true,
      eos_token_id: 1,
      pad_token_id: 0,
      ...(most === undefined ? {} : { max_new_tokens: most === 1 ? 1 : most + 1 }),
    });
    return ["tokenizer.json", "tokenizer_config.json", "generation_config.json"];
  }
  const copied = textFiles(words);
  for (const name of copied) copyFileSync(wordsFile(words, name)!, join(folder, name));
  if (copied.includes("generation_config.json")) return copied;
  writeJson(folder, "generation_config.json", { eos_token_id: [...words.tokenizer.stops] });
  return [...copied, "generation_config.json"];
}

/** Files of a tokenizer, as far as the base model has them. */
function textFiles(words: Extract<Words, { kind: "text" }>): string[] {
  return [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "generation_config.json",
  ].filter((name) => wordsFile(words, name) !== undefined);
}

/** A base's configuration without what only holds of the base's own files. */
function withoutTraces(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { _name_or_path: _, torch_dtype: __, ...rest } = config;
  return rest;
}

/** Writes the card and the marker; returns the names of all files. */
function finish(
  taken: Taken,
  folder: string,
  { version }: ExportOptions,
  stored: Pick<CardOptions, "format" | "precision">,
  files: readonly string[],
): string[] {
  const { policy, run } = taken;
  const parameters = parameterCount(policy.shape);
  writeFileSync(join(folder, "README.md"), modelCard(taken, { ...stored, parameters, version }));
  writeJson(folder, marker, {
    errata: version,
    name: taken.name,
    ...stored,
    ...(run === undefined
      ? {}
      : { environment: run.environment.name, step: run.step, finished: run.record.finished }),
  });
  return [...files, "README.md", marker];
}

function writeJson(folder: string, name: string, value: unknown): void {
  writeFileSync(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
}

function readJsonFile(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
}
