/** Every arm of the comparison trains, and does what it is named for. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { controls, preference, weakFree } from "../src/study/design/arms.js";
import type { Arm } from "../src/study/design/study.js";
import { teacherOnlyArms } from "../src/study/design/teacher-arms.js";
import type { MetricsLine, StepMetrics } from "../src/watch/metrics.js";
import { presetNamed } from "../src/students/presets/presets.js";
import { Run } from "../src/run/run.js";
import { train } from "../src/loop/train.js";
import { tinyPlace, type Place } from "./tiny.js";

let place: Place;
beforeAll(async () => {
  place = await tinyPlace();
});
afterAll(() => place.remove());

const isStep = (line: MetricsLine): line is StepMetrics => "rollout/accuracy" in line;

async function trained(arm: Arm) {
  const setup = await place.setup({ ...arm.config, steps: 2, evaluationTasks: 8 });
  const run = await Run.create(join(place.folder, "runs", arm.name), setup);
  try {
    await train(run, setup);
  } finally {
    run.close();
  }
  const lines = readFileSync(join(run.folder, "metrics.jsonl"), "utf8").trim().split("\n");
  const steps = lines.map((line) => JSON.parse(line) as MetricsLine).filter(isStep);
  return { run, setup, steps, total: (key: keyof StepMetrics) => sum(steps, key) };
}

const sum = (steps: readonly StepMetrics[], key: keyof StepMetrics): number =>
  steps.reduce((n, line) => n + Number(line[key]), 0);

// A model trained on right solutions is no tiny model: that arm is left to the guide's own tests.
const all = [...weakFree, ...controls(presetNamed("arithmetic")), preference, ...teacherOnlyArms];
// The tiny students read symbols.
const arms = all.filter((a) => a.name !== "on-policy-distillation" && a.students === undefined);

test.each(arms)("$name trains", async (arm) => {
  const { run, steps, total, setup } = await trained(arm);
  expect(run.finished).toBe(true);
  expect(total("update/finite")).toBe(2);
  const stuck = total("group/stuck");
  expect(stuck).toBeGreaterThan(0);
  const { config } = setup;
  const { weak, teacher } = run.ledger.totals;
  if (config.ablate.expert !== "fitted") {
    expect(total("group/steered")).toBe(stuck); // every stuck group, without a probe
    expect(run.state.experts.size).toBe(0);
  }
  if (config.explore.form === "none" || config.explore.form === "rejection")
    expect(total("group/steered")).toBe(0);
  if (arm.family === "weak-free") expect(weak.flops).toBe(0);
  if (arm.name === "dpo") expect(weak.flops).toBeGreaterThan(0);
  if (arm.family === "teacher-only") {
    expect(run.state.teacher).toMatchObject({ calls: 2 * config.tasksPerStep, retired: false });
    expect(run.state.teacher.visits).toBe(2 * config.tasksPerStep);
    expect(teacher.flops).toBeGreaterThanOrEqual(0);
  }
  // What has signal in all-wrong groups learns from every group.
  if (["nsr", "w-reinforce", "lens", "behaviour-cloning-perfect"].includes(arm.name))
    for (const step of steps) expect(step["loss/gradientNorm"]).toBeGreaterThan(0);
});
