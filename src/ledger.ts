/** What a run has cost, by role. */

export const costRoles = ["student", "weak", "expert", "probe", "evaluation"] as const;
export type CostRole = (typeof costRoles)[number];

export interface Cost {
  /** Floating-point operations: 2 per weight and token generated or scored, 6 trained. */
  readonly flops: number;
  /** Episodes played. */
  readonly rollouts: number;
}

/** Meters an engine's work and charges it to the role on whose behalf it was done. */
export class Ledger {
  readonly #costs: Record<CostRole, { flops: number; rollouts: number }>;
  readonly #meter: { readonly flops: number };

  /** Starts from `saved` (a checkpoint's `totals`), metering `meter.flops` from now on. */
  constructor(meter: { readonly flops: number }, saved?: Readonly<Record<CostRole, Cost>>) {
    this.#meter = meter;
    this.#costs = Object.fromEntries(
      costRoles.map((role) => [role, { flops: 0, rollouts: 0, ...saved?.[role] }]),
    ) as Record<CostRole, { flops: number; rollouts: number }>;
  }

  /** Runs `work` and charges its FLOPs, and `rollouts` episodes, to `role`. Must not be nested. */
  async charge<T>(role: CostRole, rollouts: number, work: () => Promise<T>): Promise<T> {
    const before = this.#meter.flops;
    const result = await work();
    this.#costs[role].flops += this.#meter.flops - before;
    this.#costs[role].rollouts += rollouts;
    return result;
  }

  /** Charges episodes whose number is known only after they were played. */
  addRollouts(role: CostRole, rollouts: number): void {
    this.#costs[role].rollouts += rollouts;
  }

  get totals(): Readonly<Record<CostRole, Cost>> {
    return structuredClone(this.#costs);
  }
}
