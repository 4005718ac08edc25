import { expect, test } from "vitest";
import { costRoles, type Cost, type CostRole } from "../watch/ledger.js";
import type { RunRecord } from "../run/record.js";
import { savingSummary } from "./sitting.js";

const costs = Object.fromEntries(
  costRoles.map((role) => [role, { flops: 0, rollouts: 0, tokens: 0 }]),
) as Record<CostRole, Cost>;
const record = (teacherShare: number): RunRecord =>
  ({
    cost: {
      ...costs,
      student: { ...costs.student, flops: 10 },
      expert: { ...costs.expert, flops: 5 },
      teacher: { ...costs.teacher, flops: 100 },
    },
    teacherShare,
  }) as unknown as RunRecord;

test("a run with a teacher ends with the identity of savings in its own terms", () => {
  const [, , atOne] = savingSummary(record(0.04));
  // 1 - (1 + .04 + .5) / 2: the teacher's own work is k, not overhead.
  expect(atOne).toContain("saving 0.23 = 1 - s (1 + f k + w) / (1 + k)");
  expect(atOne).toContain("teacher share f 0.04, teacher cost k 1.00, overhead w 0.50");
});

test("a run without a teacher claims nothing", () => {
  expect(savingSummary(record(0))).toEqual([]);
});
