/** Runs with known outcomes, for tests of what is made of them. */
import { parseConfig } from "../config/parse.js";
import { costRoles, type Cost, type CostRole } from "../watch/ledger.js";
import type { ArmRun } from "./runs/measure.js";
import type { Protocol } from "./design/protocol.js";
import type { Claim, Family } from "./design/study.js";

/** A run whose accuracy rises in equal steps to 1 at step `arrival` and stays there. */
export function runOf(
  arm: string,
  seed: number,
  arrival: number,
  changes: Partial<ArmRun> = {},
): ArmRun {
  const steps = Array.from({ length: 11 }, (_, i) => 10 * i);
  const cost = Object.fromEntries(
    costRoles.map((role): [CostRole, Cost] => [role, { flops: 0, rollouts: 0, tokens: 0 }]),
  ) as Record<CostRole, Cost>;
  return {
    arm,
    seed,
    learningRate: 1e-3,
    curve: steps.map((step) => [step, Math.min(1, step / arrival), 3e6 * step, 2e6 * step]),
    stuck: 10,
    rescued: 4,
    steered: 5,
    rescuedSteered: 3,
    cost: {
      ...cost,
      student: { flops: 2e8, rollouts: 100, tokens: 1000 },
      expert: { flops: 1e8, rollouts: 0, tokens: 500 },
      evaluation: { flops: 9e9, rollouts: 0, tokens: 0 },
    },
    seconds: {},
    teacherShare: 0,
    teacherShares: [],
    diverged: false,
    ...changes,
  };
}

/** A protocol of arms by name, family and dose. */
export function protocolWith(
  arms: readonly (readonly [name: string, family: Family, dose?: number])[],
  claims: readonly Claim[],
  seeds: readonly number[] = [1000, 1001, 1002, 1003, 1004],
): Protocol {
  return {
    study: "test",
    domain: "arithmetic",
    description: "a test",
    models: {},
    program: "p",
    arms: arms.map(([name, family, dose]) => ({
      name,
      family,
      description: `what ${name} is`,
      config: parseConfig({ preset: "arithmetic", steps: 100 }),
      ...(dose === undefined ? {} : { dose }),
    })),
    claims,
    seeds,
    tuning: null,
    target: 0.8,
    accuracyAt: 20,
    teacherCost: 1,
  };
}
