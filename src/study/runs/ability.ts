/**
 * What a student can do, before and after training, beyond one attempt at tasks like those it was trained
 * on: whether training only sharpened what it could do already, and whether it lost what its error got
 * right. Measured on `test` tasks, the same for every run of a domain.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Config } from "../../config/config.js";
import { drawTasks } from "../../play/curriculum.js";
import { playProcedure } from "../../environments/play-procedure.js";
import type { Policy } from "../../engine/engine.js";
import { LocalEngine } from "../../engine/local.js";
import type { ScoredSequence } from "../../engine/engine.js";
import type { Task } from "../../environments/environment.js";
import { sampleTasks } from "../../play/evaluate.js";
import { studentModel, type Player } from "../../play/explore.js";
import { baseStudent, presetFor } from "../../launch/prepare.js";
import type { Preset } from "../../students/presets/presets.js";
import { Random } from "../../util/random.js";
import { readRun } from "../../run/record.js";
import { readJsonAs } from "../../util/read-json.js";
import { replaceFile } from "../../util/replace-file.js";
import { tasksWhere } from "../../assess/transfer.js";

/** Attempts at each task: pass@64. */
export const attempts = 64;

/** Attempts at each inverted task: a mean over tasks that depends little on luck. */
const invertedAttempts = 8;

/** One student's abilities, each in [0, 1]. */
export interface Ability {
  /** Mean accuracy of one attempt. */
  readonly passAt1: number;
  /** Share of tasks solved by any of {@link attempts} attempts: pass@k of arXiv:2107.03374 at k = n. */
  readonly passAt64: number;
  /**
   * Accuracy of one attempt at tasks on which the injected bug gives the right answer; in a domain without
   * such tasks, the mean probability of the right choice where the bug makes it. Null where no bug was
   * injected.
   */
  readonly inverted: number | null;
}

/** A student before and after a run. */
export interface AbilityChange {
  readonly before: Ability;
  readonly after: Ability;
}

const share = z.number().min(0).max(1);
const abilitySchema = z.object({ passAt1: share, passAt64: share, inverted: share.nullable() });
const changeSchema: z.ZodType<AbilityChange> = z.object({
  before: abilitySchema,
  after: abilitySchema,
});

/** Students before training by what they are, so that each is measured once. */
const measuredBefore = new Map<string, Promise<Ability>>();

/**
 * A finished run's abilities before and after, on `count` test tasks each; kept beside the run, and read
 * from there the next time.
 * @throws ErrataError those of `baseStudent` and `readRun`.
 */
export async function measureAbility(folder: string, count: number): Promise<AbilityChange> {
  const path = abilityFile(folder, count);
  if (existsSync(path))
    return readJsonAs(path, changeSchema, `delete ${path}: the abilities are measured again`);
  const { config, checkpoint } = readRun(folder);
  const engine = new LocalEngine(config.engine);
  const preset = await presetFor(config);
  const { base, tokenizer, environment } = await baseStudent(config, engine);
  const player: Player = { engine, environment, tokenizer, config };
  const key = JSON.stringify([count, studentOf(config)]);
  const before = measuredBefore.get(key) ?? abilityOf(player, preset, base, count);
  measuredBefore.set(key, before);
  const trained = await engine.restore(join(checkpoint, "model.safetensors"), { base });
  const change: AbilityChange = {
    before: await before,
    after: await abilityOf(player, preset, trained, count),
  };
  replaceFile(path, `${JSON.stringify(change)}\n`);
  return change;
}

/** Where a run's abilities are kept, once measured. */
export function abilityFile(folder: string, count: number): string {
  return join(folder, `ability-${count}.json`);
}

/** What a student before training depends on: an open model's fresh adapter is drawn from the seed. */
function studentOf({ preset, environment, student, seed }: Config): unknown {
  return [preset, environment, student, student.lora === undefined ? null : seed];
}

/** A policy's abilities on `count` test tasks, and on as many inverted ones. */
export async function abilityOf(
  player: Player,
  preset: Preset,
  policy: Policy,
  count: number,
): Promise<Ability> {
  const { environment } = player;
  const { levels } = preset;
  const tasks = drawTasks(environment, {
    split: "test",
    levels,
    count,
    random: Random.from(0, "ability:tasks"),
  });
  const { accuracy, passAtAll } = await sample(player, policy, tasks, attempts);
  return {
    passAt1: accuracy,
    passAt64: passAtAll,
    inverted: await invertedAccuracy(player, preset, policy, tasks),
  };
}

function sample(player: Player, policy: Policy, tasks: readonly Task[], times: number) {
  return sampleTasks(player.environment, studentModel(player, policy), tasks, {
    attempts: times,
    groupSize: player.config.groupSize,
    random: Random.from(0, "ability:attempts"),
  });
}

/** Inverted tasks by preset and how many were sought: a long search where they are rare. */
const invertedTasks = new Map<string, Promise<Task[]>>();

async function invertedAccuracy(
  player: Player,
  { name, bug, levels }: Preset,
  policy: Policy,
  tasks: readonly Task[],
): Promise<number | null> {
  if (bug === undefined) return null;
  const key = `${name} ${tasks.length}`;
  const drawing =
    invertedTasks.get(key) ??
    tasksWhere(player.environment, {
      procedure: bug,
      errs: false,
      split: "test",
      levels,
      count: tasks.length,
      random: Random.from(0, "ability:inverted"),
    });
  invertedTasks.set(key, drawing);
  const inverted = await drawing;
  return inverted.length > 0
    ? (await sample(player, policy, inverted, invertedAttempts)).accuracy
    : rightChoices(player, bug, policy, tasks);
}

/**
 * Mean probability of the right choice over the states of right solutions at which a choice is to be made and
 * the bug makes it right; null where there is none. Choices are told apart by their first symbol.
 */
async function rightChoices(
  { environment, engine, tokenizer }: Player,
  bug: string,
  policy: Policy,
  tasks: readonly Task[],
): Promise<number | null> {
  const random = Random.from(0, "ability:choices");
  const sequences: ScoredSequence[] = [];
  for (const task of tasks) {
    const { steps } = await playProcedure(environment, task, "correct", random);
    for (const { state, observation, action } of steps) {
      const choices = environment.choices?.(state) ?? [];
      if (choices.length < 2 || !choices.includes(action)) continue;
      if (environment.procedures[bug]!(state, random) !== action) continue;
      const tokens = tokenizer.encode(observation);
      const token = tokenizer.encode(action)[0]!;
      sequences.push({ tokens, targets: [{ position: tokens.length - 1, token }] });
    }
  }
  if (sequences.length === 0) return null;
  const logprobs = await engine.logprobs(policy, sequences);
  return logprobs.reduce((n, l) => n + Math.exp(l), 0) / sequences.length;
}
