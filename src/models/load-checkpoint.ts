/** Open models: weights, tokenizer and chat template of one checkpoint, from a folder or the hub. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Policy } from "../engine/engine.js";
import { loadPeftAdapter } from "../engine/files/peft.js";
import { loadPretrained, readJson } from "../engine/files/pretrained.js";
import { ErrataError } from "../util/error.js";
import type { ChatTemplate } from "./chat-template.js";
import { hubSnapshot, isHubId, type HubOptions } from "./hub.js";
import {
  loadTokenizer,
  type PretrainedTokenizer,
  type PretrainedTokenizerOptions,
} from "./pretrained-tokenizer.js";

export interface CheckpointOptions extends HubOptions, PretrainedTokenizerOptions {
  /** Longest sequence to allow, prompt and completion together. Default what the model was made for. */
  readonly context?: number;
}

/** A checkpoint, loaded. */
export interface Checkpoint {
  /** Its weights; with an adapter where the checkpoint is one, over the base it names. */
  readonly policy: Policy;
  readonly tokenizer: PretrainedTokenizer;
  /** Absent where the checkpoint has none. */
  readonly template: ChatTemplate | undefined;
  /** Its `config.json`, parsed. */
  readonly config: unknown;
  /** The folder that holds it. */
  readonly folder: string;
  /** The commit that the revision stood for, of a checkpoint from the hub. */
  readonly commit: string | undefined;
}

/**
 * Loads the checkpoint in the folder `where`, or of the hub id `where` (`owner/name`).
 * @throws ErrataError `CHECKPOINT_MISSING`, or those of `hubSnapshot`, `loadPretrained`,
 * `loadPeftAdapter` and `loadTokenizer`.
 */
export async function loadCheckpoint(
  where: string,
  options: CheckpointOptions = {},
): Promise<Checkpoint> {
  const { folder, commit } = await locate(where, options);
  if (existsSync(join(folder, "adapter_config.json")) && !existsSync(join(folder, "config.json"))) {
    // A revision is the adapter's, not its base's.
    const base = await loadCheckpoint(await baseOf(folder), { ...options, revision: "main" });
    return { ...base, policy: await loadPeftAdapter(folder, base.policy), folder, commit };
  }
  const { context } = options;
  const policy = await loadPretrained(folder, context === undefined ? {} : { context });
  const tokenizer = await loadTokenizer(folder, options);
  if (tokenizer.size > policy.shape.vocabulary)
    throw new ErrataError(
      `${folder}: a tokenizer of ${tokenizer.size} tokens, a model of ${policy.shape.vocabulary}`,
      {
        code: "CHECKPOINT_TENSORS",
        hint: "the tokenizer is another model's: copy its files again",
      },
    );
  const config = await readJson(join(folder, "config.json"));
  return { policy, tokenizer, template: tokenizer.template, config, folder, commit };
}

async function locate(
  where: string,
  options: CheckpointOptions,
): Promise<{ folder: string; commit: string | undefined }> {
  if (existsSync(where)) return { folder: where, commit: undefined };
  if (isHubId(where)) return hubSnapshot(where, options);
  throw new ErrataError(`there is no checkpoint at ${where}`, {
    code: "CHECKPOINT_MISSING",
    hint: "give the path of a folder with config.json, or a hub id such as HuggingFaceTB/SmolLM2-135M-Instruct",
  });
}

/** The base model that an adapter was trained on. */
async function baseOf(folder: string): Promise<string> {
  const path = join(folder, "adapter_config.json");
  const base = z
    .looseObject({ base_model_name_or_path: z.string().min(1) })
    .safeParse(await readJson(path));
  if (base.success) return base.data.base_model_name_or_path;
  throw new ErrataError(`${path} does not name its base model`, {
    code: "ADAPTER_CONFIG",
    hint: "set base_model_name_or_path to the base model's folder or hub id",
  });
}
