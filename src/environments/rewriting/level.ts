/** Difficulty levels of the theorems that are drawn. */

/** What sets a level apart. Ranges include both ends. */
export interface Level {
  readonly name: string;
  /** Range of the number of forks: redexes of which one law's condition can be proved, not the other's. */
  readonly forks: readonly [number, number];
  /** Range of the number of forks at which the first law is the wrong one. */
  readonly exceptions: readonly [number, number];
  /** Range of the length of the correct script, in tactics. */
  readonly tactics: readonly [number, number];
}

/** The levels, easiest first. No theorem belongs to two, for they differ in `forks`. */
export const LEVELS: readonly Level[] = [
  { name: "few-conditions", forks: [2, 3], exceptions: [1, 2], tactics: [4, 9] },
  { name: "many-conditions", forks: [4, 5], exceptions: [2, 3], tactics: [7, 13] },
];
