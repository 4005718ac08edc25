/** Formulas of intuitionistic propositional logic. Equal formulas are the same object. */
import { ErrataError } from "../../util/error.js";

/** The atoms, in the order in which {@link renameAtoms} hands them out. */
export const ATOMS: readonly string[] = ["p", "q", "r", "s", "t"];

/** Prefix symbol of each connective; negation is written `-> A False`. */
export const CONNECTIVES = { implies: "->", and: "/\\", or: "\\/" } as const;

/** A propositional atom. */
export interface Atom {
  readonly kind: "atom";
  /** Unique among formulas: equality and memo keys compare this. */
  readonly id: number;
  /** Index into {@link ATOMS}. */
  readonly index: number;
  readonly text: string;
}

/** The absurd proposition, from which everything follows. */
export interface Falsity {
  readonly kind: "false";
  readonly id: number;
  readonly text: string;
}

/** An implication, a conjunction or a disjunction. */
export interface Compound {
  readonly kind: keyof typeof CONNECTIVES;
  readonly id: number;
  readonly left: Formula;
  readonly right: Formula;
  /** Prefix notation, symbols separated by a space. */
  readonly text: string;
}

/** An immutable formula; compare with `===`. */
export type Formula = Atom | Falsity | Compound;

const CODES = { implies: 0, and: 1, or: 2 } as const;
const FALSE: Falsity = { kind: "false", id: ATOMS.length, text: "False" };
const ATOM_FORMULAS: readonly Atom[] = ATOMS.map((text, index) => ({
  kind: "atom",
  id: index,
  index,
  text,
}));
const KINDS: ReadonlyMap<string, Compound["kind"]> = new Map([
  [CONNECTIVES.implies, "implies"],
  [CONNECTIVES.and, "and"],
  [CONNECTIVES.or, "or"],
]);

// Kept for good: some three formulas for each theorem drawn.
const compounds = new Map<number, Compound>();

function compound(kind: Compound["kind"], left: Formula, right: Formula): Compound {
  const key = (left.id * 2 ** 25 + right.id) * 3 + CODES[kind]; // exact below 2^53: ids stay below 2^25
  let found = compounds.get(key);
  if (found === undefined) {
    const text = `${CONNECTIVES[kind]} ${left.text} ${right.text}`;
    found = { kind, id: FALSE.id + 1 + compounds.size, left, right, text };
    compounds.set(key, found);
  }
  return found;
}

/**
 * The atom of an index into {@link ATOMS}.
 * @throws RangeError on an index outside [0, 5).
 */
export function atom(index: number): Atom {
  const found = ATOM_FORMULAS[index];
  if (found === undefined)
    throw new RangeError(`atom: index ${index} is not in [0, ${ATOMS.length})`);
  return found;
}

/** The absurd proposition. */
export const falsity: Formula = FALSE;

/** `left -> right`. */
export function implies(left: Formula, right: Formula): Compound {
  return compound("implies", left, right);
}

/** `left /\ right`. */
export function and(left: Formula, right: Formula): Compound {
  return compound("and", left, right);
}

/** `left \/ right`. */
export function or(left: Formula, right: Formula): Compound {
  return compound("or", left, right);
}

/** What an implication proves once all its premises are proved; any other formula is its own head. */
export function headOf(formula: Formula): Formula {
  let head = formula;
  while (head.kind === "implies") head = head.right;
  return head;
}

/** Whether `part` is an atom or False that occurs in `whole`. */
export function occursIn(part: Formula, whole: Formula): boolean {
  if (whole.kind === "atom" || whole.kind === "false") return part === whole;
  return occursIn(part, whole.left) || occursIn(part, whole.right);
}

/** The text of a formula with every atom i replaced by atom `renaming[i]`; makes no new formula. */
export function renamedText(formula: Formula, renaming: readonly number[]): string {
  if (formula.kind === "atom") return ATOMS[renaming[formula.index]!]!;
  if (formula.kind === "false") return formula.text;
  const left = renamedText(formula.left, renaming);
  return `${CONNECTIVES[formula.kind]} ${left} ${renamedText(formula.right, renaming)}`;
}

/** Replaces every atom; `renaming[i]` is the new index of atom i. */
export function renameAtoms(formula: Formula, renaming: readonly number[]): Formula {
  if (formula.kind === "atom") return atom(renaming[formula.index]!);
  if (formula.kind === "false") return formula;
  return compound(
    formula.kind,
    renameAtoms(formula.left, renaming),
    renameAtoms(formula.right, renaming),
  );
}

/** Formulas of more symbols are no task: they could be nested deeper than a recursion goes. */
const MOST_SYMBOLS = 2000;

/**
 * Reads one formula in prefix notation from `symbols[start]` on; returns it with the index after it.
 * @throws ErrataError `PROOF_SYNTAX` when no formula stands there.
 */
export function readFormula(
  symbols: readonly string[],
  start = 0,
): { formula: Formula; end: number } {
  const symbol = symbols[start];
  const index = symbol === undefined ? -1 : ATOMS.indexOf(symbol);
  if (index >= 0) return { formula: atom(index), end: start + 1 };
  if (symbol === FALSE.text) return { formula: falsity, end: start + 1 };
  const kind = symbol === undefined ? undefined : KINDS.get(symbol);
  if (kind === undefined || symbols.length > MOST_SYMBOLS) {
    const shown = symbols.slice(0, MOST_SYMBOLS).join(" ");
    throw new ErrataError(`no formula at symbol ${start} of "${shown}"`, {
      code: "PROOF_SYNTAX",
      hint: "write formulas in prefix notation, for example: -> p \\/ q r",
    });
  }
  const left = readFormula(symbols, start + 1);
  const right = readFormula(symbols, left.end);
  return { formula: compound(kind, left.formula, right.formula), end: right.end };
}

/**
 * The formula written in prefix notation.
 * @throws ErrataError `PROOF_SYNTAX` on anything else.
 */
export function parseFormula(text: string): Formula {
  const symbols = text.split(" ");
  const { formula, end } = readFormula(symbols);
  if (end !== symbols.length) {
    throw new ErrataError(`"${text}" goes on after a whole formula`, { code: "PROOF_SYNTAX" });
  }
  return formula;
}
