/** What can be taken away: the student of a run, or a checkpoint, with what it reads and writes. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import type { Config } from "../config/config.js";
import { mergeAdapter } from "../engine/adapter.js";
import { loadPolicy } from "../engine/files/checkpoint.js";
import type { Policy } from "../engine/engine.js";
import type { Environment, Lexicon } from "../environments/environment.js";
import { presetFor } from "../launch/prepare.js";
import { loadCheckpoint, type Checkpoint } from "../models/load-checkpoint.js";
import { LexiconTokenizer } from "../models/tokenizer.js";
import type { PretrainedTokenizer } from "../models/pretrained-tokenizer.js";
import { readRun, type RunRecord } from "../run/record.js";
import { wholeFile } from "../run/recover.js";
import { readSeconds } from "../run/seconds.js";
import { sumOf } from "../util/statistics/sums.js";

/** The words of a model: symbols of a from-scratch one, or the text of a pretrained one. */
export type Words =
  | { readonly kind: "symbols"; readonly lexicon: Lexicon; readonly tokenizer: LexiconTokenizer }
  | {
      readonly kind: "text";
      readonly tokenizer: PretrainedTokenizer;
      /** The folders with the tokenizer's files, an adapter's before its base's; the last has `config.json`. */
      readonly folders: readonly string[];
      /** Hub id or folder of the model that was trained, and its revision. */
      readonly base: string;
      readonly revision: string;
    };

/** Where a run's student came from. */
export interface TakenRun {
  /** The run's folder. */
  readonly folder: string;
  readonly record: RunRecord;
  readonly config: Config;
  readonly environment: Environment;
  /** The levels it was trained on. */
  readonly levels: readonly string[];
  readonly step: number;
  /** Seconds of work, over all roles and sittings. */
  readonly seconds: number;
}

/** A model that can be exported, served or talked to. */
export interface Taken {
  readonly name: string;
  readonly policy: Policy;
  readonly words: Words;
  /** Absent for a checkpoint. */
  readonly run?: TakenRun;
}

/**
 * The student of the run in `folder`, as of its last checkpoint.
 * @throws ErrataError those of `readRun`, `presetFor`, `loadCheckpoint` and `loadPolicy`.
 */
export async function takeRun(folder: string): Promise<Taken> {
  const record = readRun(folder);
  const { config, checkpoint } = record;
  const file = await wholeFile(checkpoint, "model.safetensors");
  const preset = await presetFor({ ...config, user: { ...config.user, source: "scripted" } });
  const environment = (preset.playedIn ?? preset.environment)();
  const { maxTokens, context, revision, checkpoint: base } = config.student;
  const run: TakenRun = {
    folder,
    record,
    config,
    environment:
      maxTokens === undefined ? environment : { ...environment, maxActionSymbols: maxTokens },
    levels: preset.levels,
    step: Number(/\d+$/.exec(checkpoint)?.[0]),
    seconds: sumOf(Object.values(readSeconds(folder))),
  };
  const name = basename(folder);
  if (base === undefined) {
    const words = symbolWords(environment.lexicon!);
    return { name, policy: await loadPolicy(file), words, run };
  }
  const loaded = await loadCheckpoint(base, {
    revision,
    ...(context === undefined ? {} : { context }),
  });
  const policy = await loadPolicy(file, { base: mergeAdapter(loaded.policy) });
  return { name, policy, words: wordsOf(base, revision, loaded), run };
}

/**
 * The model in the folder `where`, or of the hub id `where`.
 * @throws ErrataError those of `loadCheckpoint`.
 */
export async function takeCheckpoint(where: string): Promise<Taken> {
  const loaded = await loadCheckpoint(where);
  const { policy } = loaded;
  return { name: basename(where), policy, words: wordsOf(where, "main", loaded) };
}

function wordsOf(base: string, revision: string, loaded: Checkpoint): Words {
  const { tokenizer, lexicon, folder, baseFolder, commit = revision } = loaded;
  if (lexicon !== undefined) return symbolWords(lexicon);
  return {
    kind: "text",
    tokenizer: tokenizer as PretrainedTokenizer,
    folders: [...new Set([folder, baseFolder])],
    base,
    revision: commit,
  };
}

const symbolWords = (lexicon: Lexicon): Words => ({
  kind: "symbols",
  lexicon,
  tokenizer: new LexiconTokenizer(lexicon),
});

/** The file `name` of a text model's tokenizer or configuration, where it has one. */
export function wordsFile(
  { folders }: Extract<Words, { kind: "text" }>,
  name: string,
): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
