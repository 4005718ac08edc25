/** Models to export, with 20 prompts each: shared by tests and by scripts/golden/export.js. Not part of the package. */
import { join } from "node:path";
import { LocalEngine } from "../engine/local.js";
import { loadPeftAdapter } from "../engine/files/peft.js";
import type { Environment } from "../environments/environment.js";
import { playProcedure } from "../environments/play-procedure.js";
import { presetModel } from "../students/models.js";
import { presetNamed } from "../students/presets/presets.js";
import { LexiconTokenizer } from "../models/tokenizer.js";
import { Random } from "../util/random.js";
import { takeCheckpoint, type Taken } from "./source.js";

/** A model and texts that it reads. */
export interface GoldenModel {
  readonly taken: Taken;
  readonly prompts: readonly string[];
}

export const goldenFolder: string = join(import.meta.dirname, "golden");

const families = join(import.meta.dirname, "..", "engine", "golden", "families");
const count = 20;

const texts = [
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
];

/** Names of {@link goldenModel}. */
export const goldenNames = [
  "arithmetic",
  "proof",
  "support",
  "llama",
  "llama-adapter",
  "smollm2",
  "qwen2",
  "qwen3",
] as const;
export type GoldenName = (typeof goldenNames)[number];

/** A preset's base student, a tiny random model of a family, or one with an adapter of PEFT's. */
export async function goldenModel(name: GoldenName): Promise<GoldenModel> {
  if (name === "arithmetic" || name === "proof" || name === "support") return fromPreset(name);
  const taken = await takeCheckpoint(join(families, name.replace("-adapter", "")));
  if (name !== "llama-adapter") return { taken: { ...taken, name }, prompts: texts };
  const policy = await loadPeftAdapter(join(families, "llama", "adapter"), taken.policy);
  return { taken: { ...taken, name, policy }, prompts: texts };
}

async function fromPreset(name: string): Promise<GoldenModel> {
  const preset = presetNamed(name);
  const environment = preset.environment();
  const policy = await presetModel(preset, "student", preset.student, new LocalEngine());
  const lexicon = environment.lexicon!;
  return {
    taken: {
      name,
      policy,
      words: { kind: "symbols", lexicon, tokenizer: new LexiconTokenizer(lexicon) },
    },
    prompts: await observations(environment, preset.levels),
  };
}

/** The first observations that right solutions meet, each with the action taken there. */
async function observations(
  environment: Environment,
  levels: readonly string[],
): Promise<string[]> {
  const random = Random.from(0, "export");
  const found = new Set<string>();
  while (found.size < count) {
    const level = random.pick(levels);
    const task = environment.draw({ split: "test", level, random });
    const { steps } = await playProcedure(environment, task, "correct", random);
    const { observation, action } = random.pick(steps);
    found.add([observation, action].join(environment.lexicon!.separator));
  }
  return [...found];
}
