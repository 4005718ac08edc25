import { describe, expect, test } from "vitest";
import { isLibrary, statementFault, tacticFault } from "./sentence.js";

/** Each would do something else than refine a goal by a checked proof. */
export const ATTACKS: readonly string[] = [
  // commands
  "Admitted.",
  "Qed.",
  "Abort.",
  "Axiom cheat : False.",
  'Load "/etc/passwd".',
  'Redirect "/tmp/errata-attack" Print nat.',
  'Declare ML Module "unix".',
  'Extraction "/tmp/errata-attack.ml" nat.',
  "Drop.",
  'Cd "/".',
  "Quit.",
  "Reset Initial.",
  "BackTo 1.",
  "Unset Guard Checking.",
  "Set Printing Width 10.",
  "Time exact h0.",
  "Fail exact h0.",
  "#[local] Axiom cheat : False.",
  "Import Nat.",
  "From Coq Require Import Classical.",
  // holes
  "admit.",
  "give_up.",
  "intro; admit.",
  "try admit.",
  "exact ltac:(admit).",
  "refine (ltac:(give_up)).",
  "assert (x : False) by admit.",
  "shelve.",
  "abstract exact h0.",
  // unchecked terms
  "exact_no_check h0.",
  "vm_cast_no_check h0.",
  "native_cast_no_check h0.",
  // more than one sentence
  "intro. Admitted.",
  "intro.\nAdmitted.",
  "intro.\tQed.",
  "split. exact h0. exact h1.",
  "intro ..",
  "intro...",
  "- intro.",
  "{ intro.",
  "}.",
  "all: exact h0.",
  "2: exact h0.",
  "par: exact h0.",
  // comments and strings that hide a full stop, and forged prompts
  "intro (* . *).",
  "(* *) Admitted.",
  "exact h0 (* .",
  'idtac "<prompt>Coq < 9 || 0 < </prompt>".',
  'idtac "No more goals.".',
  'fail "x".',
  'intro "a. Admitted".',
  // tactics within tactics
  "intro; [ admit | exact h0 ].",
  "first [ admit | exact h0 ].",
  "let x := eval compute in 1 in exact h0.",
  "match goal with |- _ => admit end.",
  "run_tactic foo.",
  "solve [admit].",
  // not even text
  "",
  ".",
  "intro",
  "intró.",
  "intro\u0000.",
  `exact ${"h".repeat(500)}.`,
];

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
