/** The whole loop over an engine that is as unlike the local one as an engine may be. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Policy } from "../src/engine/engine.js";
import { withinCapabilities } from "../src/launch/capabilities.js";
import { train } from "../src/loop/train.js";
import { learningCurve } from "../src/run/record.js";
import { Run } from "../src/run/run.js";
import type { Setup } from "../src/run/setup.js";
import { TableEngine } from "../src/testing/table-engine.js";
import {
  cueSetup,
  cueTokenizer,
  regardless,
  rightWith,
  type CueTable,
} from "../src/testing/testing.js";
import { Random } from "../src/util/random.js";
import type { MetricsLine } from "../src/watch/metrics.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "errata-second-engine-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Nearly always x, which is wrong at b and d; a partner does nothing else. */
const student: CueTable = { ...regardless({ x: 0.85, y: 0.15 }), a: { x: 1 }, c: { x: 1 } };

function tableSetup(): Setup & { readonly engine: TableEngine } {
  const engine = new TableEngine();
  const setup = cueSetup({
    student,
    partners: { "always-x": {} },
    config: {
      steps: 8,
      tasksPerStep: 8,
      pool: 64,
      learningRate: 0.1,
      evaluateEvery: 4,
      evaluationTasks: 64,
      saveEvery: 3,
      expert: { minimumTraces: 8, maximumTraces: 64, steps: 8, batch: 16, refitEvery: 2 },
      corpus: { capacity: 64 },
      partners: { every: 2, warmUpTraces: 12 },
      probe: { every: 4, tasks: 16, attempts: 2, overlapTasks: 4 },
      explore: { steerBy: "always-x" },
    },
  });
  const { shape } = setup.base;
  const policy = (table: CueTable): Policy =>
    engine.policyOf(shape, (token) =>
      Array.from({ length: shape.vocabulary }, (_, next) =>
        Math.log(table[cueTokenizer.decode([token])]?.[cueTokenizer.decode([next])] ?? 1e-9),
      ),
    );
  const possible = withinCapabilities(setup.config, engine.capabilities, setup.environment);
  return {
    ...setup,
    ...possible,
    engine,
    base: policy(student),
    partners: new Map([["always-x", policy(regardless({ x: 1 }))]]),
  };
}

const linesOf = (run: Run): MetricsLine[] =>
  readFileSync(join(run.folder, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as MetricsLine);

describe("a run over another engine", () => {
  test("learns from mistakes, steered by rejection, and no version is used after its update", async () => {
    const setup = tableSetup();
    const run = await Run.create(join(folder, "whole"), setup);
    await train(run, setup);
    expect(run.finished).toBe(true);
    const updates = linesOf(run).filter(
      (l) => "loss/gradientNorm" in l && l["loss/gradientNorm"] > 0,
    );
    expect(updates.length).toBeGreaterThan(0);
    expect([run.state.student.version, setup.base.version]).toEqual([updates.length, 0]);
    const curve = learningCurve(linesOf(run));
    expect(curve.at(-1)![1]).toBeGreaterThan(curve[0]![1] + 0.1);
    expect([...run.state.experts.keys()]).toContain("always-x");
    const { released } = setup.engine; // experts that a refit replaced
    expect(released.length).toBeGreaterThan(0);
    expect(new Set(released).size).toBe(released.length);
    const steered = linesOf(run).reduce(
      (n, l) => n + ("group/steered" in l ? l["group/steered"] : 0),
      0,
    );
    expect(steered).toBeGreaterThan(0);
    expect(readFileSync(join(run.folder, "log.jsonl"), "utf8")).toContain(
      '"rejection\\" takes its place',
    );
    run.close();
  });

  test("goes on from its save in a new engine to the same lines", async () => {
    const first = tableSetup();
    const run = await Run.create(join(folder, "resumed"), first);
    await train(run, { ...first, config: { ...first.config, steps: 4 } });
    run.close();
    const second = tableSetup();
    const again = await Run.resume(join(folder, "resumed"), second);
    await train(again, second);
    const whole = tableSetup();
    const unbroken = await Run.create(join(folder, "unbroken"), whole);
    await train(unbroken, whole);
    const steps = (of: Run) => linesOf(of).filter((line) => line.step > 4);
    expect(steps(again)).toEqual(steps(unbroken));
    again.close();
    unbroken.close();
  });

  test("resumes from its last save where a step is dropped after the student was updated", async () => {
    const setup = tableSetup();
    const run = await Run.create(join(folder, "dropped"), setup);
    await train(run, { ...setup, config: { ...setup.config, steps: 4 } });
    await run.save();
    run.beginStep();
    const { student: before, optimizer } = run.state;
    const one = {
      position: 0,
      token: 1,
      component: "crossEntropy",
      coefficient: 1,
      logprob: 0,
    } as const;
    await setup.engine.trainStep(before, optimizer, [{ tokens: [1], targets: [one] }], {
      learningRate: 0.1,
    });
    await expect(
      setup.engine.sample(before, { prompts: [[1]], maxTokens: 1, random: Random.from(0, "s") }),
    ).rejects.toMatchObject({ code: "POLICY_STALE" });
    await run.abandon();
    run.close();
    expect(readFileSync(join(run.folder, "log.jsonl"), "utf8")).toContain("cannot go back");
    const again = await Run.resume(run.folder, tableSetup());
    expect(again.state.step).toBe(4);
    again.close();
  });
});

test("a table scores what it sampled as it sampled it", async () => {
  const engine = new TableEngine();
  const { shape } = cueSetup({ student: rightWith(0.9) }).base;
  const policy = engine.initialise(shape, Random.from(1, "t"));
  const request = { prompts: [[3], [4]], maxTokens: 3, random: Random.from(2, "s") };
  const [a] = await engine.sample(policy, request);
  const logprobs = await engine.logprobs(policy, [
    {
      tokens: [3, ...a!.tokens],
      targets: a!.tokens.map((token, position) => ({ position, token })),
    },
  ]);
  a!.logprobs.forEach((l, i) => expect(logprobs[i]).toBeCloseTo(l, 5));
});
