/**
 * Overlap: how much the student's errors are those that weak models make, on validation tasks only.
 *
 * Four measures (s an error signature):
 *
 *     coverage          C = sum_s P_student(s) [an expert for s exists]
 *     total variation   O = sum_s min(P_weak(s), P_student(s))
 *     error agreement   kappa_err = (agreement of wrong answers, both wrong - u) / (1 - u)
 *     contrast margin   M = mean over the student's first wrong steps of log q(wrong) - log q(right)
 *
 * C and M are the predictors of whether an expert helps; M > 0 is the condition under which steering
 * away from q favours the right step.
 */
import {
  errorAgreement,
  signatureShares,
  totalVariationOverlap,
  type SignatureShares,
} from "../mistakes/agreement.js";
import type { Policy } from "../engine/engine.js";
import type { Task } from "../environments/environment.js";
import { studentModel } from "../play/explore.js";
import { playPartners, type Partners } from "../partners/partner.js";
import { type Group, inGroups, play, repeat, type Rollout } from "../play/play.js";
import type { Random } from "../util/random.js";
import { traceStep } from "../mistakes/candidate.js";
import type { Setup } from "../run/setup.js";
import { bootstrap, meanInterval, type Interval } from "../util/statistics/intervals.js";
import { stepLogprobs, type Example } from "../models/imitate.js";
import { sumOf } from "../util/statistics/sums.js";

/** The measures, with 95% bootstrap intervals over tasks; absent where there was nothing to measure. */
export interface OverlapReport {
  readonly tasks: number;
  /** The student's errors by signature. */
  readonly errors: SignatureShares;
  /** C, with experts of the signatures in `known`. */
  readonly coverage: Interval | undefined;
  /** By partner: O, kappa_err, and M of the partner itself. */
  readonly partners: Readonly<
    Record<
      string,
      {
        readonly totalVariation: number;
        readonly agreement: Interval | undefined;
        readonly margin: Interval | undefined;
      }
    >
  >;
  /** By expert: M. */
  readonly experts: Readonly<Record<string, Interval | undefined>>;
}

/** A first wrong step of the student, with what was seen and its right alternative. */
interface WrongStep {
  readonly seen: Omit<Example, "action">;
  readonly wrong: string;
  readonly right: string;
}

/**
 * Measures overlap of a student with `partners` and with `experts` on `tasks`, which must not be of the
 * `test` split: `attempts` of the student at each, one of each partner.
 */
export async function measureOverlap(
  setup: Setup,
  options: {
    readonly student: Policy;
    readonly partners: Partners;
    readonly experts: ReadonlyMap<string, { readonly policy: Policy }>;
    readonly tasks: readonly Task[];
    readonly attempts: number;
    readonly random: Random;
    /** Signatures that count as covered; default those of `experts`. */
    readonly known?: ReadonlySet<string>;
  },
): Promise<OverlapReport> {
  const { student, partners, experts, tasks, attempts, random } = options;
  const validation = tasks.filter((task) => task.split !== "test");
  const repeated = repeat(validation, attempts);
  const own = inGroups(
    await play(setup.environment, studentModel(setup, student), repeated, random),
    attempts,
  );
  const played = await playPartners({ ...setup, partners }, partners.names, validation, random);
  return overlapOf(setup, {
    own,
    played,
    partners,
    experts,
    known: options.known ?? new Set(experts.keys()),
  });
}

