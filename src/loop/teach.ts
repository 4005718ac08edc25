/** The teacher's part in a step. Without a teacher it draws nothing and changes nothing: the run is the same, byte for byte. */
import type { ScoredGroup } from "../learn/sequences.js";
import { sampler, studentModel } from "../play/explore.js";
import type { Group } from "../play/play.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";
import { TeacherBudget, type TeacherBudgetState } from "../teacher/budget.js";
import { guide, teacherSignals, type Guided } from "../teacher/guide.js";
import { pulledGains } from "../teacher/uplift.js";
import type { Random } from "../util/random.js";
import { charged } from "./charged.js";

/** One step's groups after the teacher had its say, and what its budget is from here on. */
export interface Taught extends Guided {
  readonly spent: TeacherBudgetState;
}

/** The teacher's part in a step's groups, within its budget. */
export async function teach(
  run: Run,
  setup: Setup,
  groups: readonly Group[],
  random: Random,
): Promise<Taught> {
  const { teacher, config, environment, tokenizer, engine } = setup;
  const { step, student } = run.state;
  const options = config.teacher;
  const before = run.state.teacher;
  if (teacher === undefined || options.cap === 0)
    return { groups, calls: 0, helped: 0, pulled: new Set(), spent: before };
  const budget = new TeacherBudget(options, config.tasksPerStep, before);
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
  run.ledger.addTokens("teacher", budget.state.tokens - before.tokens);
  run.ledger.addRollouts("teacher", config.teacher.form === "kl" ? 0 : guided.calls);
  run.ledger.addRollouts("student", finishedHints(guided.groups));
  budget.settle(guided.calls / Math.max(1, groups.length));
  // With a cap of 1 nothing is rationed, reviewed or retired.
  if (options.cap < 1 && (step + 1) % config.probe.every === 0) {
    await measurePulls(run, setup, budget, random);
    budget.review();
  }
  if (budget.state.retired && !before.retired)
    run.notice({ step, share: budget.share }, "the teacher is retired: it has proved no gain");
  return { ...guided, spent: budget.state };
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
export async function taughtSignals(
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

function finishedHints(groups: readonly Group[]): number {
  return groups.reduce((n, g) => n + g.rollouts.filter((r) => r.guided === "hint").length, 0);
}
