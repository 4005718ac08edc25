import { describe, expect, test } from "vitest";
import { and, atom, falsity, implies, or } from "./formula.js";
import { declare, infer, proves, type Term } from "./kernel.js";

const [p, q] = [atom(0), atom(1)];
const variable = (index: number): Term => ({ kind: "variable", variable: index });
const lambda = (index: number, type: typeof p, body: Term): Term => ({
  kind: "lambda",
  variable: index,
  type,
  body,
});

describe("the kernel", () => {
  test("accepts the terms of well-known theorems", () => {
    expect(infer(undefined, lambda(0, p, variable(0)))).toBe(implies(p, p));
    expect(infer(undefined, lambda(0, p, lambda(1, q, variable(0))))).toBe(
      implies(p, implies(q, p)),
    );
    const swap: Term = {
      kind: "unpair",
      pair: variable(0),
      left: 1,
      right: 2,
      body: { kind: "pair", left: variable(2), right: variable(1) },
    };
    expect(proves(swap, [and(p, q)], and(q, p))).toBe(true);
    const flip: Term = {
      kind: "case",
      either: variable(0),
      left: 1,
      right: 2,
      ifLeft: { kind: "right", body: variable(1), other: q },
      ifRight: { kind: "left", body: variable(2), other: p },
    };
    expect(proves(flip, [or(p, q)], or(q, p))).toBe(true);
    expect(
      proves(
        { kind: "application", rule: variable(0), argument: variable(1) },
        [implies(p, q), p],
        q,
      ),
    ).toBe(true);
    expect(proves({ kind: "abort", absurdity: variable(0), type: q }, [falsity], q)).toBe(true);
  });

  const application = (rule: Term, argument: Term): Term => ({
    kind: "application",
    rule,
    argument,
  });
  const unpair = (pair: Term, body: Term): Term => ({
    kind: "unpair",
    pair,
    left: 8,
    right: 9,
    body,
  });
  const split = (either: Term, ifLeft: Term, ifRight: Term): Term => ({
    kind: "case",
    either,
    left: 8,
    right: 9,
    ifLeft,
    ifRight,
  });
  // Variables: 0 is p, 1 is q, 2 is p -> q, 3 is p \/ q, 4 is p /\ q.
  const hypotheses = [p, q, implies(p, q), or(p, q), and(p, q)];

  test.each<[string, Term]>([
    ["an unbound variable", variable(5)],
    ["a hole", { kind: "hole" }],
    [
      "a hole deep inside",
      lambda(5, p, { kind: "pair", left: variable(5), right: { kind: "hole" } }),
    ],
    ["a rule applied to the wrong premise", application(variable(2), variable(1))],
    ["a fact applied to a fact", application(variable(0), variable(1))],
    ["a disjunction taken for a pair", unpair(variable(3), variable(8))],
    ["a pair taken for a disjunction", split(variable(4), variable(0), variable(0))],
    ["branches that prove different things", split(variable(3), variable(8), variable(9))],
    [
      "a branch that uses the other branch's variable",
      split(variable(3), variable(9), variable(9)),
    ],
    [
      "a bound variable outside its scope",
      { kind: "pair", left: unpair(variable(4), variable(8)), right: variable(8) },
    ],
    ["anything from what is not absurd", { kind: "abort", absurdity: variable(0), type: q }],
    ["a disjunct with an ill-typed body", { kind: "left", body: variable(5), other: p }],
  ])("refuses %s", (_, term) => {
    let context;
    for (const [index, type] of hypotheses.entries()) context = declare(index, type, context);
    expect(infer(context, term)).toBeUndefined();
  });

  test("refuses a right term for another theorem", () => {
    expect(proves(variable(0), [p], q)).toBe(false);
    expect(proves({ kind: "left", body: variable(0), other: q }, [p], or(q, p))).toBe(false);
  });

  test("an inner variable hides an outer one of the same name", () => {
    expect(infer(declare(0, q, undefined), lambda(0, p, variable(0)))).toBe(implies(p, p));
  });
});
