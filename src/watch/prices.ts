/** What work costs in money: tokens by role and by model, hours of this machine. */
import { z } from "zod";
import { amount, type Options } from "../util/options.js";
import type { Bill } from "../util/bill.js";
import { costRoles, type Cost, type CostRole } from "./roles.js";

const perMillion = amount.optional();

/** The keys `prices.*`: what a file of prices holds, and its path. */
export const pricesSchema = z.strictObject({
  file: z
    .string()
    .optional()
    .describe(
      "JSON file with the other keys of this group; what the configuration says itself comes first.",
    ),
  currency: z.string().min(1).optional().describe("What the numbers are, as it is printed."),
  models: z
    .record(
      z.string(),
      z.strictObject({
        input: amount.describe("Money per million tokens that it reads."),
        output: amount.describe("Money per million tokens that it writes."),
      }),
    )
    .optional()
    .describe("Models behind URLs, by the name that each is asked under."),
  hours: z
    .strictObject({
      cpu: amount.optional().describe("Money per hour of training with engine.provider cpu."),
      gpu: amount.optional().describe("Money per hour of training with any other provider."),
    })
    .optional()
    .describe("Money per hour of the machine that trains."),
  student: perMillion.describe("Money per million tokens of the student."),
  weak: perMillion.describe("Of weak partners."),
  expert: perMillion.describe("Of experts."),
  probe: perMillion.describe("Of probes."),
  teacher: perMillion.describe("Of the teacher."),
  embedding: perMillion.describe("Of embeddings."),
  judge: perMillion.describe("Of paid verifiers."),
  user: perMillion.describe("Of a simulated user."),
  evaluation: perMillion.describe("Of evaluation."),
});

/** What a run's work costs in money; what has no price costs nothing. */
export type Prices = Options<typeof pricesSchema>;

/** What is paid for beside tokens by role. */
export interface Paid {
  /** Tokens by model, read and written. */
  readonly bills?: readonly Bill[];
  /** Seconds of training, and what computes. */
  readonly seconds?: number;
  readonly provider?: string;
}

/**
 * Money spent:
 *
 *     sum over roles of tokens / 10^6 * price + sum over models of (read * input + written * output) / 10^6
 *       + hours * price of an hour
 */
export function money(
  costs: Readonly<Partial<Record<CostRole, Pick<Cost, "tokens">>>>,
  prices: Prices,
  { bills = [], seconds = 0, provider = "cpu" }: Paid = {},
): number {
  let total = (seconds / 3600) * (prices.hours?.[provider === "cpu" ? "cpu" : "gpu"] ?? 0);
  for (const role of costRoles) total += ((costs[role]?.tokens ?? 0) / 1e6) * (prices[role] ?? 0);
  for (const { model, read, written } of bills) {
    const { input = 0, output = 0 } = prices.models?.[model] ?? {};
    total += (read * input + written * output) / 1e6;
  }
  return total;
}
