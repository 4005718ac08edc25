import { describe, expect, test } from "vitest";
import { measureOverlap, overlapLines } from "./overlap.js";
import { Partners } from "../partners/partner.js";
import { Random } from "../util/random.js";
import {
  cuePolicy,
  cueSetup,
  cueTask,
  regardless,
  rightWith,
  type CueTable,
} from "../testing/testing.js";

describe("a measurement", () => {
  const student: CueTable = { ...regardless({ x: 0.9, y: 0.1 }) };
  const tasks = ["abab", "baba", "bbaa", "aabb", "bbbb"].map((row) => cueTask(row, "validation"));
  const measure = (partners: Record<string, CueTable>, experts: Record<string, CueTable> = {}) => {
    const setup = cueSetup({ student, partners });
    return measureOverlap(setup, {
      student: cuePolicy(student),
      partners: new Partners(setup),
      experts: new Map(Object.entries(experts).map(([n, t]) => [n, { policy: cuePolicy(t) }])),
      tasks,
      attempts: 8,
      random: Random.from(1, "overlap"),
    });
  };

  test("gives a margin above 0 to an expert that prefers the student's wrong step, below to one that knows better", async () => {
    const { experts } = await measure(
      {},
      {
        matching: regardless({ x: 0.95, y: 0.05 }),
        right: rightWith(0.95),
        even: regardless({ x: 0.5, y: 0.5 }),
      },
    );
    const x = Math.log(0.95 / 0.05);
    expect(experts["matching"]!.mean).toBeGreaterThan(0.5 * x);
    expect(experts["matching"]!.mean).toBeLessThanOrEqual(x + 1e-3);
    expect(experts["right"]!.high).toBeLessThan(0);
    expect(experts["even"]!.mean).toBeCloseTo(0, 3);
  });

  test("tells a partner with the student's error from one with another", async () => {
    const { partners, coverage: covered } = await measure({
      same: regardless({ x: 1 }),
      other: regardless({ y: 1 }),
    });
    expect(partners["same"]!.totalVariation).toBeGreaterThan(partners["other"]!.totalVariation);
    expect(partners["same"]!.agreement!.mean).toBeGreaterThan(0.5);
    expect(partners["other"]!.agreement!.mean).toBeLessThan(0.5);
    expect(covered!.mean).toBe(0); // no experts, nothing covered
  });

  test("never uses test tasks", async () => {
    const setup = cueSetup({ student, partners: {} });
    const report = await measureOverlap(setup, {
      student: cuePolicy(student),
      partners: new Partners(setup),
      experts: new Map(),
      tasks: [cueTask("abab", "test"), ...tasks.slice(0, 2)],
      attempts: 2,
      random: Random.from(1, "overlap"),
    });
    expect(report.tasks).toBe(2);
  });

  test("is told line by line", async () => {
    const lines = overlapLines(await measure({ same: regardless({ x: 1 }) }));
    expect(lines[0]).toContain("coverage");
    expect(lines[1]).toContain("same");
  });
});
