/** Which error experts exist and which of them steers: fitted on schedule, used once proven. */
import { usesExperts } from "../config/uses.js";
import { randomExpert, shuffledActions } from "../experts/stand-ins.js";
import { UNRECOGNISED } from "../mistakes/corpus/mistake.js";
import type { Policy } from "../engine/engine.js";
import type { Task } from "../environments/environment.js";
import { partnerSource, steeringPartner, steersByExpert } from "../play/forms.js";
import { noPartner } from "../partners/partner.js";
import { expertShape, fitExpert } from "../experts/expert.js";
import { racingSources, races } from "./race.js";
import { sampler, type GroupSteering } from "../play/explore.js";
import { signatureShares } from "../mistakes/agreement.js";
import { namesByClusters } from "../mistakes/candidate.js";
import { probe } from "../experts/probe.js";
import type { Random } from "../util/random.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";

/** What leads a step's stuck groups away from known mistakes. */
export function steeringFor(run: Run, setup: Setup, random: Random): GroupSteering {
  if (races(setup)) return racingSources(run, setup, random);
  return {
    expertFor: expertsFor(run, setup, random),
    nameOf: (expert) => nameOf(run, setup, expert),
    wrongAnswersOf: (task) => wrongAnswersOf(run, setup, task),
  };
}

/** The signature an expert was fitted to; `past-self`, or `stand-in` for what replaces experts in an ablation. */
function nameOf({ state: { experts }, partners }: Run, { base }: Setup, expert: Policy): string {
  for (const { signature, policy } of experts.values()) if (policy === expert) return signature;
  for (const name of partners.names)
    if (partners.policy(name) === expert) return partnerSource(name);
  return expert === base ? "past-self" : "stand-in";
}

/**
 * The expert that steers a stuck task, if one has proven uplift (or is set by name). The `past-self` is
 * the student before training: log mu = log pi - alpha log pi_0 leads away from what it used to do, its
 * errors among that, and nothing is fitted (after play against a past self, arXiv:2401.01335). A weak
 * partner can steer as it is (small anti-experts, arXiv:2105.03023, without their fit).
 */
function expertsFor(
  { state: { experts, committed, student }, partners }: Run,
  { config: { ablate, explore, seed }, engine, base }: Setup,
  random: Random,
): GroupSteering["expertFor"] {
  const { form, steerBy } = explore;
  const always = (policy: Policy) => (): Policy => policy;
  if (!steersByExpert(form)) return () => undefined;
  if (ablate.expert === "student") return always(student);
  if (ablate.expert === "random") return always(randomExpert(engine, base, seed));
  if (steerBy === "past-self") return always(base);
  const weak = steeringPartner(steerBy);
  if (weak !== undefined) return always(partners.policy(weak) ?? noPartner(weak, partners));
  if (experts.size === 0) return () => undefined;
  if (steerBy === "random") return () => random.pick([...experts.values()]).policy;
  return ({ level }) =>
    experts.get(steerBy === "probe" ? (committed.get(level) ?? "") : steerBy)?.policy;
}

/** Most answers of others that a negative hint names: half of what it has room for. */
const mostOthers = 2;

/**
 * What partners behind a URL answered wrong at a task, what recurred most first: for negative hints.
 * The last action of each attempt, as for the student's own.
 */
function wrongAnswersOf(run: Run, { config, environment }: Setup, task: Task): readonly string[] {
  const { remote } = run.partners;
  if (config.explore.form !== "negative-hint" || remote.size === 0) return [];
  const sources = [...remote.keys()].map((name) => `weak:${name}`);
  const traces = run.corpus.tracesAt(environment.name, task.id, sources);
  return [...new Set(traces.map(({ trace }) => trace.at(-1)?.action ?? ""))].slice(0, mostOthers);
}

/**
 * Of these signatures, those that make up `expert.minimumShare` or more of what the student gets wrong now:
 * steering away from what it never does cannot help, and fitting is what steering costs most.
 */
