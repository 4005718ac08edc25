import { describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { isProvable, shortestProof, stepsToProve } from "./decision.js";
import { proves, type Proof } from "./kernel.js";
import { firstRedex, lawsFor, type Order, SCHEMAS } from "./law.js";
import { parseSequent, sequentKey, sequentText, type Sequent } from "./sequent.js";
import { applyTactic, develop, isProved, parseTactic, proofOf } from "./tactics.js";
import { atom, evaluate, operation, readTerm, replace, type Term } from "./term.js";

const term = (text: string): Term => readTerm(text.split(" "), 0).term;

function holds(
  { relation, left, right }: Order,
  values: Readonly<Record<string, number>>,
): boolean {
  const [l, r] = [left, right].map((each) => evaluate(each, (name) => values[name] ?? 0)) as [
    number,
    number,
  ];
  return relation === "<" ? l < r : l <= r;
}

/** Every assignment of numbers below `below` to the names. */
function* assignments(names: readonly string[], below: number): Generator<Record<string, number>> {
  for (let i = 0; i < below ** names.length; i++) {
    const values: Record<string, number> = {};
    names.forEach((name, k) => (values[name] = Math.floor(i / below ** k) % below));
    yield values;
  }
}

describe("the laws", () => {
  test.each(SCHEMAS.flat().map((schema) => [schema.name, schema] as const))(
    "%s holds of all small numbers, and not without its condition",
    (_, { pattern, result, condition: [relation, left, right] }) => {
      let broken = 0;
      for (const values of assignments(["u", "v"], 7)) {
        const at = (name: string): number => values[name] ?? 0;
        const equal = evaluate(pattern, at) === at(result);
        const met = holds({ relation, left: atom(left), right: atom(right) }, values);
        if (met) expect(equal, JSON.stringify(values)).toBe(true);
        else if (!equal) broken++;
      }
      expect(broken).toBeGreaterThan(0);
    },
  );

  test.each([
    ["+ - a b b", ["a", "b"]],
    ["+ b - a b", ["a", "b"]],
    ["- a - a b", ["b", "a"]],
    ["/ * a b b", ["a", "0"]],
    ["/ * b a b", ["a", "0"]],
    ["max a b", ["a", "b"]],
    ["min a 0", ["a", "0"]],
    ["- a b", []],
    ["+ - a b c", []],
    ["/ * a b c", []],
    ["max a max b c", []],
  ])("%s may be rewritten to %j", (text, results) => {
    expect(lawsFor(term(text)).map(({ result }) => result.text)).toEqual(results);
  });

  test("the first redex is the leftmost innermost one", () => {
    expect(firstRedex(term("max + - a b b min c d"))?.text).toBe("+ - a b b");
    expect(firstRedex(term("+ - max a b c c"))?.text).toBe("max a b");
    expect(firstRedex(term("- a b"))).toBeUndefined();
  });

  test("every occurrence of a redex is replaced", () => {
    const whole = operation("max", term("min a b"), term("+ - min a b c c"));
    expect(replace(whole, "min a b", atom("d")).text).toBe("max d + - d c c");
  });
});

describe("the decision procedure", () => {
  test("agrees with all small models on facts and goals drawn at random", () => {
    const random = Random.from(3, "rewriting-decision");
    const names = ["a", "b", "c"];
    const draw = (): Order => ({
      relation: random.pick(["<", "<="] as const),
      left: atom(random.pick(["0", ...names])),
      right: atom(random.pick(["0", ...names])),
    });
    let provable = 0;
    let consistent = 0;
    for (let i = 0; i < 1500; i++) {
      const facts = Array.from({ length: 1 + random.below(4) }, draw);
      // a difference constraint that fails at all fails at numbers below the number of names plus one
      const models = [...assignments(names, 5)].filter((m) => facts.every((f) => holds(f, m)));
      if (models.length === 0) continue;
      consistent++;
      const goal = draw();
      const valid = models.every((model) => holds(goal, model));
      expect(isProvable(goal, facts), sequentText({ facts, goal })).toBe(valid);
      if (valid) provable++;
    }
    expect(consistent).toBeGreaterThan(500);
    expect(provable).toBeGreaterThan(150);
  });

  test("a shortest proof is one that the engine and the kernel take", () => {
    const { facts, goal } = parseSequent("h0 < a b h1 <= b c h2 <= d 0 |- < d c");
    const actions = shortestProof(goal, facts)!;
    expect(actions).toEqual(["use h1", "use h0", "zero", "use h2"]);
    expect(stepsToProve(goal, facts)).toBe(4);
    expect(proved({ facts, goal }, actions)).toBe(true);
  });

  test("nothing follows of numbers that no fact speaks of, but 0 <= x", () => {
    const at = (text: string): boolean => {
      const { facts, goal } = parseSequent(text);
      return isProvable(goal, facts);
    };
    expect(at("|- <= 0 a")).toBe(true);
    expect(at("|- < 0 a")).toBe(false);
    expect(at("h0 < b a |- < 0 a")).toBe(true);
    expect(at("|- <= / * a b b a")).toBe(false);
    expect(at("h0 < 0 b |- <= / * a b b a")).toBe(true);
    expect(at("h0 <= b 0 |- <= / * a b b a")).toBe(true);
  });
});

describe("the kernel", () => {
  const sequent = parseSequent("h0 <= b a h1 < a c |- < + - a b b c");
  const development = ["to a", "use h0", "use h1"].reduce((at, action) => {
    const next = applyTactic(at, parseTactic(action)!);
    if ("code" in next) throw new Error(next.message);
    return next;
  }, develop(sequent));
  const proof = proofOf(development)!;

  test("accepts what the tactics make", () => {
    expect(isProved(development)).toBe(true);
    expect(proof).toMatchObject({ kind: "rewrite", law: "sub_add", rest: { kind: "use" } });
  });

  test("accepts it for no other sequent", () => {
    for (const text of [
      "h0 <= a b h1 < a c |- < + - a b b c",
      "h0 <= b a h1 <= a c |- < + - a b b c",
      "h0 <= b a h1 < a c |- < + - a b b a",
      "h0 <= b a |- < + - a b b c",
    ])
      expect(proves(parseSequent(text), proof), text).toBe(false);
  });

  test("wants every side condition proved, by a law of that shape", () => {
    const rewrite = proof as Extract<Proof, { kind: "rewrite" }>;
    for (const forged of [
      { ...rewrite, condition: { kind: "trivial" } },
      { ...rewrite, law: "sub_add_cut" },
      { ...rewrite, law: "max_left" },
      { ...rewrite, law: "no_law" },
      { ...rewrite, redex: term("+ - a c c") },
      { ...rewrite, rest: { kind: "trivial" } },
    ] as Proof[])
      expect(proves(sequent, forged)).toBe(false);
  });

  test("proves nothing false: random proofs of random sequents, against all small models", () => {
    const random = Random.from(9, "rewriting-kernel");
    let accepted = 0;
    for (let i = 0; i < 4000; i++) {
      const drawn = drawSequent(random);
      const proof = drawProof(random, drawn, 4);
      if (!proves(drawn, proof)) continue;
      accepted++;
      for (const model of assignments(["a", "b", "c"], 4))
        if (drawn.facts.every((fact) => holds(fact, model)))
          expect(holds(drawn.goal, model), sequentText(drawn)).toBe(true);
    }
    expect(accepted).toBeGreaterThan(200);
  });
});

test("renaming variables and reordering facts changes no key", () => {
  const key = (text: string): string => sequentKey(parseSequent(text));
  const first = key("h0 <= b a h1 < a c h2 < c d |- < + - a b b c");
  expect(key("h0 < d c h1 < b d h2 <= a b |- < + - b a a d")).toBe(first);
  expect(key("h0 <= a b h1 < a c h2 < c d |- < + - a b b c")).not.toBe(first);
});

test.each([
  "",
  "|-",
  "|- < a",
  "h0 < a b",
  "h1 < a b |- < a b",
  "h0 < max a b b |- < a b",
  "|- < a b c",
])("%j is no sequent", (text) => {
  expect(() => parseSequent(text)).toThrow(expect.objectContaining({ code: "REWRITING_SYNTAX" }));
});

function proved(sequent: Sequent, actions: readonly string[]): boolean {
  let development = develop(sequent);
  for (const action of actions) {
    const next = applyTactic(development, parseTactic(action)!);
    if ("code" in next) return false;
    development = next;
  }
  return isProved(development);
}

function drawSequent(random: Random): Sequent {
  const name = (): Term => atom(random.pick(["0", "a", "b", "c"]));
  const relation = (): "<" | "<=" => random.pick(["<", "<="] as const);
  const [pattern] = random.pick(SCHEMAS);
  const [u, v] = [name(), name()];
  const fill = (at: Term): Term =>
    at.kind === "atom"
      ? at.text === "u"
        ? u
        : v
      : operation(at.operator, fill(at.left), fill(at.right));
  const side = (): Term => (random.uniform() < 0.5 ? fill(pattern.pattern) : name());
  return {
    facts: Array.from({ length: 3 }, () => ({ relation: relation(), left: name(), right: name() })),
    goal: { relation: relation(), left: side(), right: side() },
  };
}

/** Any proof at all, built without a look at what it proves. */
function drawProof(random: Random, { goal }: Sequent, depth: number): Proof {
  const inner = (): Proof => drawProof(random, { facts: [], goal }, depth - 1);
  const kind = depth === 0 ? 0 : random.below(4);
  if (kind === 0) return { kind: "trivial" };
  if (kind === 1) return { kind: "use", fact: random.below(3), rest: inner() };
  if (kind === 2) return { kind: "zero", rest: inner() };
  const redex = goal.left.kind === "operation" ? goal.left : goal.right;
  const law = random.pick(SCHEMAS.flat()).name;
  return { kind: "rewrite", law, redex, condition: inner(), rest: inner() };
}

test("a sequent of more symbols than a recursion goes deep is none", () => {
  expect(() => parseSequent(`|- <= ${"+ a ".repeat(50_000)}a b`)).toThrowError(
    expect.objectContaining({ code: "REWRITING_SYNTAX" }),
  );
});
