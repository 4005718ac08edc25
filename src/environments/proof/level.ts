/** Difficulty levels of the theorems that are drawn. */

/** What sets a level apart. Ranges include both ends. */
export interface Level {
  readonly name: string;
  /** Range of the number of fatal forks. */
  readonly forks: readonly [number, number];
  /** Range of the number of forks at which the `mention` mal-rule goes wrong. */
  readonly misleading: readonly [number, number];
  /** Most symbols of the first observation. */
  readonly symbols: number;
  /** Range of the length of the correct script, in tactics. */
  readonly tactics: readonly [number, number];
  /** Most tactics of one attempt. */
  readonly steps: number;
  /** Chance that a disjunction has three disjuncts. */
  readonly nested: number;
  /** Chance that the hypotheses call for a case distinction. */
  readonly either: number;
}

/** The levels, easiest first. No theorem belongs to two, for they differ in `misleading`. */
export const LEVELS: readonly Level[] = [
  {
    name: "few-forks",
    forks: [2, 4],
    misleading: [1, 2],
    symbols: 22,
    tactics: [3, 10],
    steps: 14,
    nested: 0.15,
    either: 0.2,
  },
  {
    name: "many-forks",
    forks: [4, 6],
    misleading: [3, 5],
    symbols: 32,
    tactics: [6, 12],
    steps: 14,
    nested: 0.6,
    either: 0.2,
  },
];

/** Long theorems: every fork has to be taken right, so an attempt that guesses is next to never right. */
export const DEEP: Level = {
  name: "deep",
  forks: [7, 10],
  misleading: [3, 7],
  symbols: 52,
  tactics: [9, 20],
  steps: 26,
  nested: 0.7,
  either: 0.2,
};
