import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { shapeFor } from "../students/recipe.js";
import type { TrainingSequence } from "../engine/engine.js";
import { newOptimizer } from "../engine/local-policies.js";
import { LocalEngine } from "../engine/local.js";
import {
  arithmetic,
  arithmeticTask,
  type ArithmeticState,
} from "../environments/arithmetic/arithmetic.js";
import type { Environment, Turn, Verdict } from "../environments/environment.js";
import { trainingSequences, type RolloutSignal, type ScoredGroup } from "./sequences.js";
import { PolicyModel } from "../models/model.js";
import { lexiconTokenizer, type Tokenizer } from "../models/tokenizer.js";
import { inGroups, play, type Group, type Rollout } from "../play/play.js";
import { Random } from "../util/random.js";
import { cues, cueTask, cueTokenizer, groupOf } from "../testing/testing.js";

const silent: RolloutSignal = { advantage: 0, charge: 0 };

/** Coefficients by observation and action, for actions of one token. */
function coefficients(sequences: readonly TrainingSequence[]): Record<string, number> {
  return Object.fromEntries(
    sequences.flatMap(({ tokens, targets }) =>
      targets.map((t) => [
        `${cueTokenizer.decode(tokens)}${cueTokenizer.decode([t.token])}`,
        t.coefficient,
      ]),
    ),
  );
}

describe("training sequences", () => {
  test("are none for groups that have neither advantage nor charge", () => {
    const allRight = groupOf("ab", ["xy", "xy"]);
    const allWrong = groupOf("ab", ["yy", "zz"]);
    const scored = [allRight, allWrong].map((group) => ({ group, signals: [silent, silent] }));
    expect(trainingSequences(scored, cueTokenizer, "step")).toEqual([]);
  });

  test("carry the advantage on every token, divided by the number of rollouts of all groups", () => {
    const scored: ScoredGroup[] = [
      {
        group: groupOf("ab", ["xy", "zz"]),
        signals: [
          { advantage: 1, charge: 0 },
          { advantage: -0.5, charge: 0 },
        ],
      },
      { group: groupOf("cd", ["zz", "zz", "zz"]), signals: [silent, silent, silent] },
    ];
    expect(coefficients(trainingSequences(scored, cueTokenizer, "step"))).toEqual({
      ax: 1 / 5,
      by: 1 / 5,
      az: -0.5 / 5,
      bz: -0.5 / 5,
    });
  });

  test("add up what equal actions at equal observations bring", () => {
    const group = groupOf("ab", ["xy", "xz"]);
    const sequences = trainingSequences(
      [
        {
          group,
          signals: [
            { advantage: 1, charge: 0 },
            { advantage: -0.25, charge: 0 },
          ],
        },
      ],
      cueTokenizer,
      "step",
    );
    expect(sequences.map((s) => cueTokenizer.decode(s.tokens))).toEqual(["a", "b"]);
    expect(coefficients(sequences)).toEqual({ ax: 0.75 / 2, by: 1 / 2, bz: -0.25 / 2 });
  });

  test("leave out what cancels to nothing", () => {
    const group = groupOf("ab", ["xy", "xz"]);
    const signals = [
      { advantage: 1, charge: 0 },
      { advantage: -1, charge: 0 },
    ];
    expect(coefficients(trainingSequences([{ group, signals }], cueTokenizer, "step"))).toEqual({
      by: 1 / 2,
      bz: -1 / 2,
    });
  });
});

describe("the charge", () => {
  const charged = (
    actions: string,
    chargeTokens: "step" | "answer" | "all",
    row = "abcd",
  ): Record<string, number> =>
    coefficients(
      trainingSequences(
        [{ group: groupOf(row, [actions]), signals: [{ advantage: 0, charge: -0.5 }] }],
        cueTokenizer,
        chargeTokens,
      ),
    );

  test("falls on the first wrong step alone", () => {
    expect(charged("xzzz", "step")).toEqual({ bz: -0.5 });
    expect(charged("xyxz", "step")).toEqual({ dz: -0.5 });
  });

  test("falls on the last action, or on all, where the option says so", () => {
    expect(charged("xzzz", "answer")).toEqual({ dz: -0.5 });
    expect(charged("xzzz", "all")).toEqual({ ax: -0.5, bz: -0.5, cz: -0.5, dz: -0.5 });
  });

  test("falls on the last action where the first error is not known", () => {
    const { task, rollouts } = groupOf("abcd", ["xzzz"]);
    const { firstError: _, ...verdict } = rollouts[0]!.verdict;
    const group: Group = { task, rollouts: [{ ...rollouts[0]!, verdict }] };
    const signals = [{ advantage: 0, charge: -0.5 }];
    expect(coefficients(trainingSequences([{ group, signals }], cueTokenizer, "step"))).toEqual({
      dz: -0.5,
    });
  });

  test("adds to the advantage on the tokens it falls on", () => {
    const group = groupOf("abcd", ["xzzz"]);
    const sequences = trainingSequences(
      [{ group, signals: [{ advantage: -1, charge: -0.5 }] }],
      cueTokenizer,
      "step",
    );
    expect(coefficients(sequences)).toEqual({ ax: -1, bz: -1.5, cz: -1, dz: -1 });
  });
});

