import { describe, expect, test } from "vitest";
import { isLibrary, statementFault, tacticFault } from "./sentence.js";
import { ATTACKS } from "./testing.js";

describe("tacticFault", () => {
  test.each(ATTACKS)("refuses %j", (text) => {
    expect(tacticFault(text)).toEqual(expect.any(String));
  });

  test.each([
    "intro h7.",
    "intros.",
    "destruct h0 as [h1 | h2].",
    "apply Nat.add_comm.",
    "rewrite -> (Nat.add_comm n m).",
    "left; exact h0.",
    "exact (fun x : p => conj x h0).",
    "assert (h9 : n <= m) by lia.",
    "try exact h0.",
    "repeat split.",
    "exists 3.",
    "case h0 || left.",
    "specialize (h0 n).",
    "now apply h0.",
    "exact (or_introl h0 : p \\/ q).",
  ])("lets %j pass", (text) => {
    expect(tacticFault(text)).toBeUndefined();
  });
});

test("nothing may follow the full stop", () => {
  expect(tacticFault("intro. ")).toEqual(expect.any(String));
});

test("statements may not end the sentence, hide it or smuggle a tactic", () => {
  expect(statementFault("forall n : nat, n + 0 = n")).toBeUndefined();
  for (const text of [
    "",
    "True.",
    "True. Axiom a : False",
    "True (* ",
    'True "a"',
    "exists x : nat, ltac:(exact True)",
  ])
    expect(statementFault(text), text).toEqual(expect.any(String));
});

test("a library is a name and nothing else", () => {
  expect(["Lia", "Coq.Arith.PeanoNat"].every(isLibrary)).toBe(true);
  expect(["lia", "Lia. Drop", "", "../x", 'A"'].some(isLibrary)).toBe(false);
});
