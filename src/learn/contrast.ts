/**
 * Contrast: embeddings of right steps are pushed away from those of first wrong steps.
 *
 * An anchor is a right step at a fork: a state at which another rollout took its first wrong step.
 * Its positives are other right steps (of the same state where there are any, else of the same
 * task); its negatives the first wrong steps at its state, and some from the corpus, never more than
 * the student's own. Steps before a first error are right; steps after it are ignored, for they
 * answer to a spoilt state.
 *
 * Modes: `full` trains the student through the gradient of its hidden states; `head` trains only the
 * projection (corpus embedding and error detector); `reward` also lowers the reward of right rollouts
 * whose steps look like mistakes (CLIPO, arXiv:2603.10101); `logprob` contrasts log-probs instead of
 * embeddings (NCA, arXiv:2402.05369), for engines without hidden states.
 */
import { z } from "zod";
import { actionSequence } from "../models/model.js";
import type { Engine, Policy, TrainingSequence } from "../engine/engine.js";
import {
  contrastiveLoss,
  effectiveRank,
  newHead,
  observe,
  updateHead,
  type Anchor,
  type ContrastHead,
} from "./contrast-head.js";
import type { Group, Rollout } from "../play/play.js";
import { amount, count, countOrNone, positive, type Options } from "../util/options.js";
import type { Random } from "../util/random.js";
import { meanOf } from "../util/statistics/sums.js";

/** The keys `contrast.*`. */
export const contrastSchema = z.strictObject({
  mode: z
    .enum(["full", "head", "reward", "logprob", "off"])
    .default("off")
    .describe("What the contrast of right and first wrong steps trains."),
  weight: amount.default(0.05).describe("Weight of the loss beside the policy's, lambda_c."),
  temperature: positive.default(0.1).describe("Temperature of the contrastive loss, tau."),
  size: count.default(64).describe("Width of the step embeddings, K."),
  headLearningRate: positive.default(1e-3).describe("Learning rate of the projection."),
  corpusNegatives: countOrNone
    .default(32)
    .describe("Most mistakes of the corpus among a batch's negatives."),
});

/** How steps are contrasted. */
export type ContrastOptions = Options<typeof contrastSchema>;

/** A step as a model sees it. */
export interface StepTokens {
  readonly prompt: readonly number[];
  readonly completion: readonly number[];
}

/** A labelled step of this batch. */
export interface LabelledStep extends StepTokens {
  readonly correct: boolean;
  readonly task: string;
  /** Steps taken in the same state have the same. */
  readonly state: string;
  /** The rollouts that took it. */
  readonly rollouts: readonly Rollout[];
}

/** What contrast adds to one training step. */
export interface Contrast {
  readonly head: ContrastHead | undefined;
  /** What the engine trains on besides the policy's sequences. */
  readonly sequences: readonly TrainingSequence[];
  /** Added to the reward of right rollouts, at most 0 (`reward`). */
  readonly bonus: ReadonlyMap<Rollout, number>;
  readonly loss: number;
  readonly anchors: number;
  /** P(a right step scores above the first wrong step of the same state); undefined without pairs. */
  readonly auc: number | undefined;
  /** Of the embeddings, between 1 and K. */
  readonly rank: number;
  /** Why the student and its rewards were left alone, where they were; the head learns on wherever there are anchors. */
  readonly stopped?: "no anchors" | "separated" | "collapsed";
}

const nothing: Contrast = {
  head: undefined,
  sequences: [],
  bonus: new Map(),
  loss: 0,
  anchors: 0,
  auc: undefined,
  rank: 0,
};

/** Most steps of a batch that are embedded. */
const mostSteps = 256;

/** Fewest pairs on which the detector's AUC may stop the loss. */
const fewestPairs = 8;

/** Where a step is separated well enough to leave it alone, and where the embeddings have collapsed. */
const separatedAt = 0.95;
const collapsedBelow = 8;

/** CLIPO's weight of the loss in the reward, and the largest reduction. */
const rewardWeight = 0.2;
const rewardFloor = -0.5;

/** NCA's beta. */
const beta = 2;