describe("a negative advantage on the tokens of `step`", () => {
  const pushed = (
    actions: string,
    signal: RolloutSignal,
    group: Group = groupOf("abcd", [actions]),
  ): Record<string, number> =>
    coefficients(
      trainingSequences([{ group, signals: [signal] }], cueTokenizer, "step", {
        advantageTokens: "step",
      }),
    );

  test("falls on the first wrong step alone, with the charge", () => {
    expect(pushed("xzzz", { advantage: -1, charge: 0 })).toEqual({ bz: -1 });
    expect(pushed("xzzz", { advantage: -1, charge: -0.5 })).toEqual({ bz: -1.5 });
  });

  test("leaves positive advantages on all tokens", () => {
    expect(pushed("xzzz", { advantage: 2, charge: 0 })).toEqual({ ax: 2, bz: 2, cz: 2, dz: 2 });
  });

  test("falls on all tokens where the first error is not known", () => {
    const { task, rollouts } = groupOf("abcd", ["xzzz"]);
    const { firstError: _, ...verdict } = rollouts[0]!.verdict;
    const group: Group = { task, rollouts: [{ ...rollouts[0]!, verdict }] };
    expect(pushed("xzzz", { advantage: -1, charge: 0 }, group)).toEqual({
      ax: -1,
      bz: -1,
      cz: -1,
      dz: -1,
    });
  });
});

describe("the charge on an action of several tokens", () => {
  const environment = arithmetic({ view: "whole" });
  const tokenizer = lexiconTokenizer(environment);
  const task = arithmeticTask("addition", "37512+90466"); // 879721, least significant digit first

  /** The tokens charged when the whole answer was sampled as `completion`, with their coefficients. */
  function chargedTokens(
    completion: readonly number[],
    chargeTokens: "step" | "answer" | "all" = "step",
    reader: Tokenizer = tokenizer,
  ): number[] {
    const turn = environment.start(task) as Turn<ArithmeticState>;
    const action = tokenizer.decode(completion);
    const steps = [{ state: turn.state, observation: turn.observation, action }];
    const end = environment.step(turn.state, action) as Turn<ArithmeticState>;
    const logprobs = completion.map(() => -1);
    const prompt = tokenizer.encode(turn.observation);
    const rollout: Rollout = {
      task,
      steps,
      actions: [{ text: action, prompt, completion, logprobs, behaviourLogprobs: logprobs }],
      verdict: environment.judge({ task, steps, end }) as Verdict,
      offPolicy: false,
    };
    const [sequence, ...others] = trainingSequences(
      [{ group: { task, rollouts: [rollout] }, signals: [{ advantage: 0, charge: -0.5 }] }],
      reader,
      chargeTokens,
    );
    expect(others).toEqual([]);
    expect(sequence!.tokens).toEqual([...prompt, ...completion.slice(0, -1)]);
    return sequence!.targets.map(({ position, token, coefficient }) => {
      const t = position - (prompt.length - 1);
      expect(token).toBe(completion[t]);
      expect(coefficient).toBe(-0.5);
      return t;
    });
  }

  const [pad, stop] = [0, 1];
  const digits = (text: string): number[] => tokenizer.encode(text);

  test("falls on the token of the first wrong symbol alone", () => {
    expect(chargedTokens([...digits("879821"), stop])).toEqual([3]);
    expect(chargedTokens([...digits("079821"), stop])).toEqual([0]);
  });

  test("finds that token behind special ones that the text does not show", () => {
    expect(chargedTokens([digits("8")[0]!, pad, ...digits("79821"), stop])).toEqual([4]);
  });

  test("falls on the stop token of an answer that stops too early", () => {
    expect(chargedTokens([...digits("879"), stop])).toEqual([3]);
  });

  test("falls on that token whichever of several ends the answer", () => {
    const two = Object.assign(Object.create(tokenizer) as Tokenizer, { stops: [stop, pad] });
    expect(chargedTokens([...digits("879"), pad], "step", two)).toEqual([3]);
  });

  test("falls on the first symbol too many of an answer that goes on", () => {
    expect(chargedTokens([...digits("8797214"), stop])).toEqual([6]);
  });

  test("falls on the whole of an action that cannot be read", () => {
    expect(chargedTokens([...digits("87+"), stop])).toEqual([0, 1, 2]);
    expect(chargedTokens([stop])).toEqual([0]);
  });

  test("falls on every token, the stop token too, where the tokens are the answer's or all", () => {
    for (const chargeTokens of ["answer", "all"] as const)
      expect(chargedTokens([...digits("879821"), stop], chargeTokens)).toEqual([
        0, 1, 2, 3, 4, 5, 6,
      ]);
  });
});

