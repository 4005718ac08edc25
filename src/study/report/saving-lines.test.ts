import { expect, test } from "vitest";
import type { ClaimResult } from "../verdict/claims.js";
import type { StudyResult } from "../verdict/result.js";
import { savingLines } from "./saving-lines.js";

const claim = {
  kind: "primary",
  measure: "saving",
  arm: "errata",
  baseline: "luffy",
  target: 0.6,
} as ClaimResult;
const study = (claims: readonly ClaimResult[]): StudyResult =>
  ({
    claims,
    teacherCost: 1.13,
    savings: [
      {
        arm: "errata",
        baseline: "luffy",
        terms: { steps: 0.67, teacherShare: 0.15, overhead: 0.1 },
        points: [1, 1.1, 2].map((teacherCost) => ({ teacherCost, mean: 0.5, low: 0.4, high: 0.6 })),
      },
    ],
  }) as unknown as StudyResult;

test("a claimed saving comes with the identity, the teacher cost it needs, and its curve", () => {
  expect(savingLines(study([claim]))).toEqual([
    "errata against luffy: saving 0.60 = 1 - s (1 + f k + w) / (1 + k), with steps s 0.67, teacher share f 0.15, teacher cost k 1.13, overhead w 0.10",
    "  a saving of 0.60 needs teacher cost k = 1.13",
    "  by teacher cost: k 1: 0.50 [0.40, 0.60], k 2: 0.50 [0.40, 0.60]",
  ]);
});

test("a saving that no teacher cost gives is said to be one, and what is not claimed is not printed", () => {
  expect(savingLines(study([{ ...claim, target: 0.95 }]))[1]).toContain("no teacher cost");
  expect(savingLines(study([{ ...claim, measure: "steps" }]))).toEqual([]);
});
