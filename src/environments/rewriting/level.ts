/** Difficulty levels of the theorems that are drawn. */

/** What sets a level apart. Ranges include both ends. */
export interface Level {
  readonly name: string;
  /** Range of the number of forks: redexes of which one law's condition can be proved, not the other's. */
  readonly forks: readonly [number, number];
  /** Range of the number of forks at which the first law is the wrong one. */
  readonly exceptions: readonly [number, number];
  /** Most facts that the proof of a side condition, or of what is left at last, may need. */
  readonly chain: number;
  /** Range of the length of the correct script, in tactics. */
  readonly tactics: readonly [number, number];
}

/** The levels, easiest first. No theorem belongs to two, for they differ in `forks`. */
export const LEVELS: readonly Level[] = [
  { name: "few-conditions", forks: [3, 3], exceptions: [1, 2], chain: 1, tactics: [5, 8] },
  { name: "many-conditions", forks: [4, 5], exceptions: [2, 3], chain: 2, tactics: [7, 13] },
];
