/** Whose mistakes are collected, and when: before the first step, and as training goes. */
import { steersUnfitted } from "../play/forms.js";
import { usesExperts, usesMistakes } from "../config/uses.js";
import { studentModel } from "../play/explore.js";
import { partnerAttempts, playPartners, unreadable } from "../partners/partner.js";
import { type Group, inGroups, isOwn, play, repeat } from "../play/play.js";
import type { Random } from "../util/random.js";
import { UNRECOGNISED } from "../mistakes/corpus/mistake.js";
import { worthShares, type PartnerWorth } from "../mistakes/corpus/partner-worth.js";
import { errorAgreement } from "../mistakes/agreement.js";
import { namesByClusters } from "../mistakes/candidate.js";
import { remember, type Admissions } from "../mistakes/remember.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";
import type { Task } from "../environments/environment.js";
import { ErrataError } from "../util/error.js";
import { meanOf } from "../util/statistics/sums.js";

/** What a step's mistakes became, and what each partner is worth where that decides who is asked. */
export interface Collected extends Admissions {
  readonly partners?: readonly PartnerWorth[];
}

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
  const { config } = setup;
  if (!usesMistakes(config) || steersUnfitted(config.explore.steerBy)) return;
  const { sources } = config.corpus;
  const partners = sources === "student" ? [] : run.partners.names;
  for (const name of partners.filter((n) => shareOf(setup, n) > 0))
    await warmUpPartner(run, setup, name, random);
  if (partners.length > 0 || sources === "weak" || !usesExperts(config)) return;
  await collectUntilEnough(run, setup, "student", random, async (tasks) => {
    const repeated = repeat(tasks, studentAttempts);
    const model = studentModel(setup, run.state.student);
    const rollouts = await run.ledger.charge("expert", repeated.length, () =>
      play(setup.environment, model, repeated, random),
    );
    return inGroups(rollouts, studentAttempts);
  });
}

/** Collects recurring mistakes of one weak partner, until there are enough for its experts. */
export async function warmUpPartner(
  run: Run,
  setup: Setup,
  name: string,
  random: Random,
): Promise<void> {
  const players = { ...setup, partners: run.partners };
  const attempt = async (tasks: readonly Task[]): Promise<readonly Group[]> => {
    const [played] = await run.ledger.charge("weak", tasks.length * partnerAttempts, () =>
      playPartners(players, [name], tasks, random),
    );
    const { groups } = played!;
    if (groups.length > 0 && tellUnreadable(run, name, groups) === groups.length * partnerAttempts)
      throw new ErrataError(`partner "${name}": ${unreadable}, in ${tasks.length} tasks`, {
        code: "PARTNER_UNREADABLE",
        hint: "take a student with a tokenizer of its own (student.checkpoint), or leave the partner out",
      });
    return groups;
  };
  await collectUntilEnough(run, setup, `weak:${name}`, random, attempt, shareOf(setup, name));
}

async function collectUntilEnough(
  run: Run,
  setup: Setup,
  source: string,
  random: Random,
  attempt: (tasks: readonly Task[]) => Promise<readonly Group[]>,
  share: number = 1,
): Promise<void> {
  const { corpus, partners, expert } = setup.config;
  for (let round = 0; round < mostRounds; round++) {
    const groups = await attempt(run.curriculum.next(tasksPerRound, random));
    if (groups.length === 0) return; // may not be asked any more
    await rememberFrom(run, setup, source, groups);
    const counts = run.corpus.traceCount(setup.environment.name, {
      minSameAnswers: corpus.recurrence,
      sources: [source],
    });
    if (isEnough(counts, partners.warmUpTraces * share, expert.minimumTraces)) return;
  }
}

/**
 * Whether a player's recurring mistakes suffice: `wanted` in all, and `minimum`, what an expert needs,
 * of every signature that makes up a quarter of them or more (unless fewer are wanted in all).
 */
export function isEnough(
  counts: ReadonlyMap<string, number>,
  wanted: number,
  minimum: number,
): boolean {
  const total = [...counts.values()].reduce((a, b) => a + b, 0);
  if (total < wanted || wanted < minimum) return total >= wanted;
  return [...counts].every(
    ([name, count]) => name === UNRECOGNISED || count >= minimum || count < total / 4,
  );
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
): Promise<Collected> {
  const { corpus, partners } = setup.config;
  const total = { admitted: 0, merged: 0, rejected: 0 };
  if (!usesMistakes(setup.config)) return total;
  const add = (more: Admissions): void => {
    total.admitted += more.admitted;
    total.merged += more.merged;
    total.rejected += more.rejected;
  };
  if (corpus.sources !== "weak") add(await rememberFrom(run, setup, "student", unsolved));
  const names = corpus.sources === "student" ? [] : run.partners.names;
  if (run.state.step % partners.every !== 0 || unsolved.length === 0 || names.length === 0)
    return total;
  const tasks = unsolved.map((g) => g.task);
  const rationed = partners.shares !== undefined;
  const values = partners.collection === "worth" ? partnerValues(run, setup) : undefined;
  for (const name of names) {
    const most = values === undefined ? tasks : budgeted(values, name, tasks, names.length, random);
    const own = rationed ? most.filter(() => random.uniform() < shareOf(setup, name)) : most;
    if (own.length === 0) continue;
    const [played] = await run.ledger.charge("weak", own.length * partnerAttempts, () =>
      playPartners({ ...setup, partners: run.partners }, [name], own, random),
    );
    tellUnreadable(run, name, played!.groups);
    add(await rememberFrom(run, setup, played!.source, played!.groups));
  }
  return values === undefined ? total : { ...total, partners: values };
}

