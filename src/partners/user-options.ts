/** Who plays the user of a conversation, and how much that may cost at most. */
import { z } from "zod";
import { userDegradations } from "../environments/support/tau/user.js";
import { amount, limit, positive, type Options } from "../util/options.js";

/** The keys `user.*`. */
export const userSchema = z.strictObject({
  source: z
    .string()
    .default("scripted")
    .describe(
      "Who plays the user of tau2-retail and tau-airline: `scripted`, or the http(s) URL of an OpenAI-compatible server.",
    ),
  model: z.string().default("").describe("Name of the model behind a URL."),
  keyVariable: z
    .string()
    .default("OPENAI_API_KEY")
    .describe("Environment variable that holds the key for a URL."),
  degraded: z
    .array(z.enum(userDegradations))
    .default([])
    .describe("Ways in which a model plays worse than its scenario."),
  temperature: amount.default(0).describe("Sampling temperature of a model."),
  timeout: positive.default(120).describe("Seconds that one answer may take, retries included."),
  calls: limit.describe("Most answers of a run."),
  tokens: limit.describe("Most tokens of a run."),
  money: limit.describe("Most money of a run, in the currency of `user.price`."),
  price: amount.default(0).describe("Money per million of its tokens."),
  private: z
    .boolean()
    .default(false)
    .describe("Keep hashes and counts of conversations with it, never text."),
});

/** Who plays the user, and how much that may cost. */
export type UserOptions = Options<typeof userSchema>;
