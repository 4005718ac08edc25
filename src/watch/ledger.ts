/** What a run costs, by role: metered while it runs, compared with a budget, put against savings. */
import { z } from "zod";
import { addedBills, type Bill } from "../util/bill.js";
import { positive, type Options } from "../util/options.js";
import { money, type Prices } from "./prices.js";
import { costRoles, type Cost, type CostRole } from "./roles.js";

export { costRoles, type Cost, type CostRole } from "./roles.js";

/** What work is metered by: an engine. */
export interface Meter {
  readonly flops: number;
  /** Of these, the part of experts that the student was sampled away from; absent: none. */
  readonly steeringFlops?: number;
  /** Tokens so far. Absent: an engine that does not count them. */
  readonly tokens?: number;
  /** What models behind URLs were paid for so far. Absent: none is asked. */
  readonly bills?: readonly Bill[];
}

/** The keys `budget.*`. */
export const budgetSchema = z.strictObject({
  flops: positive
    .optional()
    .describe("Most floating-point operations of a run; no limit by default."),
  seconds: positive
    .optional()
    .describe("Most seconds of training on the clock, over all sittings; no limit by default."),
  money: positive
    .optional()
    .describe("Most money of a run, in the currency of `prices`; no limit by default."),
  tokens: positive
    .optional()
    .describe("Most tokens of a run, generated, scored or trained on; no limit by default."),
});

/** Hard limits on a whole run: it stops, saved, before the step that starts beyond one. */
export type Budget = Options<typeof budgetSchema>;

/** A limit that was reached. */
export interface Exceeded {
  /** The configuration's section that holds it; `budget` where absent. */
  readonly section?: "user";
  readonly limit: keyof Budget | "calls";
  readonly spent: number;
  readonly budget: number;
}

type Costs = Record<CostRole, { flops: number; rollouts: number; tokens: number }>;

/**
 * Meters an engine's work and charges it to the role on whose behalf it was done.
 *
 * FLOPs, rollouts and tokens are functions of the run alone and are saved with it; seconds depend
 * on the machine and are kept apart ({@link Ledger.seconds}).
 */
export class Ledger {
  readonly #costs: Costs;
  readonly #seconds: Record<CostRole, number>;
  readonly #meter: Meter;
  readonly #billed: readonly Bill[];
  /** Who is charged now, and what was metered when that began. */
  #role: CostRole | undefined;
  #since = { flops: 0, steeringFlops: 0, tokens: 0, time: 0 };

  /** Starts from `saved` (a checkpoint's `totals`), `seconds` and `bills`, metering `meter` from now on. */
  constructor(
    meter: Meter,
    saved?: Readonly<Partial<Record<CostRole, Partial<Cost>>>>,
    seconds?: Readonly<Partial<Record<CostRole, number>>>,
    bills: readonly Bill[] = [],
  ) {
    this.#meter = meter;
    this.#billed = bills;
    this.#costs = byRole((role) => ({ flops: 0, rollouts: 0, tokens: 0, ...saved?.[role] }));
    this.#seconds = byRole((role) => seconds?.[role] ?? 0);
  }

  /**
   * Runs `work` and charges what the engine did meanwhile, and `rollouts` episodes, to `role`; of the
   * student's, what experts computed for it to be sampled away from is the experts'. What a
   * charge within it meters is that one's alone. Charges must not run side by side.
   */
  async charge<T>(role: CostRole, rollouts: number, work: () => Promise<T>): Promise<T> {
    const outer = this.#role;
    this.#hand(role);
    try {
      const result = await work();
      this.#costs[role].rollouts += rollouts;
      return result;
    } finally {
      this.#hand(outer);
    }
  }

