/** Whose mistakes are collected, and when: before the first step, and as training goes. */
import { usesMistakes } from "./config.js";
import { studentModel } from "./explore.js";
import { partnerAttempts, playPartners } from "./partner.js";
import { inGroups, play, type Group } from "./play.js";
import type { Random } from "./random.js";
import { remember, type Admissions } from "./remember.js";
import type { Run } from "./run.js";
import type { Setup } from "./setup.js";
import type { Task } from "./environments/environment.js";

/** Tasks that a player attempts in one round of the warm-up. */
const tasksPerRound = 64;

/** Rounds after which a player that makes too few recurring mistakes is left alone. */
const mostRounds = 40;

/** Attempts of the student at one task of the warm-up: those of a group. */
const studentAttempts = 8;

/**
 * Collects recurring mistakes before the first step, so that experts exist from the start: of each
 * weak partner or, without any, of the student itself.
 */
export async function warmUp(run: Run, setup: Setup, random: Random): Promise<void> {
  const { corpus, explore } = setup.config;
  if (!usesMistakes(setup.config)) return;
  const partners = corpus.sources === "student" ? [] : [...setup.partners.keys()];
  for (const name of partners)
    await collectUntilEnough(run, setup, `weak:${name}`, random, async (tasks) => {
      const [played] = await run.ledger.charge("weak", tasks.length * partnerAttempts, () =>
        playPartners(setup, [name], tasks, random),
      );
      return played!.groups;
    });
  if (partners.length > 0 || corpus.sources === "weak" || explore.form === "none") return;
  await collectUntilEnough(run, setup, "student", random, async (tasks) => {
    const repeated = tasks.flatMap((task) => new Array<Task>(studentAttempts).fill(task));
    const model = studentModel(setup, run.state.student);
    const rollouts = await run.ledger.charge("expert", repeated.length, () =>
      play(setup.environment, model, repeated, random),
    );
    return inGroups(rollouts, studentAttempts);
  });
}

async function collectUntilEnough(
  run: Run,
  setup: Setup,
  source: string,
  random: Random,
  attempt: (tasks: readonly Task[]) => Promise<readonly Group[]>,
): Promise<void> {
  const { corpus, partners } = setup.config;
  for (let round = 0; round < mostRounds; round++) {
    const groups = await attempt(run.curriculum.next(tasksPerRound, random));
    await rememberFrom(run, setup, source, groups);
    const counts = run.corpus.traceCount(setup.environment.name, {
      minSameAnswers: corpus.recurrence,
      sources: [source],
    });
    if ([...counts.values()].reduce((a, b) => a + b, 0) >= partners.warmUpTraces) return;
  }
}

/**
 * After a step: the student's mistakes on the tasks that stayed unsolved, and now and then those of
 * the weak partners on the same tasks. Nothing where nothing would use them.
 */
export async function collectMistakes(
  run: Run,
  setup: Setup,
  unsolved: readonly Group[],
  random: Random,
): Promise<Admissions> {
  const { corpus, partners } = setup.config;
  const total = { admitted: 0, merged: 0, rejected: 0 };
  if (!usesMistakes(setup.config)) return total;
  const add = (more: Admissions): void => {
    total.admitted += more.admitted;
    total.merged += more.merged;
    total.rejected += more.rejected;
  };
  if (corpus.sources !== "weak") add(await rememberFrom(run, setup, "student", unsolved));
  const names = corpus.sources === "student" ? [] : [...setup.partners.keys()];
  if (run.state.step % partners.every !== 0 || unsolved.length === 0 || names.length === 0)
    return total;
  const tasks = unsolved.map((g) => g.task);
  const played = await run.ledger.charge(
    "weak",
    tasks.length * partnerAttempts * names.length,
    () => playPartners(setup, names, tasks, random),
  );
  for (const { source, groups } of played) add(await rememberFrom(run, setup, source, groups));
  return total;
}

async function rememberFrom(
  run: Run,
  { environment, engine, base }: Setup,
  source: string,
  groups: readonly Group[],
): Promise<Admissions> {
  return run.ledger.charge("expert", 0, () =>
    remember(groups, {
      corpus: run.corpus,
      environment,
      engine,
      embedder: base,
      source,
      step: run.state.step,
    }),
  );
}
