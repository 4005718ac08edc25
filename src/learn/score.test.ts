import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConfigInput } from "../config/config.js";
import { parseConfig } from "../config/parse.js";
import { Corpus } from "../mistakes/corpus/corpus.js";
import { LocalEngine } from "../engine/local.js";
import type { Environment } from "../environments/environment.js";
import type { Expert } from "../experts/expert.js";
import { trainingSequences } from "./sequences.js";
import type { Group } from "../play/play.js";
import { remember } from "../mistakes/remember.js";
import { score, type Scored, type ScoreOptions } from "./score.js";
import {
  attempt,
  cuePolicy,
  cues,
  cueTask,
  cueTokenizer,
  groupOf,
  regardless,
  rightWith,
} from "../testing/testing.js";

const engine = new LocalEngine();

/** Knows that two of three wrong answers to `abcd` were `zzzz` and one was `zzzx`. */
let corpus: Corpus;
beforeAll(async () => {
  corpus = Corpus.open(":memory:");
  await remember([groupOf("abcd", ["zzzz", "zzzz", "zzzx"])], {
    corpus,
    environment: cues as Environment,
    engine,
    embedder: cuePolicy(rightWith(0.5)),
    source: "weak:noise",
    step: 0,
  });
});
afterAll(() => corpus.close());

function scoreOf(
  groups: readonly Group[],
  config: ConfigInput = {},
  options: Partial<ScoreOptions> = {},
): Promise<Scored> {
  return score(groups, {
    config: parseConfig(config),
    domain: "cues",
    corpus,
    engine,
    experts: new Map(),
    progress: 0,
    ...options,
  });
}

const signalsOf = (scored: Scored) => scored.groups.flatMap((g) => g.signals);

