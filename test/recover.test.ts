import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ErrataError } from "../src/util/error.js";
import { train } from "../src/loop/train.js";
import { lastCheckpoint, replaceCorpus, stepName } from "../src/run/checkpoint.js";
import type { ConfigInput } from "../src/config/config.js";
import { grpo } from "../src/config/defaults.js";
import { readRun } from "../src/run/record.js";
import { Run } from "../src/run/run.js";
import type { Setup } from "../src/run/setup.js";
import { takeRun } from "../src/take/source.js";
import { outcomeOf, tinyPlace, type Place } from "./tiny.js";

let place: Place;
let setup: Setup;
let whole: string;
let run: string;

const lines = (folder: string): string => readFileSync(join(folder, "metrics.jsonl"), "utf8");
/** As little as a run can do: what is tested is its files. */
const steps: ConfigInput = {
  ...grpo,
  steps: 6,
  saveEvery: 2,
  tasksPerStep: 1,
  groupSize: 2,
  evaluateEvery: 6,
  evaluationTasks: 2,
  probe: { overlapTasks: 0 },
};

/** A run of 6 steps with checkpoints at 4 and 6. */
beforeAll(async () => {
  place = await tinyPlace();
  whole = join(place.folder, "runs", "whole");
  setup = await place.setup(steps);
  const first = await Run.create(whole, setup);
  await train(first, setup);
  first.close();
}, 300_000);
afterAll(() => place.remove());

beforeEach(() => {
  run = join(place.folder, "runs", "damaged");
  rmSync(run, { recursive: true, force: true });
  cpSync(whole, run, { recursive: true });
});

const checkpoint = (step: number, file: string): string =>
  join(run, "checkpoints", stepName(step), file);

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  writeFileSync(path, bytes);
}

async function resumed({ toTheEnd = false } = {}): Promise<Run> {
  const again = await Run.resume(run, setup);
  if (toTheEnd) await train(again, setup);
  again.close();
  return again;
}

describe("a damaged checkpoint is set aside, and the one before it taken, with a notice", () => {
  test.each<[string, () => void]>([
    ["a flipped bit in the weights", () => flip(checkpoint(6, "model.safetensors"), -9)],
    ["a flipped bit in the optimizer", () => flip(checkpoint(6, "optimizer.safetensors"), -9)],
    ["an empty corpus", () => writeFileSync(checkpoint(6, "corpus.db"), "")],
    ["a missing corpus", () => rmSync(checkpoint(6, "corpus.db"))],
    ["a state cut off", () => truncateSync(checkpoint(6, "state.json"), 40)],
    ["a state with another number", () => flip(checkpoint(6, "state.json"), -20)],
    ["a missing state", () => rmSync(checkpoint(6, "state.json"))],
    [
      "a log that lost its last lines",
      () => truncateSync(join(run, "metrics.jsonl"), lines(whole).length - 9),
    ],
    ["a flipped bit in the log's last line", () => flip(join(run, "metrics.jsonl"), -5)],
  ])("%s", async (_, damage) => {
    damage();
    const again = await resumed();
    expect(again.recoveries).toHaveLength(1);
    expect(again.recoveries[0]).toMatch(/goes on from step 4/);
    expect(existsSync(join(run, "checkpoints", "step-000006.damaged"))).toBe(true);
    expect(again.state.step).toBe(4);
    expect(lines(whole).startsWith(lines(run))).toBe(true);
  });

  test("and the run ends as one that was never damaged", async () => {
    flip(checkpoint(6, "model.safetensors"), -9);
    await resumed({ toTheEnd: true });
    expect(outcomeOf(run)).toEqual(outcomeOf(whole));
  }, 300_000);
});

test("where no checkpoint is whole every damage is named, and nothing is changed", async () => {
  flip(checkpoint(6, "model.safetensors"), -9);
  flip(checkpoint(4, "corpus.db"), 2000);
  const failure = await resumed().catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "RUN_DAMAGED", hint: expect.any(String) as string });
  expect((failure as ErrataError).message).toContain(checkpoint(6, "model.safetensors"));
  expect((failure as ErrataError).message).toContain(checkpoint(4, "corpus.db"));
  expect(existsSync(checkpoint(6, "state.json"))).toBe(true);
});

test("weights of a damaged checkpoint are neither exported nor evaluated", async () => {
  flip(checkpoint(6, "model.safetensors"), -9);
  await expect(takeRun(run)).rejects.toMatchObject({
    code: "FILE_DAMAGED",
    message: expect.stringContaining(checkpoint(6, "model.safetensors")) as string,
  });
  rmSync(checkpoint(6, "state.json"));
  await expect(takeRun(run)).rejects.toMatchObject({
    code: "FILE_DAMAGED",
    message: expect.stringContaining(checkpoint(6, "state.json")) as string,
  });
});

test("a checkpoint that is given another corpus is whole, and carried on from with that", async () => {
  await replaceCorpus(join(run, "checkpoints", stepName(6)), (path) => {
    cpSync(checkpoint(4, "corpus.db"), path);
  });
  const again = await resumed();
  expect(again.recoveries).toEqual([]);
  expect(again.state.step).toBe(6);
  const bytes = (file: string): Buffer => readFileSync(file);
  expect(bytes(checkpoint(6, "corpus.db"))).toEqual(bytes(checkpoint(4, "corpus.db")));
  expect(bytes(checkpoint(6, "model.safetensors"))).toEqual(
    bytes(join(whole, "checkpoints", stepName(6), "model.safetensors")),
  );
});

test("a resume that fails leaves the configuration as it was", async () => {
  writeFileSync(join(run, "seconds.json"), "[1]");
  const before = readFileSync(join(run, "config.json"), "utf8");
  const longer = await place.setup({ ...steps, steps: 9 });
  await expect(Run.resume(run, longer)).rejects.toMatchObject({ code: "FILE_DAMAGED" });
  expect(readFileSync(join(run, "config.json"), "utf8")).toBe(before);
});

test("a log is never made longer", async () => {
  truncateSync(join(run, "metrics.jsonl"), 10);
  await expect(resumed()).rejects.toMatchObject({ code: "RUN_DAMAGED" });
  expect(readFileSync(join(run, "metrics.jsonl")).length).toBe(10);
});

test("reading a run names what is damaged", () => {
  flip(join(run, "metrics.jsonl"), 3);
  expect(() => readRun(run)).toThrow(/metrics\.jsonl has other bytes/);
});

test.each([
  ["config.json", "{"],
  ["seconds.json", "[1]"],
  ["seconds.json", "{"],
  ["arrivals.jsonl", '{"step":0,"files":[]\n{"step":1}\n'],
])("%s that holds %j is named, with what to do", async (name, text) => {
  writeFileSync(join(run, name), text);
  const failure = await resumed().catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "FILE_DAMAGED" });
  expect((failure as ErrataError).message).toContain(join(run, name));
  expect((failure as ErrataError).hint).toMatch(/put the file back|delete/);
});

test("a run that ended before its first checkpoint is begun again", async () => {
  rmSync(join(run, "checkpoints"), { recursive: true });
  writeFileSync(join(run, "rollouts", "stale.jsonl"), "");
  const again = await Run.create(run, setup);
  expect(again.state.step).toBe(0);
  again.close();
  expect(readdirSync(join(run, "rollouts"))).toEqual([]);
  expect(lines(run)).toBe("");
  expect(lastCheckpoint(run)).toMatch(/step-000000$/);
});
