/** Score: verdicts become advantages and charges. */
import { actionSequence } from "../models/model.js";
import { offPolicyWeight } from "./advantage.js";
import { outcomesSeen, type AblateOptions } from "../experts/stand-ins.js";
import type { Corpus } from "../mistakes/corpus/corpus.js";
import type { Engine } from "../engine/engine.js";
import { advantagesOf, type Estimator } from "./estimators.js";
import type { Expert } from "../experts/expert.js";
import type { RolloutSignal, ScoredGroup } from "./sequences.js";
import type { Group, Rollout } from "../play/play.js";
import { Random } from "../util/random.js";
import {
  anneal,
  divergeWeight,
  replication,
  replicationCharge,
  reward,
  type RewardOptions,
} from "./reward.js";
import { meanOf, sumOf } from "../util/statistics/sums.js";

/** How verdicts are scored. */
export interface ScoreSettings {
  readonly advantage: { readonly estimator: Estimator };
  readonly normalisation: "std" | "none";
  readonly reward: RewardOptions;
  readonly ablate: Pick<AblateOptions, "randomReward">;
}

export interface ScoreOptions {
  readonly config: ScoreSettings;
  readonly domain: string;
  readonly corpus: Corpus;
  readonly engine: Engine;
  readonly experts: ReadonlyMap<string, Expert>;
  /** Share of training done, in [0, 1]. */
  readonly progress: number;
  /** Drawn from where `ablate.randomReward` is on. */
  readonly random?: Random;
  /** Added to the reward of right rollouts, in [-0.5, 0] (`contrast.mode: "reward"`). */
  readonly bonus?: ReadonlyMap<Rollout, number>;
}

export interface Scored {
  readonly groups: readonly ScoredGroup[];
  readonly meanReward: number;
  /** Mean charge over wrong rollouts. */
  readonly meanCharge: number;
  /** Share of off-policy weights clipped. */
  readonly clipped: number;
  readonly zeroVariance: number;
}

/**
 * Advantages from outcomes alone, normalised within the group; then, in groups that are all wrong,
 * the charge for repeating a mistake, added after normalisation: inside it, the division by the
 * small deviation of an all-wrong group would blow the charge up.
 */
export async function score(groups: readonly Group[], options: ScoreOptions): Promise<Scored> {
  const { config, domain, corpus, progress, random = Random.from(0, "reward") } = options;
  const likelihood = await expertLikelihoods(groups, options);
  const scored: ScoredGroup[] = [];
  const charges: number[] = [];
  let [rewards, offPolicy, clippedWeights, zeroVariance] = [0, 0, 0, 0];
  for (const group of groups) {
    const valid = group.rollouts.filter((r) => r.failure === undefined);
    const truth = valid.map((r) => Number(r.verdict.correct));
    const outcomes = outcomesSeen(truth, config.ablate, random);
    const share = outcomes.length === 0 ? 0 : meanOf(outcomes);
    const mixed = share > 0 && share < 1; // else tiny bonuses would be all there is to normalise
    const rewarded = outcomes.map((c, i) => c + (mixed ? (options.bonus?.get(valid[i]!) ?? 0) : 0));
    if (share === 0 || share === 1) zeroVariance++;
    const advantages = new Map(
      advantagesOf(config.advantage.estimator, rewarded, valid, config.normalisation).map(
        (a, i) => [valid[i]!, a],
      ),
    );
    const known = corpus.wrongAnswers(domain, group.task.id);
    const knownTotal = [...known.values()].reduce((a, b) => a + b, 0);
    const taskWeight = divergeWeight(known, config.reward.diverge);
    const signals = group.rollouts.map((rollout): RolloutSignal => {
      const advantage = advantages.get(rollout);
      if (advantage === undefined) return { advantage: 0, charge: 0 };
      const { weight, clipped } = offPolicyWeight(rollout);
      if (rollout.offPolicy) offPolicy++;
      if (clipped) clippedWeights++;
      const rho = replication(
        rollout,
        group,
        {
          sameAnswer: knownTotal === 0 ? 0 : (known.get(rollout.verdict.answer) ?? 0) / knownTotal,
          expertLikelihood: likelihood.get(rollout) ?? 0,
        },
        config.reward,
      );
      const charge = replicationCharge(rho, share, progress, config.reward);
      rewards += reward(rollout, charge);
      if (!rollout.verdict.correct) charges.push(charge);
      return { advantage: weight * taskWeight * advantage, charge: weight * charge };
    });
    scored.push({ group, signals });
  }
  const rollouts = groups.reduce((n, g) => n + g.rollouts.length, 0);
  return {
    groups: scored,
    meanReward: rewards / Math.max(1, rollouts),
    meanCharge: sumOf(charges) / Math.max(1, charges.length),
    clipped: clippedWeights / Math.max(1, offPolicy),
    zeroVariance: zeroVariance / Math.max(1, groups.length),
  };
}

/** exp(mean log q) of each wrong rollout's first wrong step under the expert of its signature. */
async function expertLikelihoods(
  groups: readonly Group[],
  { config, engine, experts, progress }: ScoreOptions,
): Promise<Map<Rollout, number>> {
  const likelihood = new Map<Rollout, number>();
  const { penalty, evidence, when, annealUntil } = config.reward;
  const asks = evidence === "weak" || evidence === "both";
  if (!asks || penalty * anneal(progress, annealUntil) === 0) return likelihood;
  const bySignature = new Map<string, Rollout[]>();
  for (const { rollouts } of groups) {
    if (when === "hard" && rollouts.some((r) => r.verdict.correct)) continue;
    for (const rollout of rollouts) {
      const { signature, firstError } = rollout.verdict;
      if (signature === undefined || firstError === undefined || !experts.has(signature)) continue;
      // A step that a teacher or a partner took has no tokens of the student's.
      if (rollout.actions[firstError.step]!.completion.length === 0) continue;
      bySignature.set(signature, [...(bySignature.get(signature) ?? []), rollout]);
    }
  }
  for (const [signature, rollouts] of bySignature) {
    const sequences = rollouts.map((rollout) =>
      actionSequence(rollout.actions[rollout.verdict.firstError!.step]!),
    );
    const logprobs = await engine.logprobs(experts.get(signature)!.policy, sequences);
    let at = 0;
    for (const [i, { targets }] of sequences.entries()) {
      const own = logprobs.subarray(at, (at += targets.length));
      likelihood.set(rollouts[i]!, Math.exp(meanOf(own)));
    }
  }
  return likelihood;
}
