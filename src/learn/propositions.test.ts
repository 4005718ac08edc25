/** What the method claims of its reward, checked by enumerating small problems to the end. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { groupAdvantages } from "./advantage.js";
import { trainingSequences } from "./sequences.js";
import type { Rollout } from "../play/play.js";
import { Random } from "../util/random.js";
import {
  defaultReward,
  replication,
  replicationCharge,
  reward,
  type RewardOptions,
} from "./reward.js";
import { attempt, cueTask, cueTokenizer } from "../testing/testing.js";

/** A tabular policy over the actions open at each cue; the gradient is with respect to the logits. */
type Policy = Readonly<Record<string, Readonly<Record<string, number>>>>;
type Gradient = Map<string, number>;

/** d log pi(action | cue) / d logit(cue, other) = 1[action = other] - pi(other | cue), times `scale`. */
function addScore(
  gradient: Gradient,
  policy: Policy,
  cue: string,
  action: string,
  scale: number,
): void {
  for (const [other, p] of Object.entries(policy[cue]!)) {
    const key = `${cue}${other}`;
    gradient.set(key, (gradient.get(key) ?? 0) + scale * (Number(other === action) - p));
  }
}

const norm = (gradient: Gradient): number => Math.hypot(...gradient.values());

function randomPolicy(seed: number): Policy {
  const random = Random.from(seed, "policy");
  const softmax = (actions: string): Record<string, number> => {
    const weights = [...actions].map(() => Math.exp(random.normal()));
    const total = weights.reduce((a, b) => a + b, 0);
    return Object.fromEntries([...actions].map((action, i) => [action, weights[i]! / total]));
  };
  // The right action at `a` is x: without it every attempt at `cda` fails, at its first, second or third step.
  return { c: softmax("xyz"), d: softmax("xyz"), a: softmax("yz") };
}

const task = cueTask("cda");

/** Every attempt at the task with its probability. */
function trajectories(policy: Policy): { actions: string; probability: number }[] {
  let partial = [{ actions: "", probability: 1 }];
  for (const cue of "cda")
    partial = partial.flatMap(({ actions, probability }) =>
      Object.entries(policy[cue]!).map(([action, p]) => ({
        actions: actions + action,
        probability: probability * p,
      })),
    );
  return partial;
}

describe("where every attempt fails (P1)", () => {
  test("no attempt is right, and the first wrong step varies", () => {
    const rollouts = trajectories(randomPolicy(1)).map(({ actions }) => attempt(task, actions));
    expect(rollouts).toHaveLength(18);
    expect(rollouts.some((r) => r.verdict.correct)).toBe(false);
    expect(new Set(rollouts.map((r) => r.verdict.firstError!.step))).toEqual(new Set([0, 1, 2]));
  });

  test("potential-based shaping has no expected policy gradient, whatever the potential", () => {
    for (let seed = 0; seed < 20; seed++) {
      const policy = randomPolicy(seed);
      const random = Random.from(seed, "potential");
      const potential = new Map<string, number>(); // of a state: the actions taken so far; 0 at the end
      for (const { actions } of trajectories(policy))
        for (let t = 0; t < 3; t++) potential.set(actions.slice(0, t), random.normal());
      const gradient: Gradient = new Map();
      let perTrajectory = 0;
      for (const { actions, probability } of trajectories(policy)) {
        const own: Gradient = new Map();
        for (let t = 0; t < 3; t++) {
          let shapedReturn = 0;
          for (let k = t; k < 3; k++)
            shapedReturn +=
              (k === 2 ? 0 : potential.get(actions.slice(0, k + 1))!) -
              potential.get(actions.slice(0, k))!;
          addScore(own, policy, "cda"[t]!, actions[t]!, shapedReturn);
        }
        for (const [key, value] of own)
          gradient.set(key, (gradient.get(key) ?? 0) + probability * value);
        perTrajectory += probability * norm(own);
      }
      expect(perTrajectory).toBeGreaterThan(0.1); // single attempts do move the policy ...
      expect(norm(gradient)).toBeLessThan(1e-12); // ... and all of it cancels
    }
  });

  /** The expected gradient of one step on groups of two, through the code that training uses. */
  function expectedGradient(policy: Policy, options: RewardOptions): Gradient {
    const gradient: Gradient = new Map();
    const all = trajectories(policy).map((t) => ({ ...t, rollout: attempt(task, t.actions) }));
    for (const first of all)
      for (const second of all) {
        const rollouts: Rollout[] = [first.rollout, second.rollout];
        const group = { task, rollouts };
        const advantages = groupAdvantages(rollouts.map((r) => Number(r.verdict.correct)));
        const signals = rollouts.map((rollout, i) => {
          const rho = replication(rollout, group, { sameAnswer: 0, expertLikelihood: 0 }, options);
          return { advantage: advantages[i]!, charge: replicationCharge(rho, 0, 0, options) };
        });
        for (const { tokens, targets } of trainingSequences(
          [{ group, signals }],
          cueTokenizer,
          options.tokens,
        ))
          for (const { token, coefficient } of targets)
            addScore(
              gradient,
              policy,
              cueTokenizer.decode(tokens),
              cueTokenizer.decode([token]),
              first.probability * second.probability * coefficient,
            );
      }
    return gradient;
  }

  test("the charge for repeating a mistake has an expected gradient", () => {
    for (let seed = 0; seed < 3; seed++)
      expect(norm(expectedGradient(randomPolicy(seed), defaultReward))).toBeGreaterThan(0.01);
  });

  test("the charge moves the policy away from the first wrong action that dominates", () => {
    const policy: Policy = {
      c: { x: 0.9, y: 0.08, z: 0.02 },
      d: { x: 0.8, y: 0.15, z: 0.05 },
      a: { y: 0.9, z: 0.1 },
    };
    const gradient = expectedGradient(policy, defaultReward);
    expect(gradient.get("dx")).toBeLessThan(0); // the wrong choice that most attempts make first
    expect(gradient.get("dy")).toBeGreaterThan(0);
  });

  test("without the charge there is no gradient at all", () => {
    const gradient = expectedGradient(randomPolicy(4), { ...defaultReward, penalty: 0 });
    expect(gradient.size).toBe(0);
  });
});

