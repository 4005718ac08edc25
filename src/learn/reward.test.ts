import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Verdict } from "../environments/environment.js";
import type { Group, Rollout } from "../play/play.js";
import {
  anneal,
  defaultReward,
  divergeWeight,
  groupWeight,
  replication,
  replicationCharge,
  reward,
  type KnownMistakes,
  type RewardOptions,
} from "./reward.js";
import { attempt, cueTask, groupOf } from "../testing/testing.js";

const share = fc.double({ min: 0, max: 1, noNaN: true });

const anyOptions: fc.Arbitrary<RewardOptions> = fc.record({
  penalty: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  when: fc.constantFrom("hard", "soft", "off"),
  tokens: fc.constantFrom("step", "answer", "all"),
  evidence: fc.constantFrom("weak", "self", "both", "none", "firstError"),
  floor: share,
  annealUntil: share,
  diverge: fc.double({ min: 0, max: 3, noNaN: true }),
});

const anyVerdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.constant<Verdict>({ correct: true, answer: "right", stop: "solved" }),
  fc.record(
    {
      correct: fc.constant(false),
      answer: fc.constantFrom("p", "q", "r", ""),
      stop: fc.constantFrom("wrong", "rejected", "malformed", "truncated"),
      firstError: fc.record({
        step: fc.constant(0),
        span: fc.constant({ start: 0, end: 1 }),
        evidence: fc.constantFrom("kernel", "test", "heuristic"),
        confidence: share,
        family: fc.constant("choice"),
        detail: fc.constant(""),
      }),
    },
    { requiredKeys: ["correct", "answer", "stop"] },
  ),
);

const rolloutOf = (verdict: Verdict, failure?: string): Rollout => ({
  task: cueTask("ab"),
  actions: [],
  steps: [],
  verdict,
  offPolicy: false,
  ...(failure === undefined ? {} : { failure }),
});

const anyGroup: fc.Arbitrary<Group> = fc
  .array(fc.tuple(anyVerdict, fc.boolean()), { minLength: 1, maxLength: 8 })
  .map((verdicts) => ({
    task: cueTask("ab"),
    rollouts: verdicts.map(([verdict, broken]) =>
      rolloutOf(verdict, broken && !verdict.correct ? "broken" : undefined),
    ),
  }));

const anyKnown: fc.Arbitrary<KnownMistakes> = fc.record({
  sameAnswer: share,
  expertLikelihood: share,
});
const anyAnswers = fc.constantFrom(2, 3, 10, Infinity);

const nothingKnown: KnownMistakes = { sameAnswer: 0, expertLikelihood: 0 };

/** Whatever the settings: each rollout of a group with its charge. */
function forAnyCharges(
  check: (charges: [Rollout, number][], options: RewardOptions) => void,
): void {
  fc.assert(
    fc.property(
      anyGroup,
      anyOptions,
      anyKnown,
      anyAnswers,
      share,
      (group, options, known, answers, progress) => {
        const accuracy =
          group.rollouts.filter((r) => r.verdict.correct).length / group.rollouts.length;
        const charges = group.rollouts.map((rollout): [Rollout, number] => {
          const rho = replication(rollout, group, known, options, answers);
          return [rollout, replicationCharge(rho, accuracy, progress, options)];
        });
        check(charges, options);
      },
    ),
    { numRuns: 400 },
  );
}