describe("the signals of a group", () => {
  const actions = fc.string({
    unit: fc.constantFrom("x", "y", "z", "a"),
    minLength: 4,
    maxLength: 4,
  });
  const anyGroup = fc
    .array(
      fc.record({
        answer: fc.oneof(fc.constant("xyxy"), actions),
        offPolicy: fc.boolean(),
        behaviourLogprob: fc.double({ min: -6, max: 0, noNaN: true }),
      }),
      { minLength: 1, maxLength: 8 },
    )
    .map((attempts): Group => {
      const task = cueTask("abcd");
      return {
        task,
        rollouts: attempts.map(({ answer, ...options }) => attempt(task, answer, options)),
      };
    });
  const anyReward = fc.record({
    penalty: fc.double({ min: 0, max: 0.99, noNaN: true }),
    when: fc.constantFrom("hard" as const, "soft" as const, "off" as const),
    evidence: fc.constantFrom("weak" as const, "self" as const, "both" as const, "none" as const),
    diverge: fc.double({ min: 0, max: 2, noNaN: true }),
  });

  test("never charge a right rollout, and never favour a wrong one, under any setting", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyGroup,
        anyReward,
        fc.constantFrom("std" as const, "none" as const),
        async (group, reward, normalisation) => {
          const signals = signalsOf(await scoreOf([group], { reward, normalisation }));
          const correct = group.rollouts.map((r) => r.verdict.correct);
          for (const [i, { advantage, charge }] of signals.entries()) {
            if (correct[i]) {
              expect(charge + 0).toBe(0);
              expect(advantage).toBeGreaterThanOrEqual(0);
              if (correct.includes(false)) expect(advantage).toBeGreaterThan(0);
            } else {
              expect(advantage + charge).toBeLessThanOrEqual(0);
              expect(charge).toBeGreaterThanOrEqual(-reward.penalty);
            }
          }
        },
      ),
    );
  });

  test("are zeros in a group that is all right, and in one all wrong without evidence of a repeat", async () => {
    const groups = [groupOf("abcd", ["xyxy", "xyxy"]), groupOf("abcd", ["zzzz", "zzzx"])];
    for (const config of [{ reward: { evidence: "none" } }, { reward: { penalty: 0 } }] as const) {
      const scored = await scoreOf(groups, config);
      for (const { advantage, charge } of signalsOf(scored)) {
        expect(advantage).toBe(0);
        expect(charge).toBeCloseTo(0, 12);
      }
      expect(trainingSequences(scored.groups, cueTokenizer, "step")).toEqual([]); // no gradient at all
    }
  });

  test("add the charge to an all-wrong group as it is, not normalised", async () => {
    // Consensus: 1 of 2 others agree with `zzzz`; corpus: 2 of 3 and 1 of 3; floor: one half.
    const scored = await scoreOf([groupOf("abcd", ["zzzz", "zzzz", "zzzx"])], {
      reward: { penalty: 0.3 },
    });
    expect(signalsOf(scored).map((s) => s.advantage)).toEqual([0, 0, 0]);
    const charges = signalsOf(scored).map((s) => s.charge);
    expect(charges[0]).toBeCloseTo(-0.3 * (2 / 3), 12);
    expect(charges[1]).toBeCloseTo(-0.3 * (2 / 3), 12);
    expect(charges[2]).toBeCloseTo(-0.3 * 0.5, 12);
    expect(scored.meanCharge).toBeCloseTo((-0.3 * (2 / 3 + 2 / 3 + 0.5)) / 3, 12);
    expect(scored.meanReward).toBeCloseTo(scored.meanCharge, 12);
  });

  test("anneal the charge with training", async () => {
    const charge = async (progress: number): Promise<number> =>
      signalsOf(await scoreOf([groupOf("abcd", ["zzzz"])], {}, { progress }))[0]!.charge;
    const first = await charge(0);
    expect(first).toBeLessThan(0);
    expect(await charge(0.3)).toBeCloseTo(first / 2, 12);
    expect(await charge(0.6)).toBe(0);
  });

  test("weigh all rollouts of a task alike by how its known mistakes agree, and so never reorder them", async () => {
    const group = groupOf("abcd", ["xyxy", "zzzz", "zxzx", "xyxy"]);
    const plain = signalsOf(await scoreOf([group], { reward: { diverge: 0 } }));
    const weighted = signalsOf(await scoreOf([group], { reward: { diverge: 0.6 } }));
    for (const [i, { advantage }] of weighted.entries())
      expect(advantage / plain[i]!.advantage).toBeCloseTo(1 + 0.6 * (2 / 3), 9);
  });

  test("leave out what the environment failed on, as if it had not been played", async () => {
    const [right, wrong] = groupOf("abcd", ["xyxy", "yyyy"]).rollouts;
    const failed = attempt(cueTask("abcd"), "zz", { failure: "broken" });
    const task = cueTask("abcd");
    const without = signalsOf(await scoreOf([{ task, rollouts: [right!, wrong!] }]));
    const scored = await scoreOf([{ task, rollouts: [right!, failed, wrong!] }]);
    expect(signalsOf(scored)).toEqual([without[0], { advantage: 0, charge: 0 }, without[1]]);
  });

  test("carry the clipped weight of what exploration sampled", async () => {
    const task = cueTask("abcd");
    const options = { offPolicy: true, logprob: -1, behaviourLogprob: -0.8 };
    const own = [attempt(task, "xyxy"), attempt(task, "zzzz")];
    const explored = [attempt(task, "xyxy", options), attempt(task, "zzzz", options)];
    const [a, b, c, d] = signalsOf(await scoreOf([{ task, rollouts: [...own, ...explored] }]));
    expect(c!.advantage).toBe(a!.advantage); // pi/mu = exp(-0.8), raised to 1
    expect(d!.advantage).toBeCloseTo(b!.advantage * Math.exp(-0.8), 9);
    const allWrong = await scoreOf([{ task, rollouts: [own[1]!, explored[1]!] }]);
    const charges = signalsOf(allWrong).map((s) => s.charge);
    expect(charges[1]).toBeCloseTo(charges[0]! * Math.exp(-0.8), 9);
  });
});

