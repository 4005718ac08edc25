/** Scripts as Coq proofs, so that another kernel can check what ours accepts. */
import { isTrivial, type Order, type Schema, SCHEMAS } from "./law.js";
import type { Sequent } from "./sequent.js";
import { goalRedex, lawTo, parseTactic, refine } from "./tactics.js";
import { ATOMS, type Term } from "./term.js";

/** A script to write out. */
export interface Script {
  readonly sequent: Sequent;
  readonly actions: readonly string[];
  /** Name of the theorem. Default `example`. */
  readonly name?: string;
}

const INFIX: ReadonlySet<string> = new Set(["+", "-", "*", "/"]);

/** A term as Coq writes it. */
export function coqTerm(term: Term): string {
  if (term.kind === "atom") return term.text;
  const [left, right] = [coqTerm(term.left), coqTerm(term.right)];
  return INFIX.has(term.operator)
    ? `(${left} ${term.operator} ${right})`
    : `(Nat.${term.operator} ${left} ${right})`;
}

/** An order as Coq writes it. */
export function coqOrder({ relation, left, right }: Order): string {
  return `${coqTerm(left)} ${relation} ${coqTerm(right)}`;
}

/**
 * What every script needs first: each law and each kind of transitivity as a lemma, proved by `lia`
 * or from the standard library.
 */
export function coqPreamble(): string {
  return [
    "From Coq Require Import Arith Lia.",
    ...SCHEMAS.flat().map(lawLemma),
    ...CHAINS.map(([name, premise, fact, conclusion]) =>
      lemma(name, `forall u w v, u ${premise} w -> w ${fact} v -> u ${conclusion} v`, "lia"),
    ),
    ...(["<", "<="] as const).map((relation) =>
      lemma(`zero_${word(relation)}`, `forall u v, u ${relation} 0 -> u ${relation} v`, "lia"),
    ),
    "",
  ].join("\n");
}

/** Premise, fact and conclusion of a chain; the premise is what `use` leaves to show. */
const CHAINS = [
  ["use_lt_lt", "<=", "<", "<"],
  ["use_lt_le", "<", "<=", "<"],
  ["use_le_lt", "<=", "<", "<="],
  ["use_le_le", "<=", "<=", "<="],
] as const;

function word(relation: Order["relation"]): "lt" | "le" {
  return relation === "<" ? "lt" : "le";
}

function lawLemma({ name, pattern, result, condition: [relation, left, right] }: Schema): string {
  const statement = `forall u v, ${left} ${relation} ${right} -> ${coqTerm(pattern)} = ${result}`;
  const proof = name.startsWith("mul_div")
    ? `intros u v h; ${divisionProof(name)}`
    : `intros u v h; lia`;
  return lemma(`law_${name}`, statement, proof);
}

function divisionProof(name: string): string {
  if (name.endsWith("_zero"))
    return "replace v with 0 by lia; simpl; rewrite ?Nat.mul_0_r; reflexivity";
  return name === "mul_div"
    ? "apply Nat.div_mul; lia"
    : "rewrite Nat.mul_comm; apply Nat.div_mul; lia";
}

function lemma(name: string, statement: string, proof: string): string {
  return `Lemma ${name} : ${statement}.\nProof. ${proof}. Qed.`;
}

/**
 * A Coq theorem with the script as its proof, to be run after {@link coqPreamble}. Actions from the
 * first refused one on are left out, after a sentence that fails.
 */
export function coqScript({ sequent, actions, name = "example" }: Script): string {
  const facts = sequent.facts.map((fact, i) => `(h${i} : ${coqOrder(fact)})`);
  const variables = `(${ATOMS.slice(1).join(" ")} : nat)`;
  return [
    `Theorem ${name} ${[variables, ...facts].join(" ")} : ${coqOrder(sequent.goal)}.`,
    "Proof.",
    ...translate(sequent, actions),
    "Qed.",
    "",
  ].join("\n");
}

/** A goal as Coq has it, with what to do when it comes first. */
interface Open {
  readonly goal: Order;
  readonly first: readonly string[];
}

function translate({ facts, goal: whole }: Sequent, actions: readonly string[]): string[] {
  const lines: string[] = [];
  let open: Open[] = [{ goal: whole, first: [] }];
  const settle = (): void => {
    for (let top = open[0]; top !== undefined; top = open[0]) {
      lines.push(...top.first);
      open = [{ goal: top.goal, first: [] }, ...open.slice(1)];
      if (!isTrivial(top.goal)) return;
      lines.push(top.goal.left.text === "0" ? "apply Nat.le_0_l." : "apply Nat.le_refl.");
      open = open.slice(1);
    }
  };
  settle();
  for (const [i, action] of actions.entries()) {
    const [top, ...others] = open;
    const tactic = parseTactic(action);
    if (top === undefined || tactic === undefined) break;
    const refinement = refine(top.goal, facts, tactic);
    if ("code" in refinement) {
      lines.push("fail.");
      break;
    }
    const [one, two] = refinement.goals;
    const left = word(top.goal.relation);
    if (tactic.name === "to") {
      const law = lawTo(goalRedex(top.goal)!, tactic.atom)!;
      const { u, v } = law.operands;
      lines.push(`assert (side${i} : ${coqOrder(one!)}).`);
      const rewrite = `rewrite (law_${law.name} ${u.text} ${v.text} side${i}).`;
      open = [{ goal: one!, first: [] }, { goal: two!, first: [rewrite] }, ...others];
    } else {
      lines.push(
        tactic.name === "zero"
          ? `refine (zero_${left} _ _ _).`
          : `refine (use_${left}_${word(facts[tactic.fact]!.relation)} _ _ _ _ h${tactic.fact}).`,
      );
      open = [{ goal: one!, first: [] }, ...others];
    }
    settle();
  }
  return lines.map((line) => `  ${line}`);
}
