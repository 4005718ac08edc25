/** Settings of a low-rank adapter (LoRA, arXiv:2106.09685). */
import { z } from "zod";
import { count, positive, type Options } from "../util/options.js";
import { projections } from "./shape.js";

/** The keys `student.lora.*`. */
export const adapterSchema = z.strictObject({
  rank: count.default(16).describe("Rank of the update of each projection."),
  alpha: positive.default(32).describe("Scale: the product of A and B counts alpha / rank times."),
  targets: z
    .array(z.enum(projections))
    .min(1)
    .default([...projections])
    .describe("Projections of every layer that are adapted, in any order."),
});

/** Which projections an adapter changes, and by matrices of which rank. */
export type AdapterShape = Options<typeof adapterSchema>;