async function overlapping(
  run: Run,
  setup: Setup,
  signatures: readonly string[],
  random: Random,
): Promise<ReadonlySet<string>> {
  const { config, pool } = setup;
  const { minimumShare } = config.expert;
  const probing = config.probe;
  const unnamed =
    !config.corpus.perSignature || namesByClusters(config.corpus.signatures, setup.environment);
  if (minimumShare === 0 || signatures.length < 2 || config.explore.steerBy !== "probe" || unnamed)
    return new Set(signatures);
  const tasks = random.shuffle(pool).slice(0, probing.tasks);
  run.ledger.addRollouts("probe", tasks.length * probing.attempts);
  const groups = await run.ledger.charge("probe", 0, () =>
    sampler(setup, run.state.student)(tasks, probing.attempts, random),
  );
  // As much as avoiding each mistake could repair: what has no name counts among all.
  const { [UNRECOGNISED]: _, ...shares } = signatureShares(groups.flatMap((g) => g.rollouts));
  run.log({ step: run.state.step, "expert/overlap": shares });
  return new Set(signatures.filter((name) => (shares[name] ?? 0) >= minimumShare));
}

/**
 * One expert for each signature with enough attempts that the student's own mistakes overlap
 * ({@link overlapping}); never pooled, but for the ablation. Those of
 * `revised` signatures are fitted from nothing, or dropped: what a person has revoked must not live
 * on in their weights.
 */
export async function refitExperts(
  run: Run,
  setup: Setup,
  random: Random,
  revised: ReadonlySet<string> = new Set(),
): Promise<void> {
  const { config, environment, engine, tokenizer } = setup;
  if (!usesExperts(config)) return;
  const { expert: settings, corpus } = config;
  const filter = {
    minSameAnswers: corpus.recurrence,
    requireHuman: corpus.human === "required",
  };
  const counts = run.corpus.traceCount(environment.name, filter);
  const total = [...counts.values()].reduce((a, b) => a + b, 0);
  const wanted = corpus.perSignature
    ? [...counts].filter(([name]) => name !== UNRECOGNISED && !config.probe.leaveOut.includes(name))
    : ([["pooled", total]] as const);
  const stale = new Set(corpus.perSignature || revised.size === 0 ? revised : ["pooled"]);
  for (const name of stale)
    if ((new Map(wanted).get(name) ?? 0) < settings.minimumTraces) run.removeExpert(name);
  const enough = wanted.filter(([, count]) => count >= settings.minimumTraces);
  const worth = await overlapping(
    run,
    setup,
    enough.map(([name]) => name),
    random,
  );
  for (const [signature] of enough) {
    if (!worth.has(signature)) {
      if (stale.has(signature)) run.removeExpert(signature);
      continue;
    }
    const traces = run.corpus
      .tracesForExpert(environment.name, corpus.perSignature ? signature : undefined, {
        ...filter,
        limit: settings.maximumTraces,
      })
      .map((t) => t.trace);
    const shown = config.ablate.shuffleWeak ? shuffledActions(traces, random) : traces;
    const expert = await run.ledger.charge("expert", 0, () =>
      fitExpert(
        engine,
        {
          signature,
          traces: shown,
          shape: expertShape(run.state.student.shape),
          student: run.state.student,
          tokenizer,
          maxActionSymbols: environment.maxActionSymbols,
          previous: stale.has(signature) ? undefined : run.state.experts.get(signature),
          step: run.state.step,
          random,
        },
        settings,
      ),
    );
    run.setExpert(expert);
  }
  const { steerBy } = config.explore;
  if (steerBy !== "probe" && steerBy !== "random" && !run.state.experts.has(steerBy))
    run.notice(
      { steerBy, experts: [...run.state.experts.keys()] },
      "explore.steerBy names no expert",
    );
}

/** Measures each expert's uplift per level on fresh samples and commits the best, or none. */
export async function probeExperts(run: Run, setup: Setup, random: Random): Promise<void> {
  const { config, preset, pool } = setup;
  const { experts, student, step } = run.state;
  if (!usesExperts(config) || config.explore.steerBy !== "probe" || experts.size === 0) return;
  const samplers = new Map(
    [...experts].map(([name, expert]) => [name, sampler(setup, student, expert.policy)]),
  );
  for (const level of preset.levels) {
    const tasks = random
      .shuffle(pool.filter((t) => t.level === level))
      .slice(0, config.probe.tasks);
    const result = await run.ledger.charge("probe", 0, () =>
      probe(sampler(setup, student), samplers, tasks, config.probe.attempts, random, config.probe),
    );
    run.ledger.addRollouts("probe", result.rollouts);
    // Too few hard tasks measure nothing: what was proven stays.
    if (result.uplifts.length > 0) run.commitExpert(level, result.committed);
    run.log({
      step,
      "probe/level": level,
      "probe/hard": result.hard,
      "probe/committed": run.state.committed.get(level) ?? null,
      "probe/uplift": Object.fromEntries(
        result.uplifts.map(({ signature, mean, lower }) => [signature, { mean, lower }]),
      ),
    });
  }
}