describe("what the charge costs (P2)", () => {
  const count = 5;
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  /** A policy by its probabilities of a right answer and of each of some wrong ones. */
  const policies = fc.array(
    fc
      .array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: count, maxLength: count })
      .map((weights) => {
        const total = weights.reduce((a, b) => a + b, 0);
        return weights.map((w) => w / total);
      }),
    { minLength: 2, maxLength: 6 },
  );
  const rhosOf = fc.array(share, { minLength: count - 1, maxLength: count - 1 });
  const penalties = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const [right, wrong] = [attempt(task, "xyx"), attempt(task, "xyy")];

  /** Expected reward, accuracy J and P(repeat) of a policy. */
  function measures(policy: readonly number[], rhos: readonly number[], penalty: number) {
    const options: RewardOptions = { ...defaultReward, penalty, when: "off" };
    const charge = (i: number): number => replicationCharge(rhos[i]!, 0, 0, options);
    const [c, ...errors] = policy as [number, ...number[]];
    return {
      reward:
        c * reward(right, 0) + errors.reduce((sum, p, i) => sum + p * reward(wrong, charge(i)), 0),
      J: c,
      repeats: errors.reduce((sum, p, i) => sum + p * rhos[i]!, 0),
    };
  }

  const best = <T>(items: readonly T[], value: (item: T) => number): T =>
    items.reduce((a, b) => (value(b) > value(a) ? b : a));

  test("is at most penalty * P(repeat) of accuracy at the optimum", () => {
    fc.assert(
      fc.property(policies, rhosOf, penalties, (all, rhos, penalty) => {
        const measured = all.map((policy) => measures(policy, rhos, penalty));
        const chosen = best(measured, (m) => m.reward);
        const optimal = best(measured, (m) => m.J);
        expect(chosen.J).toBeGreaterThanOrEqual(optimal.J - penalty * optimal.repeats - 1e-12);
      }),
      { numRuns: 1000 },
    );
  });

  test("can be real: a policy that repeats less may be preferred to one that is right more often", () => {
    const measured = [
      [0.5, 0.5, 0, 0, 0],
      [0.45, 0, 0.55, 0, 0],
    ].map((p) => measures(p, [1, 0, 0, 0], 0.5));
    expect(best(measured, (m) => m.reward).J).toBe(0.45);
  });

  test("is nothing where some policy is always right", () => {
    fc.assert(
      fc.property(policies, rhosOf, penalties, (all, rhos, penalty) => {
        const measured = [[1, 0, 0, 0, 0], ...all].map((policy) => measures(policy, rhos, penalty));
        expect(best(measured, (m) => m.reward).J).toBe(1);
      }),
    );
  });
});