describe("merging", () => {
  const engine = new LocalEngine();
  const shape = {
    ...shapeFor(cues as Environment, cueTokenizer, {
      width: 16,
      layers: 1,
      heads: 2,
      feedForward: 16,
    }),
    context: 8,
  };
  const policy = engine.initialise(shape, Random.from(1, "weights"));
  // With moments like these the update is smooth in the gradient: equal gradients give equal weights.
  const optimizer = {
    ...newOptimizer(policy),
    steps: 10_000,
    second: new Float32Array(policy.weights.length).fill(1),
  };

  function randomSignals(rollouts: readonly Rollout[], seed: number): RolloutSignal[] {
    const random = Random.from(seed, "signals");
    return rollouts.map(() => ({ advantage: random.normal(), charge: -random.uniform() }));
  }

  /** One sequence for each action of each rollout, charged on every token. */
  function unmerged(scored: readonly ScoredGroup[]): TrainingSequence[] {
    const rollouts = scored.flatMap((s) => s.group.rollouts).length;
    return scored.flatMap(({ group, signals }) =>
      group.rollouts.flatMap((rollout, i) =>
        rollout.actions.map(({ prompt, completion, logprobs }) => ({
          tokens: [...prompt, ...completion.slice(0, -1)],
          targets: completion.map((token, t) => ({
            position: prompt.length - 1 + t,
            token,
            component: "policy" as const,
            coefficient: (signals[i]!.advantage + signals[i]!.charge) / rollouts,
            logprob: logprobs[t]!,
          })),
        })),
      ),
    );
  }

  test("gives the loss, the gradient and the weights that the separate sequences give", async () => {
    const model = new PolicyModel({ engine, policy, tokenizer: cueTokenizer, maxActionSymbols: 2 });
    const tasks = ["ab", "ab", "ab", "ab", "ba", "ba", "ba", "ba"].map((row) => cueTask(row));
    const groups = inGroups(
      await play(cues as Environment, model, tasks, Random.from(5, "play")),
      4,
    );
    const scored = groups.map((group, i) => ({ group, signals: randomSignals(group.rollouts, i) }));
    const separate = unmerged(scored);
    const merged = trainingSequences(scored, cueTokenizer, "all");
    expect(merged.length).toBeLessThan(separate.length);

    const step = (sequences: readonly TrainingSequence[]) =>
      engine.trainStep(policy, optimizer, sequences, { learningRate: 0.1 });
    const [a, b] = [await step(separate), await step(merged)];
    expect(Math.abs(b.loss - a.loss)).toBeLessThan(1e-6);
    expect(Math.abs(b.gradientNorm - a.gradientNorm)).toBeLessThan(1e-6);
    expect(a.gradientNorm).toBeGreaterThan(0.1);
    const largest = (x: Float32Array, y: Float32Array): number =>
      x.reduce((most, value, i) => Math.max(most, Math.abs(value - y[i]!)), 0);
    expect(largest(a.policy.weights, b.policy.weights)).toBeLessThan(1e-6);
    expect(largest(a.policy.weights, policy.weights)).toBeGreaterThan(1e-4); // a step that moved something
  });

  test("leaves the sum of all coefficients as it is", () => {
    const answers = fc.array(
      fc.string({ unit: fc.constantFrom("x", "y", "z"), minLength: 2, maxLength: 2 }),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(answers, fc.nat(), (actions, seed) => {
        const group = groupOf("ab", actions);
        const scored = [{ group, signals: randomSignals(group.rollouts, seed) }];
        const total = (sequences: readonly TrainingSequence[]): number =>
          sequences.flatMap((s) => s.targets).reduce((sum, t) => sum + t.coefficient, 0);
        expect(total(trainingSequences(scored, cueTokenizer, "all"))).toBeCloseTo(
          total(unmerged(scored)),
          9,
        );
      }),
    );
  });
});

describe("several optimizer steps on one batch", () => {
  const signal = { advantage: 1, charge: 0 };
  const scored: ScoredGroup[] = [
    { group: groupOf("ab", ["xy", "xy", "xx", "yy"]), signals: [signal, signal, signal, signal] },
  ];
  const targets = (merge: boolean): number =>
    trainingSequences(scored, cueTokenizer, "step", { merge }).reduce(
      (n, s) => n + s.targets.length,
      0,
    );

  test("keep the targets of every rollout apart, for each is clipped by itself", () => {
    expect(targets(true)).toBe(4); // a>x, a>y, b>y, b>x
    expect(targets(false)).toBe(8);
  });
});

test("unmerged targets of two groups of one task, as self-play's at a fork, stay apart", () => {
  const group = groupOf("ab", ["xx", "xy"]);
  const one = { group, signals: group.rollouts.map(() => ({ advantage: 1, charge: 0 })) };
  const targets = (scored: readonly ScoredGroup[]): number =>
    trainingSequences(scored, cueTokenizer, "step", { merge: false }).reduce(
      (n, s) => n + s.targets.length,
      0,
    );
  expect(targets([one, { ...one }])).toBe(2 * targets([one]));
});
