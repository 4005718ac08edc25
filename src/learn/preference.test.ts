import { expect, test } from "vitest";
import { cloneSequences } from "./clone.js";
import { newOptimizer } from "../engine/local-policies.js";
import { LocalEngine } from "../engine/local.js";
import type { Action } from "../models/model.js";
import type { Group, Rollout } from "../play/play.js";
import { preferenceSequences } from "./preference.js";
import { Random } from "../util/random.js";

const engine = new LocalEngine();
const shape = {
  vocabulary: 6,
  width: 8,
  layers: 1,
  heads: 2,
  keyValueHeads: 2,
  headWidth: 4,
  feedForward: 16,
  context: 8,
  tied: false,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
};
const student = engine.initialise(shape, Random.from(1, "student"));
const reference = engine.initialise(shape, Random.from(2, "reference"));

const action = (prompt: readonly number[], completion: readonly number[]): Action => ({
  text: "",
  prompt,
  completion,
  logprobs: completion.map(() => 0),
  behaviourLogprobs: completion.map(() => 0),
});
const rollout = (actions: readonly Action[], more: Partial<Rollout> = {}): Rollout =>
  ({ actions, verdict: {}, offPolicy: false, ...more }) as unknown as Rollout;

const pairs = [
  {
    preferred: rollout([action([1, 2], [3, 0]), action([1, 2, 3], [4])]),
    rejected: rollout([action([1, 2], [5, 5])]),
  },
  { preferred: rollout([action([2], [2])]), rejected: rollout([action([2], [3, 3, 3])]) },
];

/** log pi of a whole attempt. */
async function total(policy: typeof student, { actions }: Rollout): Promise<number> {
  const logprobs = await engine.logprobs(
    policy,
    actions.map(({ prompt, completion }) => ({
      tokens: [...prompt, ...completion.slice(0, -1)],
      targets: completion.map((token, t) => ({ position: prompt.length - 1 + t, token })),
    })),
  );
  return logprobs.reduce((a, b) => a + b, 0);
}

/** Mean of -log sigmoid(0.1 ((l_w - l_w0) - (l_r - l_r0))), arXiv:2305.18290 eq. 7. */
async function loss(policy: typeof student): Promise<number> {
  let sum = 0;
  for (const { preferred, rejected } of pairs) {
    const gain = async (r: Rollout): Promise<number> =>
      (await total(policy, r)) - (await total(reference, r));
    sum += Math.log1p(Math.exp(-0.1 * ((await gain(preferred)) - (await gain(rejected)))));
  }
  return sum / pairs.length;
}

test("the coefficients are DPO's gradient with respect to each attempt's log-probability", async () => {
  const sequences = await preferenceSequences(engine, student, reference, pairs);
  expect(sequences.map((s) => s.targets.length)).toEqual([2, 1, 2, 1, 3]);
  const margin = async ({ preferred, rejected }: (typeof pairs)[number]): Promise<number> =>
    (await total(student, preferred)) -
    (await total(reference, preferred)) -
    (await total(student, rejected)) +
    (await total(reference, rejected));
  const weight = 0.1 / (1 + Math.exp(0.1 * (await margin(pairs[0]!)))) / 2;
  for (const [i, sign] of [1, 1, -1].entries())
    for (const target of sequences[i]!.targets)
      expect(target.coefficient).toBeCloseTo(sign * weight, 6);
  // The engine takes `logprob` for the sampler's: the policy ratio must start at 1.
  const own = await engine.logprobs(student, sequences);
  const stated = sequences.flatMap((s) => s.targets.map((t) => t.logprob));
  stated.forEach((l, i) => expect(l).toBeCloseTo(own[i]!, 6));
});

test("steps along them lower DPO's loss", async () => {
  let [policy, optimizer] = [student, newOptimizer(student)];
  const before = await loss(policy);
  for (let step = 0; step < 5; step++) {
    const sequences = await preferenceSequences(engine, policy, reference, pairs);
    ({ policy, optimizer } = await engine.trainStep(policy, optimizer, sequences, {
      learningRate: 1e-2,
    }));
  }
  expect(await loss(policy)).toBeLessThan(before - 0.01);
});

test("no pairs, nothing to learn", async () => {
  expect(await preferenceSequences(engine, student, reference, [])).toEqual([]);
});

test("cloning imitates the teacher's traces alone", () => {
  const trace = rollout([action([1], [2, 0])], { guided: "trace" });
  const group = { task: {}, rollouts: [rollout([action([1], [3, 0])]), trace] } as unknown as Group;
  expect(cloneSequences([group, group])).toEqual(
    [0, 1].map(() => ({
      tokens: [1, 2],
      targets: [2, 0].map((token, t) => ({
        position: t,
        token,
        component: "crossEntropy",
        coefficient: 0.5,
        logprob: 0,
      })),
    })),
  );
  expect(cloneSequences([{ ...group, rollouts: [group.rollouts[0]!] }])).toEqual([]);
});