/** The measures from attempts already played: `own` the student's, `played` those of `partners` at the same tasks. */
export async function overlapOf(
  setup: Setup,
  options: {
    readonly own: readonly Group[];
    readonly partners: Partners;
    readonly played: readonly { readonly source: string; readonly groups: readonly Group[] }[];
    readonly experts: ReadonlyMap<string, { readonly policy: Policy }>;
    readonly known: ReadonlySet<string>;
  },
): Promise<OverlapReport> {
  const { own, partners, played, experts, known } = options;
  const errors = signatureShares(own.flatMap((g) => g.rollouts));
  const covered = own
    .map((g) => g.rollouts.filter((r) => !r.verdict.correct && r.failure === undefined))
    .map((wrong) => wrong.map((r) => Number(known.has(r.verdict.signature ?? ""))));
  const steps = firstWrongSteps(own);
  const marginOf = async (policy: Policy): Promise<Interval | undefined> => {
    const wrong = await stepLogprobs(
      setup,
      policy,
      steps.flat().map(({ seen, wrong: action }) => ({ ...seen, action })),
    );
    const right = await stepLogprobs(
      setup,
      policy,
      steps.flat().map(({ seen, right: action }) => ({ ...seen, action })),
    );
    let at = 0;
    return clusteredMean(steps.map((own) => own.map(() => wrong[at]! - right[at++]!)));
  };
  const byPartner: Record<string, OverlapReport["partners"][string]> = {};
  for (const { source, groups } of played) {
    const name = source.replace(/^weak:/, "");
    const policy = partners.policy(name);
    byPartner[name] = {
      totalVariation: totalVariationOverlap(
        signatureShares(groups.flatMap((g) => g.rollouts)),
        errors,
      ),
      agreement: agreementInterval(own, groups),
      margin: policy === undefined ? undefined : await marginOf(policy),
    };
  }
  const byExpert: Record<string, Interval | undefined> = {};
  for (const [name, { policy }] of experts) byExpert[name] = await marginOf(policy);
  return {
    tasks: own.length,
    errors,
    // Weighted by errors, as C is: a task with more wrong attempts counts more.
    coverage: clusteredMean(covered),
    partners: byPartner,
    experts: byExpert,
  };
}

/**
 * Mean of all values with a bootstrap 95% interval over clusters: values of one task are alike, so
 * tasks are resampled, not values. Undefined without values.
 */
export function clusteredMean(clusters: readonly (readonly number[])[]): Interval | undefined {
  const filled = clusters.filter((values) => values.length > 0);
  if (filled.length === 0) return undefined;
  const sums = filled.map((values) => sumOf(values));
  const { mean, low, high } = bootstrap(filled.length, (indices) => {
    let [total, count] = [0, 0];
    for (const i of indices) {
      total += sums[i]!;
      count += filled[i]!.length;
    }
    return total / count;
  });
  return { mean, low, high };
}

function agreementInterval(own: readonly Group[], other: readonly Group[]): Interval | undefined {
  const theirs = new Map(other.map((g) => [g.task.id, g.rollouts]));
  const agreement = own.flatMap(({ task, rollouts }) => {
    const wrong = (list: readonly Rollout[]): string[] =>
      list
        .filter((r) => !r.verdict.correct && r.failure === undefined && r.verdict.answer !== "")
        .map((r) => r.verdict.answer);
    const [a, b] = [wrong(rollouts), wrong(theirs.get(task.id) ?? [])];
    const kappa = errorAgreement(a.flatMap((x) => b.map((y) => [x, y] as const)));
    return kappa === undefined ? [] : [kappa];
  });
  return agreement.length === 0 ? undefined : meanInterval(agreement);
}

/** By task. */
function firstWrongSteps(groups: readonly Group[]): WrongStep[][] {
  return groups.map(({ rollouts }) =>
    rollouts.flatMap(({ verdict: { firstError }, steps, failure }): WrongStep[] => {
      const at = firstError === undefined ? undefined : steps[firstError.step];
      const right = firstError?.expected;
      if (at === undefined || right === undefined || failure !== undefined) return [];
      const { action: wrong, ...seen } = traceStep(at);
      return [{ seen, wrong, right }];
    }),
  );
}

/** The measures as lines of text. */
export function overlapLines(report: OverlapReport): string[] {
  const show = (of: Interval | undefined): string =>
    of === undefined ? "-" : `${of.mean.toFixed(2)} [${of.low.toFixed(2)}, ${of.high.toFixed(2)}]`;
  return [
    `overlap on ${report.tasks} validation tasks: coverage ${show(report.coverage)}`,
    ...Object.entries(report.partners).map(
      ([name, { totalVariation, agreement, margin }]) =>
        `  ${name}: signatures in common ${totalVariation.toFixed(2)}, kappa of wrong answers ${show(agreement)}, contrast margin ${show(margin)} nats`,
    ),
    ...Object.entries(report.experts).map(
      ([name, margin]) => `  expert ${name}: contrast margin ${show(margin)} nats`,
    ),
  ];
}
