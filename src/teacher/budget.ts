/**
 * When a teacher may be asked: a token bucket under a hard cap, a dual price, and retirement.
 *
 * The unit is a *prompt-visit*: one group. At every prefix of a run, calls <= cap * visits.
 */
import type { Group } from "../play/play.js";
import { anneal } from "../learn/reward.js";
import type { TeacherLimits } from "./options.js";
import { nothingWatched, watch, type WatchedTasks } from "./uplift.js";
import { meanOf } from "../util/statistics/sums.js";

/** What a budget remembers; plain JSON. */
export interface TeacherBudgetState {
  readonly visits: number;
  readonly calls: number;
  readonly tokens: number;
  readonly money: number;
  /** Calls that could be made now, before the cap. */
  readonly bucket: number;
  /** Dual price lambda: what a call must be expected to gain. */
  readonly price: number;
  /** Gains of the calls since the last review. */
  readonly gains: readonly number[];
  /** Exponential average of the gain of a call; 1 before the first. */
  readonly expectedGain: number;
  /** Whose next attempts will show what `kl` gained; absent where nothing waits. */
  readonly watched?: WatchedTasks;
  /** Reviews in a row that proved no gain. */
  readonly useless: number;
  readonly retired: boolean;
}

/** The budget of a run that begins. */
export const freshTeacherBudget: TeacherBudgetState = {
  visits: 0,
  calls: 0,
  tokens: 0,
  money: 0,
  bucket: 0,
  price: 0,
  gains: [],
  expectedGain: 1,
  useless: 0,
  retired: false,
};

/** Reviews without proven gain after which a teacher is retired. */
const uselessReviews = 3;

/** Fewest calls a review judges. */
const fewestGains = 4;

/** Step size of the dual price, and weight of one gain in the average. */
const priceRate = 0.1;
const gainRate = 0.1;

export class TeacherBudget {
  readonly #limits: TeacherLimits;
  readonly #depth: number;
  #state: TeacherBudgetState;
  #rate = 0;

  /** `batch` is the number of visits a step; the bucket holds what two steps may spend. */
  constructor(
    limits: TeacherLimits,
    batch: number,
    saved: TeacherBudgetState = freshTeacherBudget,
  ) {
    this.#limits = limits;
    this.#depth = Math.max(1, 2 * batch * limits.cap);
    this.#state = saved;
  }

  get state(): TeacherBudgetState {
    return this.#state;
  }

  /** calls / visits so far; 0 before the first visit. */
  get share(): number {
    return this.#state.visits === 0 ? 0 : this.#state.calls / this.#state.visits;
  }

  /** `count` prompts are visited at `progress` (share of training done): the bucket fills by its rate. */
  visit(count: number, progress: number): void {
    const { cap, decayUntil } = this.#limits;
    this.#rate = decayUntil === "never" ? cap : cap * anneal(progress, decayUntil);
    const bucket = Math.min(this.#depth, this.#state.bucket + this.#rate * count);
    this.#state = { ...this.#state, visits: this.#state.visits + count, bucket };
  }

  /**
   * Takes one call from the budget if there is one: under the hard cap, within every limit, a
   * call in the bucket, not retired, and an expected gain above the price. A cap of 1 rations
   * nothing: that is teacher-only training.
   */
  take(): boolean {
    const { visits, calls, tokens, money, bucket, price, expectedGain, retired } = this.#state;
    const { cap } = this.#limits;
    const worth = cap === 1 || (!retired && bucket >= 1 && expectedGain > price);
    const allowed =
      worth &&
      calls + 1 <= cap * visits &&
      calls < this.#limits.calls &&
      tokens < this.#limits.tokens &&
      money < this.#limits.money;
    if (allowed) this.#state = { ...this.#state, calls: calls + 1, bucket: bucket - 1 };
    return allowed;
  }

  /** What a call cost, and what it gained: accuracy with the teacher minus without, in [-1, 1]. */
  record(spent: { readonly tokens: number; readonly money: number; readonly gain: number }): void {
    const { tokens, money, gains, expectedGain } = this.#state;
    this.#state = {
      ...this.#state,
      tokens: tokens + spent.tokens,
      money: money + spent.money,
      gains: [...gains, spent.gain],
      expectedGain: expectedGain + gainRate * (spent.gain - expectedGain),
    };
  }

  /** Groups whose tokens were pulled, and as needy ones that were not: their gain shows later. */
  watchPulls(asked: readonly Group[], passed: readonly Group[]): void {
    const { watched = nothingWatched } = this.#state;
    if (asked.length + passed.length > 0)
      this.#state = { ...this.#state, watched: watch(watched, asked, passed) };
  }

  /** Takes what waits, once there is enough of it for a review. */
  takeWatched(): WatchedTasks | undefined {
    const { watched, ...rest } = this.#state;
    if (watched === undefined || watched.asked.length < fewestGains) return undefined;
    this.#state = rest;
    return watched;
  }

  /** The end of a step: lambda <- max(0, lambda + eta (use - rate)), `use` the calls per visit of the step. */
  settle(use: number): void {
    const price = Math.max(0, this.#state.price + priceRate * (use - this.#rate));
    this.#state = { ...this.#state, price };
  }

  /** Retires the teacher once the lower bound (one standard error) of its gain was not above 0 three times. */
  review(): void {
    const { gains } = this.#state;
    if (gains.length < fewestGains) return;
    const mean = meanOf(gains);
    const variance = gains.reduce((a, g) => a + (g - mean) ** 2, 0) / (gains.length - 1);
    const lower = mean - Math.sqrt(variance / gains.length);
    const useless = lower > 0 ? 0 : this.#state.useless + 1;
    this.#state = { ...this.#state, gains: [], useless, retired: useless >= uselessReviews };
  }
}