/**
 * What each partner is worth for collecting: how much of the student's latest errors it covers beyond
 * the others, for its cost in weights relative to the mean (which one behind a URL is taken to have).
 */
function partnerValues(run: Run, { config, environment, engine }: Setup): PartnerWorth[] {
  const { names } = run.partners;
  const sizes = names.map((name) => {
    const policy = run.partners.policy(name);
    return policy === undefined ? undefined : engine.parameters(policy);
  });
  const known = sizes.filter((size) => size !== undefined);
  const mean = known.length === 0 ? 1 : meanOf(known);
  const weights = sizes.map((size) => size ?? mean);
  const sources = names.map((name) => `weak:${name}`);
  const similar = run.corpus.similarities(environment.name, sources);
  const answers = new Map(
    sources.map((source) => [source, run.corpus.modalAnswers(environment.name, source)]),
  );
  const agreement = (a: string, b: string): number => {
    const theirs = answers.get(b)!;
    const both = [...answers.get(a)!].flatMap(([task, answer]) => {
      const other = theirs.get(task);
      return other === undefined ? [] : [[answer, other] as const];
    });
    return errorAgreement(both) ?? 0;
  };
  const models = sources.map((source, i) => ({
    source,
    cost: weights[i]! / mean,
    similarity: similar.get(source)!,
  }));
  return worthShares(models, agreement, { redundancy: config.partners.redundancy });
}

/** The tasks that a partner's share of the budget pays for: the budget is as if all played everything. */
function budgeted(
  values: readonly PartnerWorth[],
  name: string,
  tasks: readonly Task[],
  partners: number,
  random: Random,
): readonly Task[] {
  const share = values.find((value) => value.source === `weak:${name}`)?.share ?? 0;
  const count = Math.min(tasks.length, Math.round(share * partners * tasks.length));
  return random.shuffle(tasks).slice(0, count);
}

/**
 * Holds back mistakes behind answers that at least 70% of the student's attempts at a task and two
 * weak models agree on; returns how many. A trusted label stands, unless a second checker of the
 * environment accepts the attempt (or `corpus.quarantine` is `all`).
 */
export async function quarantineSuspects(
  run: Run,
  { config, environment }: Setup,
  groups: readonly Group[],
): Promise<number> {
  const { quarantine } = config.corpus;
  if (quarantine === "off" || !usesMistakes(config)) return 0;
  let held = 0;
  for (const { task, rollouts } of groups) {
    const own = rollouts.filter(isOwn);
    const wrong = own.filter((r) => !r.verdict.correct && r.verdict.answer !== "");
    for (const answer of new Set(wrong.map((r) => r.verdict.answer))) {
      const same = wrong.filter((r) => r.verdict.answer === answer);
      const suspicion = {
        domain: environment.name,
        taskId: task.id,
        answer,
        share: same.length / own.length,
        trustedToo: quarantine === "all",
      };
      if (!run.corpus.isSuspect(suspicion)) continue;
      const accepted = (await environment.recheck?.(task, same[0]!.steps)) ?? false;
      held += run.corpus.quarantine({
        ...suspicion,
        trustedToo: suspicion.trustedToo || accepted,
      });
    }
  }
  return held;
}

/** How many of a partner's attempts nothing can be learned from, for want of tokens; the run's log says so. */
function tellUnreadable(run: Run, name: string, groups: readonly Group[]): number {
  const rollouts = groups.flatMap((g) => g.rollouts);
  const count = rollouts.filter((r) => r.failure === unreadable).length;
  if (count > 0)
    run.notice({ partner: name, attempts: rollouts.length, unreadable: count }, unreadable);
  return count;
}

/** Share of the usual number of mistakes collected from a partner, in [0, 1]. */
function shareOf({ config }: Setup, name: string): number {
  return config.partners.shares?.[name] ?? 1;
}

/** Puts the wrong attempts of `source` before the corpus. */
export async function rememberFrom(
  run: Run,
  { environment, engine, base, config }: Setup,
  source: string,
  groups: readonly Group[],
): Promise<Admissions> {
  return run.ledger.charge("embedding", 0, () =>
    remember(groups, {
      corpus: run.corpus,
      environment,
      engine,
      embedder: base,
      source,
      step: run.state.step,
      clusters: namesByClusters(config.corpus.signatures, environment),
    }),
  );
}
