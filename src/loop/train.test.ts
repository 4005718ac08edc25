import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lastCheckpoint } from "../run/checkpoint.js";
import { Run } from "../run/run.js";
import { cueSetup, regardless } from "../testing/testing.js";
import { train } from "./train.js";

const folder = mkdtempSync(join(tmpdir(), "errata-train-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The checkpoint that a kill at the beginning of each step would leave, by step. */
async function savedBefore(name: string, saveSeconds: number): Promise<number[]> {
  const setup = cueSetup({
    student: regardless({ x: 0.85, y: 0.15 }),
    config: { steps: 4, tasksPerStep: 1, pool: 8, evaluationTasks: 2, saveEvery: 100, saveSeconds },
  });
  const run = await Run.create(join(folder, name), setup);
  const saved: number[] = [];
  const beginStep = run.beginStep.bind(run);
  run.beginStep = () => {
    saved.push(Number(/\d+$/.exec(lastCheckpoint(run.folder)!)![0]));
    beginStep();
  };
  await train(run, setup);
  run.close();
  expect(existsSync(join(folder, name, "config.json"))).toBe(true);
  return saved;
}

test("a run is saved once saveSeconds have passed, however rarely saveEvery says so", async () => {
  expect(await savedBefore("seldom", 3600)).toEqual([0, 0, 0, 0, 0]);
  expect(await savedBefore("often", 1e-6)).toEqual([0, 1, 2, 3, 4]);
});
