/** What is measured beside training and never learned from: overlap on validation tasks, distance from the start. */
import { actionSequence } from "../models/model.js";
import { usesMistakes } from "../config/uses.js";
import { drawTasks } from "../play/curriculum.js";
import type { Task } from "../environments/environment.js";
import type { Group } from "../play/play.js";
import { measureOverlap } from "../assess/overlap.js";
import { Random } from "../util/random.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";

/** Attempts of the student at each validation task. */
const overlapAttempts = 4;

/** Rollouts that the distance from the start is measured on. */
const distanceRollouts = 16;

/** The validation tasks that overlap is measured on: the same in every run. */
export function overlapTasks({ environment, preset, config }: Setup): Task[] {
  return drawTasks(environment, {
    split: "validation",
    levels: preset.levels,
    count: config.probe.overlapTasks,
    random: Random.from(0, "overlap"),
  });
}

/** Logs how much the student's errors on validation tasks are those of partners and experts. */
export async function logOverlap(run: Run, setup: Setup, random: Random): Promise<void> {
  const off = setup.config.probe.overlapTasks === 0 || !usesMistakes(setup.config);
  const tasks = off ? [] : overlapTasks(setup);
  const partnerCount = run.partners.names.length;
  if (tasks.length === 0 || (partnerCount === 0 && run.state.experts.size === 0)) return;
  const rollouts = tasks.length * (overlapAttempts + partnerCount);
  const report = await run.ledger.charge("evaluation", rollouts, () =>
    measureOverlap(setup, {
      student: run.state.student,
      partners: run.partners,
      experts: run.state.experts,
      tasks,
      attempts: overlapAttempts,
      random,
    }),
  );
  const partners = Object.entries(report.partners);
  run.log({
    step: run.state.step,
    "overlap/coverage": report.coverage ?? null,
    "overlap/totalVariation": Object.fromEntries(partners.map(([n, p]) => [n, p.totalVariation])),
    "overlap/agreement": Object.fromEntries(
      partners.map(([n, p]) => [n, p.agreement?.mean ?? null]),
    ),
    "overlap/margin": Object.fromEntries(
      Object.entries(report.experts).map(([n, margin]) => [n, margin?.mean ?? null]),
    ),
  });
}

/**
 * Logs the distance of the student from the policy that training started from, on a few of the step's
 * own attempts: mean over their tokens of the k3 estimate r - 1 - log r, r = pi_start / pi
 * (http://joschu.net/blog/kl-approx.html).
 */
export async function logDistance(run: Run, setup: Setup, groups: readonly Group[]): Promise<void> {
  // One that the environment failed on was sampled all the same.
  const own = groups
    .flatMap((g) => g.rollouts.filter((r) => !r.offPolicy && r.guided === undefined).slice(0, 1))
    .slice(0, distanceRollouts);
  const actions = own.flatMap((r) => r.actions).filter((a) => a.completion.length > 0);
  if (actions.length === 0) return;
  const sequences = actions.map(actionSequence);
  const reference = await run.ledger.charge("evaluation", 0, () =>
    setup.engine.logprobs(setup.base, sequences),
  );
  const student = actions.flatMap((a) => a.logprobs);
  const total = student.reduce((sum, logprob, i) => {
    const log = reference[i]! - logprob;
    return sum + Math.exp(log) - 1 - log;
  }, 0);
  run.log({ step: run.state.step, "policy/kl": total / student.length });
}
