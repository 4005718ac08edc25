import { describe, expect, it } from "vitest";
import { learningRateAt, type LearningRateSchedule } from "./schedule.js";

const rates = (schedule: LearningRateSchedule, count: number): number[] =>
  Array.from({ length: count }, (_, step) => learningRateAt(step, schedule));

describe("the learning rate", () => {
  it("is the peak at every step of a constant schedule", () => {
    expect(rates({ shape: "constant", peak: 0.3, steps: 0 }, 3)).toEqual([0.3, 0.3, 0.3]);
  });

  it("rises linearly through the warm-up, whose last step is below the peak", () => {
    const warm = rates({ shape: "constant", peak: 1, warmup: 3, steps: 9 }, 5);
    [0.25, 0.5, 0.75, 1, 1].forEach((rate, i) => {
      expect(warm[i]).toBeCloseTo(rate, 12);
    });
  });

  it("falls linearly to its final share, and stays there", () => {
    const falling = rates({ shape: "linear", peak: 2, final: 0.5, steps: 5 }, 7);
    [2, 1.75, 1.5, 1.25, 1, 1, 1].forEach((rate, i) => {
      expect(falling[i]).toBeCloseTo(rate, 12);
    });
  });

  it("falls along half a cosine after the warm-up", () => {
    const falling = rates({ shape: "cosine", peak: 1, warmup: 1, steps: 6 }, 6);
    [0.5, 1, (1 + Math.SQRT1_2) / 2, 0.5, (1 - Math.SQRT1_2) / 2, 0].forEach((rate, i) => {
      expect(falling[i]).toBeCloseTo(rate, 12);
    });
  });

  it("refuses rates that make no sense", () => {
    for (const wrong of [{ peak: 0 }, { final: 2 }, { warmup: -1 }, { steps: 0 }])
      expect(() => learningRateAt(0, { shape: "linear", peak: 1, steps: 4, ...wrong })).toThrow(
        expect.objectContaining({ code: "LEARNING_RATE" }),
      );
  });
});
