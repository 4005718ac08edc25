/** Known mistakes met again: tasks chosen to meet them, what became of them, what they are worth. */
import { confusability, learnability } from "../mistakes/corpus/quality.js";
import type { Mistake } from "../mistakes/corpus/mistake.js";
import type { Task } from "../environments/environment.js";
import { usesMistakes } from "../config/uses.js";
import type { ScoredGroup } from "../learn/sequences.js";
import { isOwn, isOwnOrGuided, type Group } from "../play/play.js";
import type { Random } from "../util/random.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";
import { stepLogprobs } from "../models/imitate.js";
import { meanOf, sumOf } from "../util/statistics/sums.js";

/** Mistakes whose quality is measured anew at a refit: the latest. */
const measuredMistakes = 512;

/** What visits to tasks with known mistakes showed. */
export interface Exposures {
  /** Known mistakes met. */
  readonly met: number;
  /** Of those, made again. */
  readonly replicated: number;
}

/**
 * The tasks of a step: a share `curriculum.replay` of them where the mistakes most worth it were
 * made (quality and staleness; 2% of draws re-test retired ones), the rest by the curriculum.
 */
export function chooseTasks(
  run: Run,
  setup: Setup,
  count: number,
  random: Random,
  replayRandom: Random,
): Task[] {
  const { curriculum } = setup.config;
  const wanted = Math.round(count * curriculum.replay);
  const first = wanted === 0 ? [] : replayTasks(run, setup, wanted, replayRandom);
  if (curriculum.mode !== "learnability" || curriculum.replication === 0)
    return run.curriculum.next(count, random, { first });
  const rates = run.corpus.exposures.ratesByTask(setup.environment.name);
  const replicationRate = ({ id }: Task): number => rates.get(id) ?? 0;
  return run.curriculum.next(count, random, { first, replicationRate });
}

/** Training tasks at which mistakes drawn from the corpus were made. Those of tasks outside the pool give none. */
function replayTasks(
  run: Run,
  { environment, pool }: Setup,
  count: number,
  random: Random,
): Task[] {
  const byId = new Map(pool.map((task) => [task.id, task]));
  const drawn = run.corpus.sample({
    domain: environment.name,
    count: 2 * count, // several mistakes can be of one task
    step: run.state.step,
    random,
  });
  const tasks = new Map<string, Task>();
  for (const { taskId } of drawn) {
    const task = byId.get(taskId);
    if (task !== undefined && tasks.size < count) tasks.set(taskId, task);
  }
  return [...tasks.values()];
}

/** Tells the curriculum how each task of the step went: on-policy successes and mean |A|. */
export function recordVisits(
  run: Run,
  groups: readonly Group[],
  scored: readonly ScoredGroup[],
): void {
  // The first of a task are its own; self-play's, at forks of the same tasks, come after them.
  const signals = new Map(scored.map((s) => [s.group.task, s.signals] as const).toReversed());
  for (const { task, rollouts } of groups) {
    // What a task yields is what the student can do there, also with a hint.
    const own = rollouts.filter(isOwnOrGuided);
    const advantages = (signals.get(task) ?? []).map((s) => Math.abs(s.advantage));
    run.curriculum.record(
      task,
      rollouts.some((r) => r.verdict.correct),
      {
        attempts: own.length,
        right: own.filter((r) => r.verdict.correct).length,
        advantage: sumOf(advantages) / Math.max(1, advantages.length),
      },
    );
  }
}

/**
 * Records for every known mistake of the tasks just played whether the student made it again: an
 * on-policy attempt took the same wrong step in the same state, or gave the same wrong answer. To be
 * called before this step's own mistakes are remembered, or every one would replicate itself.
 */
export function recordExposures(
  run: Run,
  { environment }: Setup,
  groups: readonly Group[],
): Exposures {
  let [met, replicated] = [0, 0];
  for (const { task, rollouts } of groups) {
    // Whether a mistake is made again shows only where nobody led the student past it.
    const own = rollouts.filter(isOwn);
    if (own.length === 0) continue;
    const wrong = own.filter((r) => !r.verdict.correct);
    const answers = new Set(wrong.map((r) => r.verdict.answer));
    const steps = new Set(
      wrong.flatMap(({ verdict: { firstError }, steps: taken }) => {
        const at = firstError === undefined ? undefined : taken[firstError.step];
        return at === undefined ? [] : [JSON.stringify([at.observation, at.action])];
      }),
    );
    for (const known of run.corpus.exposures.knownAt(environment.name, task.id)) {
      const again =
        steps.has(JSON.stringify([known.state, known.wrongStep])) ||
        [...known.answers].some((answer) => answers.has(answer));
      run.corpus.exposures.record(known.id, again, run.state.step);
      met++;
      replicated += Number(again);
    }
  }
  return { met, replicated };
}

/**
 * Brings Conf and Learn of every mistake up to date. Conf is measured for the latest, from the expert
 * of a mistake's signature and the student (both mean log-probs a token); where it is not, it is the
 * mean of its signature's, else of all: 1 would rank what nobody has measured, noise above all, over
 * everything that was. Learn comes from the task's recent success rate. Off by `corpus.quality`.
 */
export async function refreshQuality(run: Run, setup: Setup): Promise<void> {
  const { environment, config } = setup;
  if (!config.corpus.quality || !usesMistakes(config)) return;
  const mistakes = run.corpus
    .list({ domain: environment.name, limit: 2 * config.corpus.capacity })
    .sort((a, b) => b.lastStep - a.lastStep || a.id - b.id);
  const latest = mistakes.slice(0, measuredMistakes);
  const measured = await run.ledger.charge("expert", 0, () => tempted(run, setup, latest));
  const values = new Map<string, number[]>();
  for (const { id, signature } of latest) {
    const value = measured.get(id);
    if (value !== undefined) values.set(signature, [...(values.get(signature) ?? []), value]);
  }
  const usual = mean([...values.values()].flat()) ?? 1;
  const bySignature = new Map([...values].map(([name, own]) => [name, mean(own)!]));
  for (const { id, taskId, level, signature } of mistakes)
    run.corpus.updateQuality(id, {
      confusability: measured.get(id) ?? bySignature.get(signature) ?? usual,
      learnability: learnability(run.curriculum.successRate({ id: taskId, level })),
    });
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : meanOf(values);
}

/** Confusability by mistake, where its signature has an expert and its right step is known. */
async function tempted(
  run: Run,
  setup: Setup,
  mistakes: readonly Mistake[],
): Promise<Map<number, number>> {
  const { experts, student } = run.state;
  const measured = new Map<number, number>();
  for (const [signature, expert] of experts) {
    const own = mistakes.filter((m) => m.signature === signature && m.correctStep !== undefined);
    if (own.length === 0) continue;
    const seen = own.map((m) => run.corpus.seenAt(m));
    const wrong = await stepLogprobs(
      setup,
      expert.policy,
      own.map((m, i) => ({ ...seen[i]!, action: m.wrongStep })),
    );
    const right = await stepLogprobs(
      setup,
      student,
      own.map((m, i) => ({ ...seen[i]!, action: m.correctStep! })),
    );
    for (const [i, { id }] of own.entries()) measured.set(id, confusability(wrong[i]!, right[i]!));
  }
  return measured;
}
