import { expect, test, vi } from "vitest";
import type { MetricsLine } from "../watch/metrics.js";
import { TrainingProgress } from "./progress.js";
import { noGradientWarning } from "./sitting.js";

const step = (n: number, gradientNorm = 1): MetricsLine =>
  ({
    step: n,
    "rollout/accuracy": 0.5,
    "reward/mean": 0.25,
    "group/stuck": 3,
    "loss/gradientNorm": gradientNorm,
  }) as unknown as MetricsLine;

test("a status line leaves out whole parts, the least needed first, at any width", () => {
  vi.useFakeTimers();
  const progress = new TrainingProgress(150, 16);
  const done = { admitted: 12345, tokens: 1_000_000 };
  progress.add({ step: 0, "eval/accuracy": 0.123 } as MetricsLine, done);
  progress.add(step(0), done);
  vi.advanceTimersByTime(1000);
  progress.add(step(1), done);
  const whole = progress.line().split("  ");
  expect(whole).toHaveLength(7);
  for (let width = 1; width < 120; width++) {
    const parts = progress.line(width).split("  ");
    for (const part of parts) expect(whole).toContain(part);
    if (parts.length > 1) expect(progress.line(width).length).toBeLessThanOrEqual(width);
  }
  expect(progress.line(30)).toMatch(/^step 2\/150 .* left$/);
  expect(progress.line(1)).toBe("step 2/150");
  vi.useRealTimers();
});

test("a run in which no step had a gradient is told so, any other is not", () => {
  expect(noGradientWarning([step(0, 0), step(1, 0)])).toMatch(/no group had a gradient in 2 steps/);
  expect(noGradientWarning([step(0, 0), step(1, 0.1)])).toBeUndefined();
  expect(noGradientWarning([])).toBeUndefined();
});
