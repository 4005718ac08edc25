/** An open model as the student, in place of the preset's. */
import { z } from "zod";
import { adapterSchema } from "../engine/adapter.js";
import { count, type Options } from "../util/options.js";

/** The keys `student.*`. */
export const studentSchema = z.strictObject({
  checkpoint: z
    .string()
    .optional()
    .describe(
      "Open model to train: a folder with config.json, safetensors and tokenizer.json, a .gguf file, or a hub id; the preset's student by default.",
    ),
  revision: z.string().default("main").describe("Branch, tag or commit of a hub id."),
  context: count
    .optional()
    .describe(
      "Longest sequence in tokens, prompt and completion together; the model's own limit by default.",
    ),
  maxTokens: count
    .optional()
    .describe("Longest action in tokens; the environment's own limit by default."),
  templateVariables: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe("Variables for the chat template, such as enable_thinking of Qwen3."),
  templateDate: z.iso
    .date()
    .optional()
    .describe(
      "Day that a chat template is told where it asks (strftime_now), YYYY-MM-DD; the day on which the run was configured by default.",
    ),
  lora: z
    .union([z.literal("none"), adapterSchema])
    .optional()
    .describe(
      "Train an adapter instead of all weights, `{ rank, alpha, targets }` (arXiv:2106.09685); `none` trains all weights; an open model gets an adapter by default.",
    ),
});

/** An open model as the student. */
export type StudentOptions = Options<typeof studentSchema>;
