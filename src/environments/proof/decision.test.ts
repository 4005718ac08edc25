import { describe, expect, test } from "vitest";
import { isProvable } from "./decision.js";
import { and, atom, type Formula, falsity, implies, or, parseFormula } from "./formula.js";

describe("the decision procedure", () => {
  test.each([
    ["identity", "-> p p"],
    ["double negation of excluded middle", "-> -> \\/ p -> p False False False"],
    ["triple negation", "-> -> -> -> p False False False -> p False"],
    ["contraposition", "-> -> p q -> -> q False -> p False"],
    ["double negation of Peirce's law", "-> -> -> -> -> p q p p False False"],
    ["distribution", "-> /\\ p \\/ q r \\/ /\\ p q /\\ p r"],
    ["one law of De Morgan", "-> -> \\/ p q False /\\ -> p False -> q False"],
    ["weak law of De Morgan", "-> \\/ -> p False -> q False -> /\\ p q False"],
    ["disjunctive syllogism", "-> \\/ p q -> -> p False q"],
    ["ex falso", "-> False p"],
    ["a premise used twice", "-> -> -> p q p -> -> p q q"],
  ])("proves %s", (_, text) => {
    expect(isProvable([], parseFormula(text))).toBe(true);
  });

  test.each([
    ["an atom", "p"],
    ["absurdity", "False"],
    ["excluded middle", "\\/ p -> p False"],
    ["weak excluded middle", "\\/ -> p False -> -> p False False"],
    ["Peirce's law", "-> -> -> p q p p"],
    ["elimination of double negation", "-> -> -> p False False p"],
    ["linearity (Dummett)", "\\/ -> p q -> q p"],
    ["the other law of De Morgan", "-> -> /\\ p q False \\/ -> p False -> q False"],
    ["independence of premise", "-> -> -> p False \\/ q r \\/ -> -> p False q -> -> p False r"],
    ["the converse of contraposition", "-> -> -> q False -> p False -> p q"],
  ])("does not prove %s", (_, text) => {
    expect(isProvable([], parseFormula(text))).toBe(false);
  });

  test("agrees with Kripke models on every formula of at most three connectives over p, q and False", () => {
    const models = kripkeModels(4);
    let provable = 0;
    let total = 0;
    for (const formula of smallFormulas(3)) {
      const proved = isProvable([], formula);
      expect(
        models.every((model) => forces(model, formula)),
        formula.text,
      ).toBe(proved);
      total++;
      if (proved) provable++;
    }
    expect(total).toBe(3 + 27 + 486 + 10_935);
    expect(provable).toBeGreaterThan(1000);
    expect(total - provable).toBeGreaterThan(1000);
  });
});

/** A tree of worlds; world 0 is the root. `facts[w]` has bit i set when atom i holds in world w. */
interface KripkeModel {
  readonly children: readonly (readonly number[])[];
  readonly facts: readonly number[];
}

/** Every tree of `size` worlds in which facts are kept. Finite trees refute what is unprovable. */
function kripkeModels(size: number): KripkeModel[] {
  let trees: number[][] = [[]]; // parents of the worlds 1, 2, ...
  for (let world = 1; world < size; world++) {
    trees = trees.flatMap((parents) =>
      Array.from({ length: world }, (_, parent) => [...parents, parent]),
    );
  }
  return trees.flatMap((parents) => {
    const children = Array.from({ length: size }, (_, world) =>
      parents.flatMap((parent, i) => (parent === world ? [i + 1] : [])),
    );
    let valuations: number[][] = [[0], [1], [2], [3]];
    for (const parent of parents) {
      valuations = valuations.flatMap((facts) =>
        [0, 1, 2, 3]
          .filter((f) => (f & facts[parent]!) === facts[parent])
          .map((f) => [...facts, f]),
      );
    }
    return valuations.map((facts) => ({ children, facts }));
  });
}

function forces(model: KripkeModel, formula: Formula, world = 0): boolean {
  switch (formula.kind) {
    case "atom":
      return (model.facts[world]! & (1 << formula.index)) !== 0;
    case "false":
      return false;
    case "and":
      return forces(model, formula.left, world) && forces(model, formula.right, world);
    case "or":
      return forces(model, formula.left, world) || forces(model, formula.right, world);
    case "implies":
      return (
        (!forces(model, formula.left, world) || forces(model, formula.right, world)) &&
        model.children[world]!.every((child) => forces(model, formula, child))
      );
  }
}

/** Every formula of at most `connectives` connectives over p, q and False. */
function smallFormulas(connectives: number): Formula[] {
  const bySize: Formula[][] = [[atom(0), atom(1), falsity]];
  for (let size = 1; size <= connectives; size++) {
    const made: Formula[] = [];
    for (let leftSize = 0; leftSize < size; leftSize++) {
      for (const left of bySize[leftSize]!) {
        for (const right of bySize[size - 1 - leftSize]!) {
          made.push(implies(left, right), and(left, right), or(left, right));
        }
      }
    }
    bySize.push(made);
  }
  return bySize.flat();
}
