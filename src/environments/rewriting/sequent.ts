/** What is to be proved: order facts about variables, and an order between two terms. */
import { ErrataError } from "../../util/error.js";
import { type Order, orderText } from "./law.js";
import { ATOMS, atom, operation, readTerm, type Term } from "./term.js";

/** Names of facts, by position. */
export const FACT_NAMES: readonly string[] = ["h0", "h1", "h2", "h3", "h4"];

/** Between facts and goal. */
export const TURNSTILE = "|-";

/** The facts relate atoms only. */
export interface Sequent {
  readonly facts: readonly Order[];
  readonly goal: Order;
}

/** For example `h0 <= b a |- <= + - a b b a`. */
export function sequentText({ facts, goal }: Sequent): string {
  return `${factsText(facts)} ${TURNSTILE} ${orderText(goal)}`.trimStart();
}

/** For example `h0 <= b a h1 < 0 c`. */
export function factsText(facts: readonly Order[]): string {
  return facts.map((fact, i) => `${FACT_NAMES[i]} ${orderText(fact)}`).join(" ");
}

/**
 * Reads what {@link sequentText} writes.
 * @throws ErrataError `REWRITING_SYNTAX`.
 */
export function parseSequent(text: string): Sequent {
  const symbols = text.split(" ");
  const facts: Order[] = [];
  let at = 0;
  for (; symbols[at] !== TURNSTILE;) {
    const name = FACT_NAMES[facts.length];
    if (name === undefined || symbols[at] !== name) {
      throw syntax(text, `expected ${name ?? TURNSTILE}, found ${symbols[at] ?? "the end"}`);
    }
    const { order, end } = readOrder(text, symbols, at + 1);
    if (order.left.kind !== "atom" || order.right.kind !== "atom")
      throw syntax(text, `${name} relates more than atoms`);
    facts.push(order);
    at = end;
  }
  const { order: goal, end } = readOrder(text, symbols, at + 1);
  if (end !== symbols.length) throw syntax(text, "it goes on after the goal");
  return { facts, goal };
}

function readOrder(
  text: string,
  symbols: readonly string[],
  start: number,
): { readonly order: Order; readonly end: number } {
  const relation = symbols[start];
  if (relation !== "<" && relation !== "<=")
    throw syntax(text, `expected < or <=, found ${relation ?? "the end"}`);
  const left = readTerm(symbols, start + 1);
  const right = readTerm(symbols, left.end);
  return { order: { relation, left: left.term, right: right.term }, end: right.end };
}

function syntax(text: string, fault: string): ErrataError {
  return new ErrataError(`"${text}": ${fault}`, {
    code: "REWRITING_SYNTAX",
    hint: "write sequents as h0 < a b h1 <= b c ... |- <= TERM TERM, with at most 5 facts",
  });
}

/** The sequent with variables renamed a, b, ... in the order of their first occurrence, goal first. */
export function canonicalSequent(sequent: Sequent): Sequent {
  const names = new Map<string, string>();
  collect(sequent.goal, names);
  for (const fact of sequent.facts) collect(fact, names);
  return renamed(sequent, names);
}

/** A text equal for sequents that differ in the names of variables and the order of facts alone. */
export function sequentKey(sequent: Sequent): string {
  const inGoal = new Map<string, string>();
  collect(sequent.goal, inGoal);
  const all = new Map(inGoal);
  for (const fact of sequent.facts) collect(fact, all);
  const rest = [...all.keys()].filter((name) => !inGoal.has(name));
  let least: string | undefined;
  for (const order of permutations(rest)) {
    const names = new Map(inGoal);
    for (const name of order) names.set(name, ATOMS[names.size + 1]!);
    const { facts, goal } = renamed(sequent, names);
    const key = [...facts.map(orderText).sort(), TURNSTILE, orderText(goal)].join(" ");
    if (least === undefined || key < least) least = key;
  }
  return least!;
}

function collect({ left, right }: Order, names: Map<string, string>): void {
  const visit = (term: Term): void => {
    if (term.kind === "operation") {
      visit(term.left);
      visit(term.right);
    } else if (term.text !== "0" && !names.has(term.text)) {
      names.set(term.text, ATOMS[names.size + 1]!);
    }
  };
  visit(left);
  visit(right);
}

function renamed({ facts, goal }: Sequent, names: ReadonlyMap<string, string>): Sequent {
  const rename = (term: Term): Term =>
    term.kind === "atom"
      ? atom(names.get(term.text) ?? term.text)
      : operation(term.operator, rename(term.left), rename(term.right));
  const renameOrder = ({ relation, left, right }: Order): Order => ({
    relation,
    left: rename(left),
    right: rename(right),
  });
  return { facts: facts.map(renameOrder), goal: renameOrder(goal) };
}

function permutations(items: readonly string[]): string[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]),
  );
}
