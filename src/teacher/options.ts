/** Who teaches, how, and how much at most. */
import { z } from "zod";
import { amount, countOrNone, limit, share, type Options } from "../util/options.js";

/** The keys `teacher.*`. */
export const teacherSchema = z.strictObject({
  source: z
    .string()
    .default("none")
    .describe(
      "Who teaches: `none`; `solver`, the environment's own; `right-solutions`, the student's recipe stopped before any error was injected; a checkpoint's path; or the http(s) URL of an OpenAI-compatible server.",
    ),
  form: z
    .enum(["hint", "kl", "trace"])
    .default("hint")
    .describe(
      "What the student gets: first steps (`hint`), a pull on its own tokens (`kl`), or a whole attempt (`trace`).",
    ),
  cap: share.default(0.15).describe("Largest share of prompt-visits with the teacher."),
  decayUntil: z
    .union([share, z.literal("never")])
    .default(0.6)
    .describe("Share of training after which it is no longer asked, or `never`."),
  when: z
    .enum(["stuck", "always"])
    .default("stuck")
    .describe("Which groups may ask: those still all wrong (`stuck`), or every one (`always`)."),
  after: countOrNone
    .default(0)
    .describe("Visits in a row that must leave a task unsolved before it may ask."),
  weight: amount.default(0.1).describe("Coefficient of the form `kl`."),
  pulls: z
    .enum(["step", "all"])
    .default("step")
    .describe("Tokens that `kl` pulls: those of the first wrong `step`, or `all`."),
  calls: limit.describe("Most calls of a run."),
  tokens: limit.describe("Most tokens of a run."),
  money: limit.describe("Most money of a run, in the currency of `teacher.price`."),
  price: amount.default(0).describe("Money per million of its tokens."),
  accuracy: share
    .default(1)
    .describe("Share of tasks that `solver` or `right-solutions` solves right."),
  private: z
    .boolean()
    .default(false)
    .describe("Keep hashes and counts of what it says, never text."),
  model: z.string().default("").describe("Name of the model behind a URL."),
  keyVariable: z
    .string()
    .default("OPENAI_API_KEY")
    .describe("Environment variable that holds the key for a URL."),
});

/** Who teaches, how, and how much at most. */
export type TeacherOptions = Options<typeof teacherSchema>;

/** How much of a teacher a run may use. */
export type TeacherLimits = Pick<
  TeacherOptions,
  "cap" | "decayUntil" | "calls" | "tokens" | "money"
>;

/** How a teacher is used. */
export type GuideOptions = TeacherLimits &
  Pick<TeacherOptions, "form" | "when" | "after" | "weight" | "pulls" | "price">;
