/** Theorems drawn until one fits: what `proof` and `rewriting` have in common. */
import { ErrataError } from "../../util/error.js";
import { hashText, type Random } from "../../util/random.js";
import type { Split } from "../environment.js";

/** Most candidates tried for one theorem. */
const ATTEMPTS = 100_000;

/** How a domain draws. */
export interface Drawing<S, L> {
  /** The domain's. */
  readonly name: string;
  /** A theorem that holds by construction; undefined on a bad draw. */
  candidate(random: Random, level: L): S | undefined;
  /** The same theorem with its variables and hypotheses in the usual order. */
  canonical(candidate: S): S;
  /** Text that renaming or reordering does not change. */
  key(sequent: S): string;
  /** Whether the theorem meets the rules of the level. */
  fits(sequent: S, level: L): boolean;
}

/** What is drawn. */
export interface DrawOptions<L> {
  readonly split: Split;
  readonly level: L;
  readonly random: Random;
}

/**
 * One theorem of a split and level.
 * @throws ErrataError `PROOF_GENERATOR`, with the domain's name in place of `PROOF`, when none is found,
 *   which means that the level's rules clash.
 */
export function drawFrom<S, L extends { readonly name: string }>(
  drawing: Drawing<S, L>,
  { split, level, random }: DrawOptions<L>,
): S {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const candidate = drawing.candidate(random, level);
    if (candidate === undefined || splitOfKey(drawing.key(candidate)) !== split) continue;
    const sequent = drawing.canonical(candidate);
    if (drawing.fits(sequent, level)) return sequent;
  }
  throw new ErrataError(`no theorem of level ${level.name} in ${ATTEMPTS} attempts`, {
    code: `${drawing.name.toUpperCase()}_GENERATOR`,
  });
}

/** A tenth of all theorems is for testing, a tenth for validation. */
export function splitOfKey(key: string): Split {
  const tenth = hashText(key) % 10;
  return tenth === 0 ? "test" : tenth === 1 ? "validation" : "train";
}

export function isWithin(count: number, [least, most]: readonly [number, number]): boolean {
  return least <= count && count <= most;
}
