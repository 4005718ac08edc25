/** Difficulty levels of the conversations that are drawn. */

/** What a single errand is about, and what the policy says to it. */
export type ErrandKind =
  | "granted"
  | "in-time"
  | "past-window"
  | "wrong-status"
  | "not-theirs"
  | "out-of-stock"
  | "status"
  | "repair";

/** What sets a level apart. */
export interface Level {
  readonly name: string;
  /** Number of errands. */
  readonly errands: number;
  /** Kinds that must occur, at least as often as they are listed. */
  readonly required: readonly ErrandKind[];
  /** Relative frequency of the kinds of the others. */
  readonly others: Readonly<Partial<Record<ErrandKind, number>>>;
  /** Whether something past the time was delivered no earlier than something in time: weeks alone never decide. */
  readonly crossed: boolean;
  /** Chances that a customer behaves so where they could; see {@link CustomerWays}. */
  readonly ways: CustomerWays;
}

/**
 * How difficult customers are, each a probability.
 *
 * These are degradations of the user: vague, contradictory, pushing for a breach, inattentive.
 */
export interface CustomerWays {
  /** Leaves out the order or the item until asked. */
  readonly vague: number;
  /** Changes or withdraws a request on the first right offer. */
  readonly contradictory: number;
  /** Asks for an exception when refused. */
  readonly pushing: number;
  /** Agrees to offers without checking them. */
  readonly careless: number;
}

/** The levels, easiest first. */
export const LEVELS: readonly Level[] = [
  {
    name: "mixed",
    errands: 2,
    required: ["granted"],
    others: {
      "past-window": 2,
      "wrong-status": 2,
      "not-theirs": 1,
      "out-of-stock": 1,
      status: 1,
      repair: 1,
    },
    crossed: false,
    ways: { vague: 0.2, contradictory: 0.3, pushing: 0.4, careless: 0.5 },
  },
  {
    name: "windows",
    errands: 3,
    required: ["past-window", "past-window", "in-time"],
    others: {},
    crossed: true,
    ways: { vague: 0.15, contradictory: 0.3, pushing: 0.4, careless: 0.5 },
  },
];
