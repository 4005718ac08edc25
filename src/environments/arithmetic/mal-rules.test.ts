import fc from "fast-check";
import { expect, test } from "vitest";
import { malRuleAnswer, malRuleNames, matchMalRule } from "./mal-rules.js";
import { type Problem, type ProblemKind, readProblem } from "./problem.js";

/** Two numbers of equally many digits. */
const operands = fc
  .array(fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 })), { minLength: 1, maxLength: 12 })
  .map(
    (columns) => [columns.map(([a]) => a).join(""), columns.map(([, b]) => b).join("")] as const,
  );

const reversed = (text: string): string => Array.from(text).toReversed().join("");

test("the right sum is the sum", () => {
  fc.assert(
    fc.property(operands, ([a, b]) => {
      const sum = String(BigInt(a) + BigInt(b)).padStart(a.length + 1, "0");
      expect(readProblem("addition", `${a}+${b}`).answer).toBe(reversed(sum));
    }),
  );
});

test("the right difference is the difference, sign first", () => {
  fc.assert(
    fc.property(operands, ([a, b]) => {
      const difference = BigInt(a) - BigInt(b);
      const size = String(difference < 0n ? -difference : difference).padStart(a.length, "0");
      const sign = difference < 0n ? "-" : "+";
      expect(readProblem("subtraction", `${a}-${b}`).answer).toBe(sign + reversed(size));
    }),
  );
});

/** The rules of the reproduced study, written as there: columns left to right, least first. */
const STUDY: Readonly<Record<string, (a: readonly number[], b: readonly number[]) => number[]>> = {
  "drop-carry": (a, b) => [...a.map((digit, i) => (digit + b[i]!) % 10), 0],
  "one-step-carry": (a, b) => withCarry(a, b, 10),
  "always-carry": (a, b) => withCarry(a, b, 5),
  "column-difference": (a, b) => [...a.map((digit, i) => Math.abs(digit - b[i]!)), 0],
};

function withCarry(a: readonly number[], b: readonly number[], least: number): number[] {
  return [...a, 0].map((_, i) => {
    const sum = i < a.length ? a[i]! + b[i]! : 0;
    return (sum + (i > 0 && a[i - 1]! + b[i - 1]! >= least ? 1 : 0)) % 10;
  });
}

test("each addition rule is the study's", () => {
  expect(malRuleNames("addition")).toEqual(Object.keys(STUDY));
  fc.assert(
    fc.property(operands, fc.constantFrom(...Object.keys(STUDY)), ([a, b], name) => {
      const digits = (text: string): number[] => Array.from(reversed(text), Number);
      const problem = readProblem("addition", `${a}+${b}`);
      expect(malRuleAnswer(name, problem)).toBe(STUDY[name]!(digits(a), digits(b)).join(""));
    }),
  );
});

test.each<[ProblemKind, string, Record<string, string>]>([
  [
    "addition",
    "00567+00437", // 1004
    {
      "drop-carry": "499000",
      "one-step-carry": "409000",
      "always-carry": "400100",
      "column-difference": "031000",
    },
  ],
  [
    "subtraction",
    "205-317", // -112
    { "forget-sign": "+211", "smaller-from-larger": "-211", "drop-borrow": "-211" },
  ],
  [
    "subtraction",
    "412-158", // 254
    { "forget-sign": "+452", "smaller-from-larger": "+643", "drop-borrow": "+463" },
  ],
  [
    "expressions",
    "8-(5-2)*3", // -1
    { "sign-of-nested": "-1", "drop-parentheses": "-3", "left-to-right": "15" },
  ],
  [
    "expressions",
    "9-(6-1)+2*3", // 10
    { "sign-of-nested": "8", "drop-parentheses": "8", "left-to-right": "18" },
  ],
])("%s %s by every rule", (kind, text, answers) => {
  const problem = readProblem(kind, text);
  for (const name of malRuleNames(kind)) {
    expect([name, malRuleAnswer(name, problem)]).toEqual([name, answers[name]]);
  }
});

test("a sum without carries is solved by drop-carry", () => {
  const noCarry = fc
    .array(
      fc.nat({ max: 9 }).chain((sum) => fc.nat({ max: sum }).map((a) => [a, sum - a] as const)),
      { minLength: 1, maxLength: 12 },
    )
    .map((columns) =>
      readProblem(
        "addition",
        `${columns.map(([a]) => a).join("")}+${columns.map(([, b]) => b).join("")}`,
      ),
    );
  fc.assert(
    fc.property(noCarry, (problem) => {
      expect(malRuleAnswer("drop-carry", problem)).toBe(problem.answer);
    }),
  );
});

test("a wrong answer bears the name of the first rule that gives it", () => {
  const problem: Problem = readProblem("addition", "37512+90468");
  expect(matchMalRule(problem, malRuleAnswer("drop-carry", problem)!)).toBe("drop-carry");
  expect(matchMalRule(problem, "999999")).toBeUndefined();
  expect(matchMalRule(readProblem("expressions", "8-(5-2)+1"), "2")).toBe("sign-of-nested");
});

test("a rule says nothing about another kind of problem", () => {
  expect(malRuleAnswer("drop-carry", readProblem("subtraction", "1-2"))).toBeUndefined();
  expect(malRuleAnswer("toString", readProblem("addition", "1+2"))).toBeUndefined();
});
