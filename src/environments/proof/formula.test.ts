import { describe, expect, test } from "vitest";
import {
  and,
  atom,
  ATOMS,
  type Formula,
  falsity,
  headOf,
  implies,
  or,
  parseFormula,
} from "./formula.js";
import { parseSequent, sequentKey, sequentText } from "./sequent.js";

const [p, q, r] = [atom(0), atom(1), atom(2)];

describe("formulas", () => {
  test("equal formulas are one object, different ones are not", () => {
    expect(implies(p, or(q, r))).toBe(implies(p, or(q, r)));
    const all: Formula[] = [
      p,
      q,
      falsity,
      implies(p, q),
      implies(q, p),
      and(p, q),
      or(p, q),
      or(and(p, q), r),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(new Set(all.map(({ text }) => text)).size).toBe(all.length);
  });

  test("are written in prefix notation", () => {
    expect(implies(p, or(and(q, r), falsity)).text).toBe("-> p \\/ /\\ q r False");
  });

  test.each(["", "u", "->", "-> p", "p q", "\\/ p", "p ->", " p"])("%j is no formula", (text) => {
    expect(() => parseFormula(text)).toThrowError(
      expect.objectContaining({ code: "PROOF_SYNTAX" }),
    );
  });

  test("an atom index out of range is refused", () => {
    expect(() => atom(ATOMS.length)).toThrow(RangeError);
  });

  test("the head is what remains after the premises", () => {
    expect(headOf(implies(p, implies(q, falsity)))).toBe(falsity);
    expect(headOf(or(p, q))).toBe(or(p, q));
  });
});

describe("sequents", () => {
  test("show the hypotheses first and the goal last", () => {
    expect(sequentText({ hypotheses: [implies(p, q), p], goal: or(q, r) })).toBe(
      "h0 -> p q h1 p |- \\/ q r",
    );
  });

  test.each(["", "p", "|-", "h1 p |- q", "h0 |- q", "h0 p h0 q |- r", "h0 p |- q r"])(
    "%j is no sequent",
    (text) => {
      expect(() => parseSequent(text)).toThrowError(
        expect.objectContaining({ code: "PROOF_SYNTAX" }),
      );
    },
  );

  test("one of more symbols than a recursion goes deep is no sequent", () => {
    const deep = `|- ${"-> p ".repeat(50_000)}p`;
    expect(() => parseSequent(deep)).toThrowError(
      expect.objectContaining({ code: "PROOF_SYNTAX" }),
    );
  });

  test("different theorems have different keys", () => {
    const keys = [
      "h0 p |- p",
      "h0 p |- q",
      "h0 -> p q |- p",
      "h0 -> p q |- q",
      "h0 -> p q |- r",
    ].map((text) => sequentKey(parseSequent(text)));
    expect(new Set(keys).size).toBe(keys.length);
  });
});
