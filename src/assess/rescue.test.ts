import { describe, expect, test } from "vitest";
import type { Expert } from "../experts/expert.js";
import { measureRescue } from "./rescue.js";
import {
  cuePolicy,
  cueSetup,
  cueTask,
  regardless,
  rightWith,
  type CueTable,
} from "../testing/testing.js";

const expertOf = (signature: string, table: CueTable): Expert => ({
  signature,
  policy: cuePolicy(table),
  traces: 0,
  fittedAt: 0,
});
const matching = expertOf("always-x", regardless({ x: 0.95, y: 0.05 }));
const irrelevant = expertOf("never", regardless({ x: 0.5, y: 0.5 }));

const hard = ["bddb", "dbdb", "bbbd", "dddd", "bbdd", "ddbb", "bdbd", "dbbd"].map((row) =>
  cueTask(row),
);
const easy = ["aaca", "ccac"].map((row) => cueTask(row));
const mostlyX: CueTable = { ...rightWith(1), b: { x: 0.8, y: 0.2 }, d: { x: 0.8, y: 0.2 } };

describe("the measure of rescue", () => {
  test("compares fresh samples of the stuck tasks, by each expert and by none", async () => {
    const setup = cueSetup({ student: mostlyX });
    const experts = new Map([
      ["always-x", matching],
      ["never", irrelevant],
    ]);
    const report = await measureRescue(setup, experts, { tasks: [...easy, ...hard], attempts: 16 });
    expect(report.tasks).toBe(10);
    expect(report.stuck).toBeGreaterThan(4);
    expect(report.stuck).toBeLessThanOrEqual(8); // the easy ones are solved
    expect(report.arms.map((a) => a.arm)).toEqual(["on-policy", "always-x", "never"]);
    const [onPolicy, steered, useless] = report.arms;
    expect(onPolicy!.ratio).toBeUndefined();
    expect(steered!.accuracy.mean).toBeGreaterThan(0.2); // mu(y) is .83, on-policy .2, at each of four steps
    expect(onPolicy!.accuracy.mean).toBeLessThan(0.02);
    expect(steered!.rescued.mean).toBeGreaterThan(0.9);
    expect(useless!.accuracy.mean).toBeLessThan(0.02);
  });

  test("has no ratio to an on-policy sample that rescues nothing", async () => {
    const setup = cueSetup({ student: { ...rightWith(1), b: { x: 1 }, d: { x: 1 } } });
    const report = await measureRescue(setup, new Map([["always-x", matching]]), {
      tasks: hard,
      attempts: 4,
    });
    expect(report.stuck).toBe(8);
    expect(report.arms.map((a) => a.ratio)).toEqual([undefined, undefined]);
    expect(report.arms[0]!.rescued).toEqual({ mean: 0, low: 0, high: 0 });
  });

  test("measures nothing where no task is stuck", async () => {
    const setup = cueSetup({ student: rightWith(1) });
    const report = await measureRescue(setup, new Map([["always-x", matching]]), {
      tasks: easy,
      attempts: 4,
    });
    expect(report).toMatchObject({ tasks: 2, stuck: 0, arms: [] });
  });
});
