/** The untrusted part: tactics refine the first open goal and leave a proof with holes. */
import { afterFact, type Proof, proves, rewritten } from "./kernel.js";
import { firstRedex, isTrivial, type Law, lawsFor, type Order, orderText } from "./law.js";
import { FACT_NAMES, type Sequent } from "./sequent.js";
import { ATOMS, type Term, ZERO } from "./term.js";

export type Tactic =
  /** Rewrite the first redex to an atom; the side condition comes first among the goals. */
  | { readonly name: "to"; readonly atom: string }
  /** Transitivity with a fact that ends in the goal's right side. */
  | { readonly name: "use"; readonly fact: number }
  /** Transitivity with `0 <= v`. */
  | { readonly name: "zero" };

const TACTICS: ReadonlyMap<string, Tactic> = new Map<string, Tactic>([
  ...ATOMS.map((each) => [`to ${each}`, { name: "to", atom: each }] as const),
  ...FACT_NAMES.map((name, fact) => [`use ${name}`, { name: "use", fact }] as const),
  ["zero", { name: "zero" }],
]);

/** Every action: five results, five facts, and `zero`. */
export const ACTIONS: readonly string[] = [...TACTICS.keys()];

/** The tactic an action names, or undefined for a text that names none. */
export function parseTactic(action: string): Tactic | undefined {
  return TACTICS.get(action);
}

export type RejectionCode =
  /** `to`: nothing is left to rewrite. */
  | "no-redex"
  /** `to`: no law, whatever its condition, rewrites the first redex to that atom. */
  | "no-law"
  /** `use`, `zero`: something is left to rewrite. */
  | "not-atomic"
  /** `use`: no fact stands at that position. */
  | "unknown-fact"
  /** `use`: the fact does not end in the goal's right side. `zero`: that side is 0. */
  | "mismatch"
  /** Everything is proved already. */
  | "no-goal";

export interface Rejection {
  readonly code: RejectionCode;
  readonly message: string;
}

/** A proof under way. Immutable: a fork is another reference. */
export interface Development {
  readonly sequent: Sequent;
  /** Open goals; tactics act on the first. */
  readonly goals: readonly Order[];
  readonly trail: Trail | undefined;
}

interface Trail {
  readonly node: Node;
  readonly before: Trail | undefined;
}

/** A proof step; `open` says of each of its premises whether it is yet to be proved. */
interface Node {
  readonly open: readonly boolean[];
  readonly make: (premises: readonly Proof[]) => Proof;
}

interface Refinement {
  readonly goals: readonly Order[];
  readonly make: Node["make"];
}

const TRIVIAL: Proof = { kind: "trivial" };

/** The start of a proof. */
export function develop(sequent: Sequent): Development {
  const { goal } = sequent;
  return { sequent, goals: isTrivial(goal) ? [] : [goal], trail: undefined };
}

/** The first redex of a goal, left side first. */
export function goalRedex({ left, right }: Order): Term | undefined {
  return firstRedex(left) ?? firstRedex(right);
}

/** The law that `to` an atom stands for at a redex: the first one with that result. */
export function lawTo(redex: Term, result: string): Law | undefined {
  return lawsFor(redex).find((law) => law.result.text === result);
}

/** What a tactic makes of a goal. Premises that are trivial are not filtered out here. */
export function refine(
  goal: Order,
  facts: readonly Order[],
  tactic: Tactic,
): Refinement | Rejection {
  const redex = goalRedex(goal);
  if (tactic.name === "to") {
    if (redex === undefined)
      return { code: "no-redex", message: `nothing is left to rewrite in ${orderText(goal)}` };
    const law = lawTo(redex, tactic.atom);
    if (law === undefined)
      return { code: "no-law", message: `no law rewrites ${redex.text} to ${tactic.atom}` };
    return {
      goals: [law.condition, rewritten(goal, redex, law.result)],
      make: ([condition, rest]) => ({
        kind: "rewrite",
        law: law.name,
        redex,
        condition: condition!,
        rest: rest!,
      }),
    };
  }
  if (redex !== undefined)
    return { code: "not-atomic", message: `${redex.text} is to be rewritten first` };
  if (tactic.name === "zero") {
    if (goal.right.text === ZERO.text)
      return { code: "mismatch", message: `the right side of ${orderText(goal)} is 0 already` };
    return {
      goals: [{ ...goal, right: ZERO }],
      make: ([rest]) => ({ kind: "zero", rest: rest! }),
    };
  }
  const { fact } = tactic;
  if (facts[fact] === undefined)
    return { code: "unknown-fact", message: `there is no ${FACT_NAMES[fact]}` };
  const rest = afterFact(goal, facts[fact]);
  if (rest === undefined) {
    const message = `${FACT_NAMES[fact]} (${orderText(facts[fact])}) does not end in ${goal.right.text}`;
    return { code: "mismatch", message };
  }
  return { goals: [rest], make: ([premise]) => ({ kind: "use", fact, rest: premise! }) };
}

/** Applies a tactic to the first open goal; trivial goals are closed at once. */
export function applyTactic(development: Development, tactic: Tactic): Development | Rejection {
  const { sequent, goals, trail } = development;
  const [goal, ...others] = goals;
  if (goal === undefined) return { code: "no-goal", message: "everything is proved already" };
  const refinement = refine(goal, sequent.facts, tactic);
  if ("code" in refinement) return refinement;
  const open = refinement.goals.map((each) => !isTrivial(each));
  return {
    sequent,
    goals: [...refinement.goals.filter((_, i) => open[i]), ...others],
    trail: { node: { open, make: refinement.make }, before: trail },
  };
}

/** Whether no goal is open and the kernel accepts the proof. */
export function isProved(development: Development): boolean {
  const proof = proofOf(development);
  return proof !== undefined && proves(development.sequent, proof);
}

/** The finished proof; undefined while a goal is open. */
export function proofOf({ goals, trail }: Development): Proof | undefined {
  if (goals.length > 0) return undefined;
  const nodes: Node[] = [];
  for (let at = trail; at !== undefined; at = at.before) nodes.push(at.node);
  // Tactics act on the first goal, so the steps are the nodes of the proof in prefix order.
  const build = (): Proof => {
    const node = nodes.pop()!;
    return node.make(node.open.map((open) => (open ? build() : TRIVIAL)));
  };
  return nodes.length === 0 ? TRIVIAL : build();
}
