import { describe, expect, test } from "vitest";
import { parseSequent, sequentText } from "./sequent.js";
import {
  ACTIONS,
  applyTactic,
  develop,
  type Development,
  isProved,
  parseTactic,
  proofTerm,
  type Rejection,
} from "./tactics.js";

/** Plays actions on a sequent; the last one may be refused. */
function playAll(text: string, ...actions: readonly string[]): Development | Rejection {
  let development = develop(parseSequent(text));
  for (const action of actions) {
    const next = applyTactic(development, parseTactic(action)!);
    if ("code" in next) return next;
    development = next;
  }
  return development;
}

/** The open goals after the actions, as sequents. */
function goalsAfter(text: string, ...actions: readonly string[]): string[] {
  const development = playAll(text, ...actions);
  if ("code" in development) throw new Error(development.message);
  return development.goals.map(({ hypotheses, conclusion }) =>
    sequentText({ hypotheses: hypotheses.map(({ formula }) => formula), goal: conclusion }),
  );
}

describe("tactics", () => {
  test("there are 29, all readable", () => {
    expect(ACTIONS).toHaveLength(29);
    expect(new Set(ACTIONS).size).toBe(29);
    expect(parseTactic("apply h3")).toEqual({ name: "apply", hypothesis: 3 });
    for (const text of ["", "intro ", "exact", "exact h8", "exact  h1", "auto"])
      expect(parseTactic(text)).toBeUndefined();
  });

  test.each<[string, string, string, string[]]>([
    ["intro assumes the premise last", "h0 q |- -> p r", "intro", ["h0 q h1 p |- r"]],
    ["split asks for both", "h0 q |- /\\ p r", "split", ["h0 q |- p", "h0 q |- r"]],
    ["left", "|- \\/ p r", "left", ["|- p"]],
    ["right", "|- \\/ p r", "right", ["|- r"]],
    ["exfalso", "h0 q |- p", "exfalso", ["h0 q |- False"]],
    ["exact", "h0 q h1 p |- p", "exact h1", []],
    ["apply asks for the premise", "h0 -> p q |- q", "apply h0", ["h0 -> p q |- p"]],
    [
      "apply asks for every premise, in order",
      "h0 -> p -> q r |- r",
      "apply h0",
      ["h0 -> p -> q r |- p", "h0 -> p -> q r |- q"],
    ],
    [
      "apply matches as few premises as will do",
      "h0 -> p -> q r |- -> q r",
      "apply h0",
      ["h0 -> p -> q r |- p"],
    ],
    ["apply of the goal itself asks for nothing", "h0 p |- p", "apply h0", []],
    [
      "cases splits a pair; positions shift",
      "h0 /\\ p q h1 r |- s",
      "cases h0",
      ["h0 r h1 p h2 q |- s"],
    ],
    [
      "cases distinguishes",
      "h0 \\/ p q h1 r |- s",
      "cases h0",
      ["h0 r h1 p |- s", "h0 r h1 q |- s"],
    ],
    ["cases of absurdity ends the goal", "h0 False |- s", "cases h0", []],
  ])("%s", (_, before, action, after) => {
    expect(goalsAfter(before, action)).toEqual(after);
  });

  test("act on the first open goal", () => {
    expect(goalsAfter("h0 p |- /\\ /\\ p q r", "split", "split", "exact h0")).toEqual([
      "h0 p |- q",
      "h0 p |- r",
    ]);
  });

  test.each<[string, string, string]>([
    ["unknown-hypothesis", "h0 p |- p", "exact h1"],
    ["unknown-hypothesis", "h0 p |- p", "apply h7"],
    ["unknown-hypothesis", "|- p", "cases h0"],
    ["type-mismatch", "h0 p |- q", "exact h0"],
    ["type-mismatch", "h0 -> p q |- p", "apply h0"],
    ["type-mismatch", "h0 p |- q", "apply h0"],
    ["wrong-goal", "|- p", "intro"],
    ["wrong-goal", "|- \\/ p q", "split"],
    ["wrong-goal", "|- /\\ p q", "left"],
    ["wrong-goal", "|- -> p \\/ p q", "right"],
    ["wrong-goal", "|- False", "exfalso"],
    ["not-destructible", "h0 p |- p", "cases h0"],
    ["not-destructible", "h0 -> p q |- p", "cases h0"],
    ["too-many-hypotheses", "h0 p h1 p h2 p h3 p h4 p h5 p h6 p h7 p |- -> q q", "intro"],
    ["too-many-hypotheses", "h0 p h1 p h2 p h3 p h4 p h5 p h6 p h7 /\\ p q |- q", "cases h7"],
  ])("%s: on %s, %s", (code, text, action) => {
    expect(playAll(text, action)).toMatchObject({ code });
  });

  test("nothing applies once everything is proved", () => {
    expect(playAll("h0 p |- p", "exact h0", "exact h0")).toMatchObject({ code: "no-goal" });
  });

  test("a whole script leaves a term that the kernel accepts", () => {
    const development = playAll(
      "h0 \\/ p q h1 -> p /\\ r s |- -> -> q False \\/ t -> t p",
      "intro",
      "cases h0",
      "right",
      "intro",
      "exact h2",
      "exfalso",
      "apply h1",
      "exact h2",
    ) as Development;
    expect(isProved(development)).toBe(true);
    expect(proofTerm(development)).toMatchObject({ kind: "lambda", body: { kind: "case" } });
  });

  test("a script that stops early does not", () => {
    expect(isProved(playAll("h0 p |- /\\ p p", "split", "exact h0") as Development)).toBe(false);
  });
});