describe("the numbers of a step", () => {
  test("count groups without variance and clipped weights among those off-policy", async () => {
    const task = cueTask("abcd");
    const clipped = attempt(task, "xyxy", { offPolicy: true, logprob: -2, behaviourLogprob: -1 });
    const unclipped = attempt(task, "zzzz", { offPolicy: true, logprob: -2, behaviourLogprob: -1 });
    const groups = [
      groupOf("abcd", ["xyxy", "xyxy"]),
      groupOf("abcd", ["zzzz", "zzzz"]),
      groupOf("abcd", ["xyxy", "zzzz"]),
      { task, rollouts: [clipped, unclipped] },
    ];
    const scored = await scoreOf(groups, { reward: { penalty: 0 } });
    expect(scored.zeroVariance).toBe(0.5);
    expect(scored.clipped).toBe(0.5);
    expect(scored.meanReward).toBe(0.5);
  });

  test("are zeros without rollouts", async () => {
    expect(await scoreOf([])).toEqual({
      groups: [],
      meanReward: 0,
      meanCharge: 0,
      clipped: 0,
      zeroVariance: 0,
    });
  });
});

describe("the likelihood under an expert", () => {
  // `cd` has no known mistakes. always-x errs at `d`, where this expert says x with 0.8.
  const expert: Expert = {
    signature: "always-x",
    policy: cuePolicy(regardless({ x: 0.8, y: 0.2 })),
    traces: 1,
    fittedAt: 0,
  };
  const experts = new Map([["always-x", expert]]);
  const charge = async (config: ConfigInput, answers = ["xx", "yz"]): Promise<number> => {
    const scored = await scoreOf([groupOf("cd", answers)], config, { experts });
    return signalsOf(scored)[0]!.charge;
  };

  test("charges the mistake that the expert of its signature expects", async () => {
    expect(await charge({ reward: { penalty: 0.5 } })).toBeCloseTo(-0.5 * 0.8, 5);
  });

  test("is not asked for where only the group's own consensus counts", async () => {
    expect(await charge({ reward: { penalty: 0.5, evidence: "self" } })).toBe(-0.25);
  });

  test("is not computed once the charge has annealed to 0", async () => {
    const logprobs = (): Promise<never> => Promise.reject(new Error("nothing is to be computed"));
    const silent = Object.assign(Object.create(engine) as typeof engine, { logprobs });
    const score = (progress: number): Promise<Scored> =>
      scoreOf([groupOf("cd", ["xx", "yz"])], {}, { experts, engine: silent, progress });
    expect((await score(0.6)).meanCharge).toBe(0);
    await expect(score(0.5)).rejects.toThrow("nothing is to be computed");
  });

  test("counts in a mixed group too, where the gate lets the charge through", async () => {
    expect(await charge({ reward: { penalty: 0.5, when: "off" } }, ["xx", "xy"])).toBeCloseTo(
      -0.5 * 0.8,
      5,
    );
    expect(await charge({ reward: { penalty: 0.5, when: "soft" } }, ["xx", "xy"])).toBeCloseTo(
      -0.5 * 0.8 * 0.25,
      5,
    );
    expect(await charge({ reward: { penalty: 0.5, when: "hard" } }, ["xx", "xy"])).toBe(0);
  });

  test("of another signature's mistake is not this expert's business", async () => {
    expect(await charge({ reward: { penalty: 0.5 } }, ["yy", "xx"])).toBe(-0.25);
  });
});

test("a first wrong step that someone else took is no evidence of the student's, and no NaN", async () => {
  const group = groupOf("cd", ["xx", "yz"]);
  const given = { text: "y", prompt: [], completion: [], logprobs: [], behaviourLogprobs: [] };
  const rollouts = group.rollouts.map((r) => ({ ...r, actions: [given, given] }));
  const experts = new Map([
    [
      "always-x",
      {
        signature: "always-x",
        policy: cuePolicy(regardless({ x: 0.8, y: 0.2 })),
        traces: 0,
        fittedAt: 0,
      },
    ],
  ]);
  const scored = await scoreOf([{ ...group, rollouts }], {}, { experts });
  expect(scored.meanCharge).toBeLessThan(0);
  for (const { charge } of signalsOf(scored)) expect(Number.isFinite(charge)).toBe(true);
});
