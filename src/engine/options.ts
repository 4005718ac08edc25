/** What computes, and how much at once. */
import { z } from "zod";
import { count, type Options } from "../util/options.js";
import type { Provider } from "./graph/provider.js";

/** What can execute the graphs. */
export const providers = ["cpu", "webgpu"] as const satisfies readonly Provider[];

/** The keys `engine.*`. */
export const engineSchema = z.strictObject({
  threads: count.default(1).describe("Processor threads."),
  provider: z
    .enum(providers)
    .default("cpu")
    .describe("What executes the graphs; webgpu is not verified on hardware yet."),
  microBatchTokens: count
    .default(2048)
    .describe("Most tokens of one pass with gradients, padding included."),
  microBatchBytes: count
    .default(2 ** 31)
    .describe("Most bytes of activations of one pass with gradients, as estimated."),
});

/** What computes, and how much at once. */
export type EngineOptions = Options<typeof engineSchema>;

/** Any of the keys `engine.*`. */
export type LocalEngineOptions = Partial<EngineOptions>;

export const defaultEngine: EngineOptions = engineSchema.parse({});