  /** Charges what was metered since the last call to whom it was done for; `role` pays from here on. */
  #hand(role: CostRole | undefined): void {
    const now = {
      flops: this.#meter.flops,
      steeringFlops: this.#meter.steeringFlops ?? 0,
      tokens: this.#meter.tokens ?? 0,
      time: performance.now(),
    };
    if (this.#role !== undefined) {
      const cost = this.#costs[this.#role];
      const steering = now.steeringFlops - this.#since.steeringFlops;
      const payer = this.#role === "student" ? this.#costs.expert : cost;
      cost.flops += now.flops - this.#since.flops - steering;
      payer.flops += steering;
      cost.tokens += now.tokens - this.#since.tokens;
      this.#seconds[this.#role] += (now.time - this.#since.time) / 1000;
    }
    this.#role = role;
    this.#since = now;
  }

  /** Charges episodes whose number is known only after they were played. */
  addRollouts(role: CostRole, rollouts: number): void {
    this.#costs[role].rollouts += rollouts;
  }

  /** Charges tokens that no engine metered: those of a remote model. */
  addTokens(role: CostRole, tokens: number): void {
    this.#costs[role].tokens += tokens;
  }

  get totals(): Readonly<Record<CostRole, Cost>> {
    return structuredClone(this.#costs);
  }

  /** Wall-clock seconds by role. They differ from run to run. */
  get seconds(): Readonly<Record<CostRole, number>> {
    return { ...this.#seconds };
  }

  /** What models behind URLs were paid for, over all sittings. */
  get bills(): readonly Bill[] {
    return addedBills([...this.#billed, ...(this.#meter.bills ?? [])]);
  }

  /** The first limit of `budget` that has been reached, or undefined. Exploring stops there, not a step later. */
  exceeded(budget: Budget, prices: Prices = {}, provider?: string): Exceeded | undefined {
    const spent = this.spent(prices, provider);
    for (const limit of ["flops", "tokens", "money", "seconds"] as const) {
      const most = budget[limit];
      if (most !== undefined && spent[limit] >= most)
        return { limit, spent: spent[limit], budget: most };
    }
    return undefined;
  }

  /** Money for tokens alone, which is a function of the run; `spent` has that for hours too. */
  tokenMoney(prices: Prices): number {
    return money(this.#costs, prices, { bills: this.bills });
  }

  /** Everything spent, over all roles, hours of `provider` included. */
  spent(prices: Prices = {}, provider?: string): Readonly<Record<keyof Budget, number>> {
    const sum = (of: (role: CostRole) => number): number =>
      costRoles.reduce((total, role) => total + of(role), 0);
    const seconds = sum((role) => this.#seconds[role]);
    return {
      flops: sum((role) => this.#costs[role].flops),
      tokens: sum((role) => this.#costs[role].tokens),
      money: money(this.#costs, prices, {
        bills: this.bills,
        seconds,
        ...(provider === undefined ? {} : { provider }),
      }),
      seconds,
    };
  }
}

/** What a saving over teacher-only training is made of. */
export interface SavingTerms {
  /** Steps needed, relative to teacher-only training: 0.67 for a third fewer. */
  readonly steps: number;
  /** Share of prompt visits with a teacher, in [0, 1]. */
  readonly teacherShare: number;
  /** Cost of the teacher per teacher-only step, relative to the student's. */
  readonly teacherCost: number;
  /** Cost of weak models, experts and probes per step, relative to the student's. */
  readonly overhead: number;
}

/**
 * The saving that step ratio, teacher share and costs imply; a claimed saving that differs from it
 * contradicts itself.
 *
 *     saving = 1 - s (1 + f k + w) / (1 + k)
 */
export function impliedSaving({ steps, teacherShare, teacherCost, overhead }: SavingTerms): number {
  return 1 - (steps * (1 + teacherShare * teacherCost + overhead)) / (1 + teacherCost);
}

/**
 * The teacher cost k at which the other terms give `saving`, or undefined when none does:
 *
 *     k = (s (1 + w) - (1 - saving)) / (1 - saving - s f)
 */
export function impliedTeacherCost(
  saving: number,
  { steps, teacherShare, overhead }: Omit<SavingTerms, "teacherCost">,
): number | undefined {
  const k = (steps * (1 + overhead) - (1 - saving)) / (1 - saving - steps * teacherShare);
  return Number.isFinite(k) && k >= 0 ? k : undefined;
}

/** w: cost of weak models, experts, probes and embeddings relative to the student's, in FLOPs. */
export function overheadOf(costs: Readonly<Record<CostRole, Pick<Cost, "flops">>>): number {
  const own = costs.student.flops;
  const other = costs.weak.flops + costs.expert.flops + costs.probe.flops + costs.embedding.flops;
  return own === 0 ? 0 : other / own;
}

/** FLOPs of all roles but evaluation: what training costs. */
export function trainingFlops(costs: Readonly<Record<CostRole, Pick<Cost, "flops">>>): number {
  return costRoles.reduce((n, role) => n + (role === "evaluation" ? 0 : costs[role].flops), 0);
}

/** A saving and the identity it must satisfy, as one line of text. */
export function savingLine(terms: SavingTerms): string {
  const { steps: s, teacherShare: f, teacherCost: k, overhead: w } = terms;
  const figure = (x: number): string => x.toFixed(2);
  return (
    `saving ${figure(impliedSaving(terms))} = 1 - s (1 + f k + w) / (1 + k), with steps s ${figure(s)}, ` +
    `teacher share f ${figure(f)}, teacher cost k ${figure(k)}, overhead w ${figure(w)}`
  );
}

function byRole<T>(value: (role: CostRole) => T): Record<CostRole, T> {
  return Object.fromEntries(costRoles.map((role) => [role, value(role)])) as Record<CostRole, T>;
}