describe("under every setting", () => {
  test("a right rollout is never charged", () => {
    forAnyCharges((charges) => {
      for (const [{ verdict }, charge] of charges) if (verdict.correct) expect(charge).toBe(0);
    });
  });

  test("a charge lies between minus the penalty and 0", () => {
    forAnyCharges((charges, { penalty }) => {
      for (const [, charge] of charges) {
        expect(charge).toBeLessThanOrEqual(0);
        expect(charge).toBeGreaterThanOrEqual(-penalty);
      }
    });
  });

  test("every right answer is worth more than every wrong one", () => {
    forAnyCharges((charges) => {
      const worth = (correct: boolean): number[] =>
        charges
          .filter(([r]) => r.verdict.correct === correct)
          .map(([r, charge]) => reward(r, charge));
      expect(Math.min(1, ...worth(true))).toBeGreaterThan(Math.max(0, ...worth(false)));
      for (const wrong of worth(false)) expect(wrong).toBeGreaterThan(-1);
    });
  });

  test("a rollout that the environment failed on is not charged", () => {
    forAnyCharges((charges) => {
      for (const [{ failure }, charge] of charges)
        if (failure !== undefined) expect(charge).toBe(0);
    });
  });
});

describe("replication", () => {
  const rhos = (
    group: Group,
    known = nothingKnown,
    evidence: RewardOptions["evidence"] = "both",
    answers?: number,
    floor = 0.5,
  ) => group.rollouts.map((r) => replication(r, group, known, { evidence, floor }, answers));
  const answering = (answers: readonly string[], changes: Partial<Verdict> = {}): Group => ({
    task: cueTask("ab"),
    rollouts: answers.map((answer) =>
      rolloutOf({ correct: false, answer, stop: "wrong", ...changes }),
    ),
  });

  test("is the share of the others in the group that gave the same wrong answer", () => {
    expect(rhos(answering(["p", "p", "p", "q", "r"]))).toEqual([0.5, 0.5, 0.5, 0, 0]);
    expect(rhos(answering(["p"]))).toEqual([0]);
  });

  test("is 0 in an all-wrong group that repeats nothing, and so is every charge", () => {
    for (const rho of rhos(answering(["p", "q", "r"]))) {
      expect(rho).toBe(0);
      expect(replicationCharge(rho, 0, 0, defaultReward)).toBe(0);
    }
  });

  test("is the strongest evidence there is", () => {
    const group = answering(["p", "p", "q"]);
    expect(rhos(group, { sameAnswer: 0.7, expertLikelihood: 0.2 })).toEqual([0.7, 0.7, 0.7]);
    expect(rhos(group, { sameAnswer: 0.1, expertLikelihood: 0.9 })).toEqual([0.9, 0.9, 0.9]);
    expect(rhos(group, { sameAnswer: 0.1, expertLikelihood: 0.2 })).toEqual([0.5, 0.5, 0.2]);
  });

  test("counts the corpus alone, the group alone, or nothing, as asked", () => {
    const group = answering(["p", "p", "p"]);
    const known = { sameAnswer: 0.4, expertLikelihood: 0.3 };
    expect(rhos(group, known, "weak")).toEqual([0.4, 0.4, 0.4]);
    expect(rhos(group, known, "self")).toEqual([1, 1, 1]);
    expect(rhos(group, known, "none")).toEqual([0, 0, 0]);
  });

  test.each(["malformed", "truncated"] as const)("is 1 for an answer that is %s", (stop) => {
    expect(rhos(answering(["p", "q"], { stop }))).toEqual([1, 1]);
  });

  test("is 1 for an empty answer, but two attempts cut short do not agree by being empty", () => {
    expect(rhos(answering(["", "q"], { stop: "rejected" }))).toEqual([1, 0]);
  });

  test("claims nothing where only one wrong answer is possible", () => {
    const known = { sameAnswer: 1, expertLikelihood: 1 };
    expect(rhos(answering(["no", "no", "no"]), known, "both", 2)).toEqual([0, 0, 0]);
  });

  test("is what agreement is left beyond chance", () => {
    // Of 5 answers 4 are wrong: two coincide by chance once in 4, (0.5 - 0.25) / 0.75.
    const [first, , , last] = rhos(answering(["p", "p", "p", "q", "r"]), nothingKnown, "both", 5);
    expect(first).toBeCloseTo(1 / 3, 12);
    expect(last).toBe(0);
  });

  test("is at least the floor where the first error is checkable, not where it is a guess", () => {
    const error = groupOf("ab", ["yy"]).rollouts[0]!.verdict.firstError!;
    const withError = (changes: Partial<typeof error>, floor?: number): number =>
      rhos(
        answering(["p"], { firstError: { ...error, ...changes } }),
        nothingKnown,
        "both",
        Infinity,
        floor,
      )[0]!;
    expect(withError({})).toBe(0.5);
    expect(withError({}, 0.2)).toBe(0.2);
    expect(withError({}, 0)).toBe(0);
    expect(withError({ evidence: "heuristic" })).toBe(0);
    expect(withError({ confidence: 0.5 })).toBe(0);
  });

  test("is 0 for what the environment failed on", () => {
    const group = {
      task: cueTask("ab"),
      rollouts: [attempt(cueTask("ab"), "zz", { failure: "broken" })],
    };
    expect(rhos(group)).toEqual([0]);
  });
});

