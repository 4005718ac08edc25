/** How the learning rate changes over a run. */
import { ErrataError } from "../util/error.js";

export const scheduleShapes = ["constant", "linear", "cosine"] as const;

export interface LearningRateSchedule {
  /** `constant`, or falling from the peak to `final` linearly or along half a cosine (arXiv:1608.03983). */
  readonly shape: (typeof scheduleShapes)[number];
  /** The largest rate. */
  readonly peak: number;
  /** Steps of linear warm-up to the peak: step s of them takes (s + 1) / (warmup + 1) of it. Default 0. */
  readonly warmup?: number;
  /** Share of the peak that is left at the last step, in [0, 1]. Default 0; unused by `constant`. */
  readonly final?: number;
  /** Steps of the whole run; unused by `constant`. */
  readonly steps: number;
}

/**
 * The learning rate of a step, counted from 0; after the last step that of the last. With
 * x = (step - warmup) / (steps - 1 - warmup) in [0, 1]:
 *
 *     linear   peak (final + (1 - final) (1 - x))
 *     cosine   peak (final + (1 - final) (1 + cos(pi x)) / 2)
 *
 * @throws ErrataError `LEARNING_RATE` where the schedule makes no sense.
 */
export function learningRateAt(step: number, schedule: LearningRateSchedule): number {
  const { shape, peak, warmup = 0, final = 0, steps } = schedule;
  const wrong =
    !(peak > 0) ||
    !(warmup >= 0) ||
    !(final >= 0 && final <= 1) ||
    (shape !== "constant" && steps < 1);
  if (wrong)
    throw new ErrataError(`learning rate: ${JSON.stringify(schedule)}`, {
      code: "LEARNING_RATE",
      hint: "the peak is positive, warm-up steps are at least 0, final lies in [0, 1]",
    });
  if (step < warmup) return (peak * (step + 1)) / (warmup + 1);
  if (shape === "constant") return peak;
  const length = steps - 1 - warmup;
  const x = length <= 0 ? 1 : Math.min(1, (step - warmup) / length);
  const left = shape === "linear" ? 1 - x : (1 + Math.cos(Math.PI * x)) / 2;
  return peak * (final + (1 - final) * left);
}
