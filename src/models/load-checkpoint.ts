/** Open models: weights, tokenizer and chat template of one checkpoint, from a folder or the hub. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Policy } from "../engine/engine.js";
import { adapterBase, loadPeftAdapter } from "../engine/files/peft.js";
import { loadPretrained, readJson } from "../engine/files/pretrained.js";
import { cacheFolder } from "../util/cache-folder.js";
import { ErrataError } from "../util/error.js";
import type { ChatTemplate } from "./chat-template.js";
import type { Lexicon } from "../environments/environment.js";
import { isHubId } from "./hub-id.js";
import type { HubOptions } from "./hub.js";
import { loadTokenizer, type PretrainedTokenizerOptions } from "./pretrained-tokenizer.js";
import { lexiconIn } from "./symbol-files.js";
import { LexiconTokenizer, type Tokenizer } from "./tokenizer.js";

export interface CheckpointOptions extends HubOptions, PretrainedTokenizerOptions {
  /** Longest sequence to allow, prompt and completion together. Default what the model was made for. */
  readonly context?: number;
}

/** A checkpoint, loaded. */
export interface Checkpoint {
  /** Its weights; with an adapter where the checkpoint is one, over the base it names. */
  readonly policy: Policy;
  readonly tokenizer: Tokenizer;
  /** The vocabulary of a from-scratch model; absent where the checkpoint reads text. */
  readonly lexicon: Lexicon | undefined;
  /** Absent where the checkpoint has none. */
  readonly template: ChatTemplate | undefined;
  /** Its `config.json`, parsed. */
  readonly config: unknown;
  /** The folder that holds it. */
  readonly folder: string;
  /** The folder with `config.json`: that of the base where the checkpoint is an adapter. */
  readonly baseFolder: string;
  /** The commit that the revision stood for, of a checkpoint from the hub. */
  readonly commit: string | undefined;
}

/**
 * Loads the checkpoint in the folder or GGUF file `where`, or of the hub id `where` (`owner/name`).
 * @throws ErrataError `CHECKPOINT_MISSING`, `CHECKPOINT_AMBIGUOUS` (a model and an adapter in one folder), or those of `hubSnapshot`, `loadPretrained`,
 * `loadGguf`, `loadPeftAdapter` and `loadTokenizer`.
 */
export async function loadCheckpoint(
  where: string,
  options: CheckpointOptions = {},
): Promise<Checkpoint> {
  return load(where, options, false);
}

async function load(
  where: string,
  options: CheckpointOptions,
  asBase: boolean,
): Promise<Checkpoint> {
  if (where.endsWith(".gguf") && existsSync(where)) return fromGguf(where, options);
  const { folder, commit } = await locate(where, options);
  const has = (name: string): boolean => existsSync(join(folder, name));
  if (has("adapter_config.json")) {
    if (asBase)
      throw new ErrataError(`${folder}: the base model of an adapter is itself an adapter`, {
        code: "ADAPTER_CONFIG",
        hint: "merge it into its own base first: model.merge_and_unload() in PEFT, then save_pretrained",
      });
    if (has("config.json"))
      throw new ErrataError(`${folder}: holds both a model (config.json) and an adapter over one`, {
        code: "CHECKPOINT_AMBIGUOUS",
        hint: "move adapter_config.json and adapter_model.safetensors into a folder of their own, or the model into another",
      });
    // A revision is the adapter's, not its base's.
    const { base: name, revision = "main" } = await adapterBase(folder);
    const base = await load(name, { ...options, revision }, true);
    const policy = await loadPeftAdapter(folder, base.policy);
    // Whoever trained an adapter may have given it a template of its own.
    const own = has("tokenizer.json") && base.lexicon === undefined;
    if (!own) return { ...base, policy, folder, commit };
    const tokenizer = await loadTokenizer(folder, { ...options, fallback: base.folder });
    checkSize(tokenizer, policy, folder);
    return { ...base, policy, tokenizer, template: tokenizer.template, folder, commit };
  }
  if (has("adapter_model.safetensors") && !has("config.json"))
    throw new ErrataError(`${folder}: holds an adapter without its adapter_config.json`, {
      code: "ADAPTER_CONFIG",
      hint: "copy or download the adapter again",
    });
  const { context, onNotice } = options;
  const policy = await loadPretrained(folder, {
    ...(context === undefined ? {} : { context }),
    ...(onNotice === undefined ? {} : { onNotice }),
  });
  const lexicon = lexiconIn(await readJson(join(folder, "tokenizer.json")), folder);
  const pretrained = lexicon === undefined ? await loadTokenizer(folder, options) : undefined;
  const tokenizer = pretrained ?? new LexiconTokenizer(lexicon!);
  checkSize(tokenizer, policy, folder);
  const config = await readJson(join(folder, "config.json"));
  const template = pretrained?.template;
  return { policy, tokenizer, lexicon, template, config, folder, baseFolder: folder, commit };
}

async function fromGguf(where: string, options: CheckpointOptions): Promise<Checkpoint> {
  const { loadGguf } = await import("./load-gguf.js");
  const { policy, config, folder } = await loadGguf(where, {
    ...options,
    cache: options.cache ?? cacheFolder(),
  });
  const tokenizer = await loadTokenizer(folder, options);
  checkSize(tokenizer, policy, where);
  const [lexicon, commit] = [undefined, undefined];
  const { template } = tokenizer;
  return { policy, tokenizer, lexicon, template, config, folder, baseFolder: folder, commit };
}

function checkSize(tokenizer: Tokenizer, policy: Policy, folder: string): void {
  if (tokenizer.size > policy.shape.vocabulary)
    throw new ErrataError(
      `${folder}: a tokenizer of ${tokenizer.size} tokens, a model of ${policy.shape.vocabulary}`,
      {
        code: "CHECKPOINT_TENSORS",
        hint: "the tokenizer is another model's: copy its files again",
      },
    );
}

async function locate(
  where: string,
  options: CheckpointOptions,
): Promise<{ folder: string; commit: string | undefined }> {
  if (existsSync(where)) return { folder: where, commit: undefined };
  if (isHubId(where)) {
    const { hubSnapshot } = await import("./hub.js");
    return hubSnapshot(where, options);
  }
  throw new ErrataError(`there is no checkpoint at ${where}`, {
    code: "CHECKPOINT_MISSING",
    hint: "give the path of a folder with config.json or of a .gguf file, or a hub id such as HuggingFaceTB/SmolLM2-135M-Instruct",
  });
}