/** The labelled steps of groups in which some rollout took a first wrong step that can be trusted. */
export function labelledSteps(groups: readonly Group[]): LabelledStep[] {
  const steps = new Map<string, LabelledStep & { rollouts: Rollout[] }>();
  for (const { rollouts } of groups) {
    const usable = rollouts.filter((r) => r.failure === undefined && r.guided === undefined);
    for (const rollout of usable) {
      const { correct, firstError } = rollout.verdict;
      if (!correct && (firstError === undefined || firstError.evidence === "heuristic")) continue;
      const last = correct ? rollout.actions.length - 1 : firstError!.step;
      for (let i = 0; i <= last; i++) {
        const { prompt, completion } = rollout.actions[i]!;
        if (completion.length === 0) continue;
        const right = correct || i < last;
        const state = prompt.join(",");
        const key = `${right}|${state}|${completion.join(",")}`;
        const known = steps.get(key);
        if (known !== undefined) known.rollouts.push(rollout);
        else
          steps.set(key, {
            prompt,
            completion,
            correct: right,
            task: rollout.task.id,
            state,
            rollouts: [rollout],
          });
      }
    }
  }
  const all = [...steps.values()];
  // A step can be right in one context and wrong in another only where the state hides something.
  const wrong = new Set(
    all.filter((s) => !s.correct).map((s) => `${s.state}|${s.completion.join(",")}`),
  );
  return all.filter((s) => !s.correct || !wrong.has(`${s.state}|${s.completion.join(",")}`));
}

/** Anchors among `steps`, the `extra` embeddings after them being mistakes of the corpus. */
export function anchorsOf(steps: readonly LabelledStep[], extra: number): Anchor[] {
  const indices = (holds: (s: LabelledStep) => boolean): number[] =>
    steps.flatMap((s, i) => (holds(s) ? [i] : []));
  const foreign = Array.from({ length: extra }, (_, i) => steps.length + i);
  return steps.flatMap((step, anchor): Anchor[] => {
    if (!step.correct) return [];
    const own = indices((s) => !s.correct && s.state === step.state);
    if (own.length === 0) return [];
    const right = indices((s) => s.correct && s !== step && s.task === step.task);
    const here = right.filter((i) => steps[i]!.state === step.state);
    const positives = here.length > 0 ? here : right;
    if (positives.length === 0) return [];
    return [{ anchor, positives, negatives: [...own, ...foreign.slice(0, own.length)] }];
  });
}

/** What {@link contrast} works on. */
export interface ContrastInput {
  readonly engine: Engine;
  readonly policy: Policy;
  /** Log-probs under it anchor NCA. */
  readonly reference: Policy;
  readonly head: ContrastHead | undefined;
  /** Mistakes of the corpus. */
  readonly mistakes: readonly StepTokens[];
  readonly random: Random;
}

/** One batch's contrast. Costs one forward pass over at most 256 steps, two in mode `logprob`. */
export async function contrast(
  groups: readonly Group[],
  { engine, policy, reference, head, mistakes, random }: ContrastInput,
  options: ContrastOptions,
): Promise<Contrast> {
  if (options.mode === "off") return nothing;
  const all = labelledSteps(groups);
  const forks = new Set(all.filter((s) => !s.correct).map((s) => s.task));
  const steps = all.filter((s) => forks.has(s.task)).slice(0, mostSteps);
  if (options.mode === "logprob") return logprobContrast(steps, engine, policy, reference, options);
  const foreign = mistakes.slice(0, options.corpusNegatives);
  const anchors = anchorsOf(steps, foreign.length);
  if (anchors.length === 0)
    return { ...nothing, head, ...(steps.length === 0 ? {} : { stopped: "no anchors" as const }) };
  const spans = [...steps, ...foreign].map(({ prompt, completion }) => {
    const tokens = [...prompt, ...completion].slice(0, policy.shape.context);
    return { tokens, start: Math.min(prompt.length, tokens.length - 1), end: tokens.length };
  });
  const hidden = await engine.embed(policy, spans);
  const current = observe(head ?? newHead(policy.shape.width, options.size, random), hidden);
  const result = contrastiveLoss(current, hidden, anchors, options.temperature);
  const pairs = stylePairs(steps);
  const auc = detectorAuc(steps, result.embeddings, pairs);
  const rank = effectiveRank(result.embeddings);
  const learned = updateHead(current, result.projectionGradient, options.headLearningRate);
  const measured = { head: learned, loss: result.loss, anchors: anchors.length, auc, rank };
  const stopped =
    pairs.length >= fewestPairs && auc !== undefined && auc > separatedAt
      ? "separated"
      : rank < collapsedBelow && spans.length >= 4 * collapsedBelow
        ? "collapsed"
        : undefined;
  if (stopped !== undefined) return { ...nothing, ...measured, stopped };
  return {
    ...nothing,
    ...measured,
    ...(options.mode === "full"
      ? {
          sequences: spans.map(({ tokens, start, end }, i) => ({
            tokens,
            targets: [],
            hidden: [
              { start, end, gradient: result.hiddenGradients[i]!.map((g) => g * options.weight) },
            ],
          })),
        }
      : {}),
    ...(options.mode === "reward" ? { bonus: rewardBonus(steps, anchors, result.losses) } : {}),
  };
}

