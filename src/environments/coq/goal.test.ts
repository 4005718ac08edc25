import { describe, expect, test } from "vitest";
import { parseGoal, parseInfix, parseProof } from "./goal.js";

const TWO = `2 goals (ID 9)
  
  p, q : Prop
  h0, h1 : p
  h2 : (p -> q) -> False
  ============================
  p \\/ q

goal 2 (ID 10) is:
 (q \\/ p -> False) /\\ ~ p

`;

test("reads the goals that Coq prints", () => {
  const proof = parseProof(TWO);
  expect(proof).toMatchObject({ open: 2, finished: false });
  expect(proof.text).not.toContain("ID");
  expect(proof.first).toEqual({
    hypotheses: [
      { name: "p", type: "Prop" },
      { name: "q", type: "Prop" },
      { name: "h0", type: "p" },
      { name: "h1", type: "p" },
      { name: "h2", type: "(p -> q) -> False" },
    ],
    conclusion: "p \\/ q",
  });
});

test("only Coq's own line says that nothing is left", () => {
  expect(parseProof("No more goals.\n")).toMatchObject({ open: 0, finished: true });
  expect(parseProof("1 focused goal (shelved: 1) (ID 3)\n  \n  ====\n  nat\n")).toMatchObject({
    open: 1,
    finished: false,
  });
  expect(parseProof("All the remaining goals are on the shelf.\n").finished).toBe(false);
  expect(parseGoal("no goal here")).toBeUndefined();
});

describe("parseInfix", () => {
  test.each([
    ["p", "p"],
    ["p -> q -> r", "-> p -> q r"],
    ["(p -> q) -> r", "-> -> p q r"],
    ["p /\\ q \\/ r -> s", "-> \\/ /\\ p q r s"],
    ["p \\/ q \\/ r", "\\/ p \\/ q r"],
    ["~ p \\/ False", "\\/ -> p False False"],
  ])("%s", (text, prefix) => {
    expect(parseInfix(text)?.text).toBe(prefix);
  });

  test.each(["n = 0", "p ->", "(p", "forall x, p", "P", "p q", ""])("%s is none", (text) => {
    expect(parseInfix(text)).toBeUndefined();
  });
});

test("a formula of more symbols than a recursion goes deep is none of propositional logic", () => {
  expect(parseInfix(`${"(".repeat(50_000)}p${")".repeat(50_000)}`)).toBeUndefined();
});
