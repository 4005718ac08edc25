/**
 * The optional mechanisms as the training loop calls them: teacher, self-play, contrast. Each
 * returns at once where it is off, draws nothing and changes nothing: a run without it is the same run,
 * bit for bit.
 */
import { contrast, type Contrast, type StepTokens } from "../learn/contrast.js";
import type { TrainingSequence } from "../engine/engine.js";
import { sampler, studentModel } from "../play/explore.js";
import { guide, teacherSignals, type Guided } from "../teacher/guide.js";
import type { ScoredGroup } from "../learn/sequences.js";
import { encodeAction, type Model } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import type { Group } from "../play/play.js";
import type { Random } from "../util/random.js";
import type { Run } from "../run/run.js";
import { selfPlay, type SelfPlayRound } from "../partners/self-play.js";
import type { Setup } from "../run/setup.js";
import type { Example } from "../models/imitate.js";
import { TeacherBudget } from "../teacher/budget.js";
import { pulledGains } from "../teacher/uplift.js";

/** How many of a step's groups self-play takes. */
export function selfPlayGroups({ selfPlay: { share }, tasksPerStep }: Setup["config"]): number {
  return Math.round(share * tasksPerStep);
}

/** The teacher's part in a step's groups, within its budget. */
export async function guideStep(
  run: Run,
  setup: Setup,
  groups: readonly Group[],
  random: Random,
): Promise<Guided> {
  const { teacher, config, environment, tokenizer, engine } = setup;
  const { step, student } = run.state;
  const options = config.teacher;
  const none = { groups, calls: 0, helped: 0, pulled: new Set<Group>() };
  if (teacher === undefined || options.cap === 0) return none;
  const budget = new TeacherBudget(options, config.tasksPerStep, run.state.teacher);
  budget.visit(groups.length, step / config.steps);
  const stuck = run.curriculum.stuck;
  const guided = await run.ledger.charge("teacher", 0, () =>
    guide(
      groups,
      {
        environment,
        tokenizer,
        student: charged(run, studentModel(setup, student)),
        score: (actions) =>
          run.ledger.charge("student", 0, () => engine.logprobs(student, actions)),
        teacher,
        budget,
        stuckVisits: (task) => stuck[task.id] ?? 0,
        random,
      },
      options,
    ),
  );
  run.ledger.addTokens("teacher", budget.state.tokens - run.state.teacher.tokens);
  run.ledger.addRollouts("teacher", config.teacher.form === "kl" ? 0 : guided.calls);
  run.ledger.addRollouts("student", finishedHints(guided.groups));
  budget.settle(guided.calls / Math.max(1, groups.length));
  // With a cap of 1 nothing is rationed, reviewed or retired.
  if (options.cap < 1 && (step + 1) % config.probe.every === 0) {
    await measurePulls(run, setup, budget, random);
    budget.review();
  }
  if (budget.state.retired && !run.state.teacher.retired)
    run.notice({ step, share: budget.share }, "the teacher is retired: it has proved no gain");
  run.set({ teacher: budget.state });
  return guided;
}

/** What `kl` gained since the last review, on fresh attempts. */
async function measurePulls(
  run: Run,
  setup: Setup,
  budget: TeacherBudget,
  random: Random,
): Promise<void> {
  const watched = budget.takeWatched();
  if (watched === undefined) return;
  const { gains, rollouts } = await run.ledger.charge("probe", 0, () =>
    pulledGains(watched, {
      tasks: new Map(setup.pool.map((task) => [task.id, task])),
      attempts: setup.config.probe.attempts,
      sample: sampler(setup, run.state.student),
      random,
    }),
  );
  run.ledger.addRollouts("probe", rollouts);
  for (const gain of gains) budget.record({ tokens: 0, money: 0, gain });
}

/** Signals with the teacher's traces shaped and its pulls added. */
export async function guideSignals(
  run: Run,
  { engine, teacher, config }: Setup,
  scored: readonly ScoredGroup[],
  guided: Guided,
): Promise<readonly ScoredGroup[]> {
  if (teacher === undefined || guided.calls === 0) return scored;
  return run.ledger.charge("teacher", 0, () =>
    teacherSignals(scored, { engine, teacher }, guided.pulled, config.teacher),
  );
}

/** A round against the degraded partner; undefined where self-play is off. */
export async function selfPlayStep(
  run: Run,
  setup: Setup,
  groups: readonly Group[],
  random: Random,
): Promise<SelfPlayRound | undefined> {
  const { config, environment, engine, tokenizer, base } = setup;
  const count = selfPlayGroups(config);
  if (count === 0) return undefined;
  const { student } = run.state;
  const round = await run.ledger.charge("weak", 0, () =>
    selfPlay(
      {
        environment,
        engine,
        tokenizer,
        maxActionSymbols: environment.maxActionSymbols,
        policy: student,
        initial: base,
        student: charged(run, studentModel(setup, student)),
        groups,
        groupSize: config.groupSize,
        count,
        random,
      },
      run.state.selfPlay,
      config.selfPlay,
    ),
  );
  const rollouts = (list: readonly Group[]): number =>
    list.reduce((n, g) => n + g.rollouts.length, 0);
  run.ledger.addRollouts("weak", rollouts(round.partner));
  run.ledger.addRollouts("student", rollouts(round.groups) + rollouts(round.critic));
  run.set({ selfPlay: round.state });
  return round;
}

/** The student as it is called within another's charge: what it computes is its own. */
function charged(run: Run, model: Model): Model {
  return {
    act: (prompts, random) => run.ledger.charge("student", 0, () => model.act(prompts, random)),
  };
}

function finishedHints(groups: readonly Group[]): number {
  return groups.reduce((n, g) => n + g.rollouts.filter((r) => r.guided === "hint").length, 0);
}

/** The contrast of a step's right and first wrong steps. */
export async function contrastStep(
  run: Run,
  setup: Setup,
  groups: readonly Group[],
  random: Random,
): Promise<Contrast | undefined> {
  const { config, engine, base, tokenizer, environment } = setup;
  const { mode, corpusNegatives } = config.contrast;
  if (mode === "off") return undefined;
  const mistakes = run.corpus
    .sample({ domain: environment.name, count: corpusNegatives, step: run.state.step, random })
    .map((mistake) => {
      const step = { ...run.corpus.seenAt(mistake), action: mistake.wrongStep };
      return stepTokens(step, tokenizer, environment.maxActionSymbols);
    });
  const result = await run.ledger.charge("embedding", 0, () =>
    contrast(
      groups,
      {
        engine,
        policy: run.state.student,
        reference: base,
        head: run.state.contrast,
        mistakes,
        random,
      },
      config.contrast,
    ),
  );
  run.set({ contrast: result.head });
  return result;
}

/** A mistake in the tokens the student would use, stop token included: nothing but the step tells it apart. */
export function stepTokens(
  { prompt: observation, messages, action }: Example,
  tokenizer: Tokenizer,
  maxActionSymbols: number,
): StepTokens {
  return {
    prompt: tokenizer.encodePrompt({
      observation,
      ...(messages === undefined ? {} : { messages }),
    }),
    completion: encodeAction(action, tokenizer, maxActionSymbols),
  };
}

/** Sequences of the policy's loss, and of the contrast's where it has any. */
export function withContrast(
  sequences: readonly TrainingSequence[],
  result: Contrast | undefined,
): readonly TrainingSequence[] {
  return result === undefined || sequences.length === 0
    ? sequences
    : [...sequences, ...result.sequences];
}
