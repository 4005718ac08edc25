/** Sequents: what is assumed and what is to be shown. */
import { ErrataError } from "../../util/error.js";
import { ATOMS, type Formula, readFormula, renameAtoms, renamedText } from "./formula.js";

/** `hypotheses |- goal`. */
export interface Sequent {
  readonly hypotheses: readonly Formula[];
  readonly goal: Formula;
}

/** Most hypotheses a goal may have: they are named h0 to h7. */
export const MAX_HYPOTHESES = 8;

/** Names of the hypotheses, by position. */
export const HYPOTHESIS_NAMES: readonly string[] = Array.from(
  { length: MAX_HYPOTHESES },
  (_, i) => `h${i}`,
);

/** The turnstile, between the hypotheses and the goal. */
export const TURNSTILE = "|-";

/** Hypotheses first and the goal last, in symbols: `h0 -> p q h1 p |- \/ q r`. */
export function sequentText({ hypotheses, goal }: Sequent): string {
  let text = "";
  for (let i = 0; i < hypotheses.length; i++) text += `h${i} ${hypotheses[i]!.text} `;
  return `${text}${TURNSTILE} ${goal.text}`;
}

/**
 * Reads what {@link sequentText} writes.
 * @throws ErrataError `PROOF_SYNTAX` on anything else.
 */
export function parseSequent(text: string): Sequent {
  const symbols = text.split(" ");
  const hypotheses: Formula[] = [];
  let at = 0;
  while (symbols[at] !== TURNSTILE) {
    const name = HYPOTHESIS_NAMES[hypotheses.length];
    if (name === undefined || symbols[at] !== name) {
      throw new ErrataError(
        `"${text}": expected ${name ?? TURNSTILE}, found ${symbols[at] ?? "the end"}`,
        {
          code: "PROOF_SYNTAX",
          hint: "write sequents as h0 FORMULA h1 FORMULA ... |- FORMULA, with at most 8 hypotheses",
        },
      );
    }
    const { formula, end } = readFormula(symbols, at + 1);
    hypotheses.push(formula);
    at = end;
  }
  const { formula: goal, end } = readFormula(symbols, at + 1);
  if (end !== symbols.length) {
    throw new ErrataError(`"${text}" goes on after the goal`, { code: "PROOF_SYNTAX" });
  }
  return { hypotheses, goal };
}

/** The same sequent with atoms renamed p, q, ... in the order of their first occurrence, goal last. */
export function canonicalSequent({ hypotheses, goal }: Sequent): Sequent {
  const renaming = firstOccurrences([...hypotheses, goal]);
  return {
    hypotheses: hypotheses.map((hypothesis) => renameAtoms(hypothesis, renaming)),
    goal: renameAtoms(goal, renaming),
  };
}

/**
 * A text that is equal for sequents that differ only in the names of atoms and in the order of the
 * hypotheses: atoms are renamed by first occurrence in the goal, and those that occur in hypotheses
 * alone by whichever order gives the least text.
 */
export function sequentKey({ hypotheses, goal }: Sequent): string {
  const inGoal = firstOccurrences([goal]);
  const goalText = renamedText(goal, inGoal);
  const rest = ATOMS.map((_, index) => index).filter(
    (index) =>
      inGoal[index] === undefined && hypotheses.some((h) => h.text.includes(ATOMS[index]!)),
  );
  const first = inGoal.filter((index) => index !== undefined).length;
  let least: string | undefined;
  for (const order of permutations(rest)) {
    const renaming = [...inGoal];
    order.forEach((index, position) => (renaming[index] = first + position));
    const texts = hypotheses.map((hypothesis) => renamedText(hypothesis, renaming));
    const key = texts.sort().join(";");
    if (least === undefined || key < least) least = key;
  }
  return `${least} ${TURNSTILE} ${goalText}`;
}

/** `renaming[i]`: the position at which atom i first occurs among the atoms; a hole if it does not. */
function firstOccurrences(formulas: readonly Formula[]): number[] {
  const renaming: number[] = [];
  let next = 0;
  const visit = (formula: Formula): void => {
    if (formula.kind === "atom") renaming[formula.index] ??= next++;
    else if (formula.kind !== "false") {
      visit(formula.left);
      visit(formula.right);
    }
  };
  formulas.forEach(visit);
  return renaming;
}

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]),
  );
}