describe("the anneal", () => {
  test("falls from 1 through one half to 0 at `until`, and stays there", () => {
    expect(anneal(0, 0.6)).toBe(1);
    expect(anneal(0.3, 0.6)).toBeCloseTo(0.5, 12);
    expect([0.6, 0.8, 1].map((progress) => anneal(progress, 0.6))).toEqual([0, 0, 0]);
  });

  test("never rises, never leaves [0, 1], and is 0 throughout where `until` is 0", () => {
    fc.assert(
      fc.property(share, share, share, (a, b, until) => {
        const [early, late] = [Math.min(a, b), Math.max(a, b)];
        expect(anneal(late, until)).toBeLessThanOrEqual(anneal(early, until));
        expect(anneal(early, until)).toBeLessThanOrEqual(1);
        expect(anneal(late, until)).toBeGreaterThanOrEqual(0);
        expect(anneal(a, 0)).toBe(0);
      }),
    );
  });

  test("scales the charge", () => {
    const charge = (progress: number): number => replicationCharge(1, 0, progress, defaultReward);
    expect(charge(0)).toBe(-0.5);
    expect(charge(0.3)).toBeCloseTo(-0.25, 12);
    expect(charge(0.6)).toBe(0);
  });
});

describe("the when of the charge", () => {
  const weights = (when: RewardOptions["when"]): number[] =>
    [0, 0.25, 1].map((accuracy) => groupWeight(when, accuracy));

  test("when hard opens only for groups that are all wrong", () => {
    expect(weights("hard")).toEqual([1, 0, 0]);
  });

  test("when soft weighs by the square of the share wrong", () => {
    expect(weights("soft")).toEqual([1, 0.5625, 0]);
  });

  test("when off is always open", () => {
    expect(weights("off")).toEqual([1, 1, 1]);
  });
});

describe("the weight of a task", () => {
  test("grows with the share of its most common wrong answer", () => {
    expect(
      divergeWeight(
        new Map([
          ["p", 6],
          ["q", 2],
        ]),
        0.2,
      ),
    ).toBeCloseTo(1.15, 12);
    expect(
      divergeWeight(
        new Map([
          ["q", 1],
          ["p", 9],
        ]),
        1,
      ),
    ).toBeCloseTo(1.9, 12);
  });

  test("is 1 for a task without known mistakes", () => {
    expect(divergeWeight(new Map(), 0.2)).toBe(1);
  });

  test("lies between 1 and 1 + diverge", () => {
    const counts = fc.dictionary(fc.string(), fc.integer({ min: 1, max: 50 }), {
      minKeys: 1,
      maxKeys: 5,
    });
    fc.assert(
      fc.property(counts, fc.double({ min: 0, max: 3, noNaN: true }), (answers, diverge) => {
        const weight = divergeWeight(new Map(Object.entries(answers)), diverge);
        expect(weight).toBeGreaterThanOrEqual(1);
        expect(weight).toBeLessThanOrEqual(1 + diverge);
      }),
    );
  });
});
