/**
 * The optional mechanisms as the training loop calls them: teacher, self-play, contrast. Each
 * returns at once where it is off, draws nothing and changes nothing: a run without it is the same run,
 * bit for bit.
 */
import { contrast, type Contrast, type StepTokens } from "./contrast.js";
import type { Mistake } from "./corpus/mistake.js";
import type { TrainingSequence } from "./engine/engine.js";
import { studentModel } from "./explore.js";
import { guide, teacherSignals, type Guided } from "./guide.js";
import type { ScoredGroup } from "./learn.js";
import type { Tokenizer } from "./models/tokenizer.js";
import type { Group } from "./play.js";
import type { Random } from "./random.js";
import type { Run } from "./run.js";
import { selfPlay, type SelfPlayRound } from "./self-play.js";
import type { Setup } from "./setup.js";
import { TeacherBudget } from "./teacher-budget.js";

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
        engine,
        student: studentModel(setup, student),
        policy: student,
        teacher,
        budget,
        stuckVisits: (task) => stuck[task.id] ?? 0,
        random,
      },
      options,
    ),
  );
  run.ledger.addTokens("teacher", budget.state.tokens - run.state.teacher.tokens);
  budget.settle(guided.calls / Math.max(1, groups.length));
  if ((step + 1) % config.explore.probeEvery === 0) budget.review();
  if (budget.state.retired && !run.state.teacher.retired)
    run.notice({ step, share: budget.share }, "the teacher is retired: it has proved no gain");
  run.set({ teacher: budget.state });
  return guided;
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
        student: studentModel(setup, student),
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
    .map((mistake) => stepTokens(mistake, tokenizer, environment.maxActionSymbols));
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
  { state, wrongStep }: Pick<Mistake, "state" | "wrongStep">,
  tokenizer: Tokenizer,
  maxActionSymbols: number,
): StepTokens {
  const action = tokenizer.encode(wrongStep);
  return {
    prompt: tokenizer.encodePrompt({ observation: state }),
    completion: maxActionSymbols === 1 ? action : [...action, tokenizer.stop],
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
