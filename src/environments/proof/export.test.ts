import { expect, test } from "vitest";
import { coqScript, leanScript } from "./export.js";
import { parseSequent } from "./sequent.js";

const script = {
  sequent: parseSequent("h0 \\/ p /\\ q r h1 -> p False |- -> s \\/ q s"),
  actions: ["cases h0", "exfalso", "apply h0", "exact h1", "cases h1", "intro", "left", "exact h1"],
};

test("a script as Coq reads it: hypotheses keep their names while positions shift", () => {
  expect(coqScript(script))
    .toBe(`Theorem example (p q r s t : Prop) (h0 : (p \\/ (q /\\ r))) (h1 : (p -> False)) : (s -> (q \\/ s)).
Proof.
  destruct h0 as [h2 | h3].
  exfalso.
  apply h1.
  exact h2.
  destruct h3 as [h10 h11].
  intro h12.
  left.
  exact h10.
Qed.
`);
});

test("a script as Lean 4 reads it", () => {
  expect(leanScript({ ...script, name: "cases_first" }))
    .toBe(`theorem cases_first (p q r s t : Prop) (h0 : (p ∨ (q ∧ r))) (h1 : (p → False)) : (s → (q ∨ s)) := by
  rcases h0 with h2 | h3
  exfalso
  apply h1
  exact h2
  rcases h3 with ⟨h10, h11⟩
  intro h12
  apply Or.inl
  exact h10
`);
});

test("a script ends after the tactic that is refused", () => {
  const text = coqScript({
    sequent: parseSequent("h0 p |- /\\ p q"),
    actions: ["split", "exact h3", "exact h0"],
  });
  expect(text).toContain("  split.\n  exact no_h3.\nQed.");
});

test("what is no tactic is left out with all that follows", () => {
  const text = coqScript({ sequent: parseSequent("h0 p |- p"), actions: ["auto", "exact h0"] });
  expect(text).toContain("Proof.\nQed.");
});