/** -min(0.5, 0.2 mean loss) of the anchors of each right rollout. */
function rewardBonus(
  steps: readonly LabelledStep[],
  anchors: readonly Anchor[],
  losses: readonly number[],
): Map<Rollout, number> {
  const own = new Map<Rollout, number[]>();
  anchors.forEach(({ anchor }, i) => {
    for (const rollout of steps[anchor]!.rollouts)
      if (rollout.verdict.correct) own.set(rollout, [...(own.get(rollout) ?? []), losses[i]!]);
  });
  return new Map(
    [...own].map(([rollout, values]) => {
      const mean = meanOf(values);
      return [rollout, Math.max(rewardFloor, -rewardWeight * mean)];
    }),
  );
}

/** Right and first wrong steps taken in the same state: they differ in the step alone. */
function stylePairs(steps: readonly LabelledStep[]): [right: number, wrong: number][] {
  return steps.flatMap((right, i) =>
    right.correct
      ? steps.flatMap((wrong, j): [number, number][] =>
          !wrong.correct && wrong.state === right.state ? [[i, j]] : [],
        )
      : [],
  );
}

/**
 * AUC of the embeddings as a detector of wrong steps on style-matched pairs: a step's score is its
 * mean cosine with right steps of other tasks minus that with wrong ones.
 */
function detectorAuc(
  steps: readonly LabelledStep[],
  z: readonly Float32Array[],
  pairs: readonly (readonly [number, number])[],
): number | undefined {
  const score = (i: number): number => {
    const mean = (correct: boolean): number => {
      let [total, count] = [0, 0];
      steps.forEach((s, j) => {
        if (s.correct !== correct || s.task === steps[i]!.task) return;
        total += z[i]!.reduce((a, v, k) => a + v * z[j]![k]!, 0);
        count++;
      });
      return count === 0 ? 0 : total / count;
    };
    return mean(true) - mean(false);
  };
  if (pairs.length === 0) return undefined;
  const scores = new Map<number, number>();
  for (const i of new Set(pairs.flat())) scores.set(i, score(i));
  const wins = pairs.map(([right, wrong]) => {
    const [a, b] = [scores.get(right)!, scores.get(wrong)!];
    return a > b ? 1 : a === b ? 0.5 : 0;
  });
  return wins.reduce((a: number, b) => a + b, 0) / wins.length;
}

/**
 * NCA on pairs of a right and a first wrong step of one state, r = mean log pi - mean log pi_ref over
 * a step's tokens:
 *
 *     L = -log s(b r_w) - 1/2 log s(-b r_w) - 1/2 log s(-b r_l),  b = 2
 *
 * The absolute terms keep both likelihoods from falling together.
 */
async function logprobContrast(
  steps: readonly LabelledStep[],
  engine: Engine,
  policy: Policy,
  reference: Policy,
  { weight }: ContrastOptions,
): Promise<Contrast> {
  const pairs = stylePairs(steps);
  if (pairs.length === 0) return nothing;
  const used = [...new Set(pairs.flat())];
  const sequences = used.map((i) => actionSequence(steps[i]!));
  const [now, before] = await Promise.all([
    engine.logprobs(policy, sequences),
    engine.logprobs(reference, sequences),
  ]);
  const ratio = new Map<number, number>();
  const logprobs: number[][] = [];
  let at = 0;
  used.forEach((step, i) => {
    const count = sequences[i]!.targets.length;
    const own = Array.from(now.subarray(at, at + count));
    logprobs.push(own);
    ratio.set(
      step,
      own.reduce((a, l, t) => a + (l - before[at + t]!) / count, 0),
    );
    at += count;
  });
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
  const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const slope = new Map<number, number>();
  let loss = 0;
  for (const [right, wrong] of pairs) {
    const [w, l] = [beta * ratio.get(right)!, beta * ratio.get(wrong)!];
    loss += (softplus(-w) + 0.5 * softplus(w) + 0.5 * softplus(l)) / pairs.length;
    const share = beta / pairs.length;
    slope.set(right, (slope.get(right) ?? 0) + share * (-sigmoid(-w) + 0.5 * sigmoid(w)));
    slope.set(wrong, (slope.get(wrong) ?? 0) + share * 0.5 * sigmoid(l));
  }
  const separated = pairs.filter(([right, wrong]) => ratio.get(right)! > ratio.get(wrong)!).length;
  return {
    ...nothing,
    loss,
    anchors: pairs.length,
    auc: separated / pairs.length,
    sequences: sequences.map(({ tokens, targets }, i) => ({
      tokens,
      targets: targets.map((target, t) => ({
        ...target,
        component: "policy" as const,
        coefficient: (-weight * slope.get(used[i]!)!) / targets.length,
        logprob: logprobs[i]![t]!,
      })),
    })),
  };
}
