/** The optional mechanisms in whole runs: off they change nothing, on they act, and runs resume exactly. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConfigInput } from "../src/config/config.js";
import type { Ledger } from "../src/watch/ledger.js";
import type { MetricsLine, OptionalMetrics, StepMetrics } from "../src/watch/metrics.js";
import { Run } from "../src/run/run.js";
import { lastCheckpoint } from "../src/run/checkpoint.js";
import { train } from "../src/loop/train.js";
import { tinyPlace, type Place } from "./tiny.js";

let place: Place;
beforeAll(async () => {
  place = await tinyPlace();
});
afterAll(() => place.remove());

type StepLine = StepMetrics & OptionalMetrics;
const isStep = (line: MetricsLine): line is StepLine => "rollout/accuracy" in line;

/** Trains to the end, or to step `stopAt` and then on from the checkpoint. */
async function trained(name: string, config: ConfigInput, stopAt?: number) {
  const setup = await place.setup(config);
  const folder = join(place.folder, "runs", name);
  let run = await Run.create(folder, setup);
  const steps: StepLine[] = [];
  const stop = new AbortController();
  const listen = (line: MetricsLine): void => {
    if (!isStep(line)) return;
    steps.push(line);
    if (line.step + 1 === stopAt) stop.abort();
  };
  run.onLine = listen;
  await train(run, setup, stop.signal);
  run.close();
  if (stopAt !== undefined) {
    const again = await place.setup(config);
    run = await Run.resume(folder, again);
    run.onLine = listen;
    await train(run, again);
    run.close();
  }
  return { folder, steps, state: run.state };
}

/** Every file that must not depend on when a run was stopped, by name. */
function files(folder: string): Record<string, string> {
  const checkpoint = lastCheckpoint(folder)!;
  const rollouts = readdirSync(join(folder, "rollouts"));
  return Object.fromEntries([
    ["metrics.jsonl", readFileSync(join(folder, "metrics.jsonl"), "utf8")],
    ...rollouts.map((f) => [f, readFileSync(join(folder, "rollouts", f), "utf8")]),
    ...readdirSync(checkpoint)
      .filter((f) => f.endsWith(".safetensors"))
      .map((f) => [f, readFileSync(join(checkpoint, f), "base64")]),
  ]) as Record<string, string>;
}

const everything: ConfigInput = {
  tasksPerStep: 8,
  teacher: { source: "solver", after: 0, cap: 0.5, form: "hint" },
  contrast: { mode: "full" },
  selfPlay: { share: 0.25, malRule: "drop-carry", roles: ["diverger", "critic"] },
};

describe("the past self", () => {
  const config: ConfigInput = { explore: { steerBy: "past-self" }, partners: { names: [] } };

  test("steers stuck groups, and nothing is fitted, probed or played for it", async () => {
    const { folder, steps, state } = await trained("past-self", config);
    expect(steps.some((line) => line["group/steered"] > 0)).toBe(true);
    expect(state.experts.size).toBe(0);
    const saved = readFileSync(join(lastCheckpoint(folder)!, "state.json"), "utf8");
    const { ledger } = JSON.parse(saved) as { ledger: Ledger["totals"] };
    expect(ledger.expert).toMatchObject({ rollouts: 0 });
    expect(ledger.expert.flops).toBeGreaterThan(0); // its part in what was sampled
    expect(ledger.expert.flops).toBeLessThan(ledger.student.flops);
    expect([ledger.probe, ledger.weak].map((cost) => cost.flops)).toEqual([0, 0]);
  });

  test("is the same after a resume, byte for byte", async () => {
    const whole = await trained("past-self-whole", config);
    const parts = await trained("past-self-parts", config, 4);
    expect(files(parts.folder)).toEqual(files(whole.folder));
  });
});

describe("a teacher", () => {
  test("that is absent and one with a cap of 0 make the same run, byte for byte", async () => {
    const none = await trained("none", {});
    const capped = await trained("capped", { teacher: { source: "solver", cap: 0 } });
    expect(files(capped.folder)).toEqual(files(none.folder));
  });

  test.each(["hint", "trace", "kl"] as const)(
    "as %s stays within its cap at every step",
    async (form) => {
      const source = form === "kl" ? "right-solutions" : "solver";
      const cap = 0.3;
      const { steps, state } = await trained(form, {
        teacher: { source, form, cap, after: 0, when: "always", decayUntil: "never" },
      });
      let [calls, visits] = [0, 0];
      for (const line of steps) {
        calls += line["teacher/calls"] ?? 0;
        visits += 4;
        expect(calls).toBeLessThanOrEqual(cap * visits);
      }
      expect(calls).toBeGreaterThan(4);
      expect(state.teacher).toMatchObject({ calls, visits });
    },
  );

  test("that is private leaves hashes in the run's folder, no word of its own", async () => {
    const config = {
      teacher: { source: "solver", form: "trace", after: 0, cap: 1, when: "always" },
    } as const;
    const open = await trained("open", config);
    const closed = await trained("closed", { teacher: { ...config.teacher, private: true } });
    const guided = (folder: string): Record<string, unknown>[] =>
      readdirSync(join(folder, "rollouts"))
        .flatMap((f) =>
          readFileSync(join(folder, "rollouts", f), "utf8")
            .trim()
            .split("\n"),
        )
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((line) => line["guided"] !== undefined);
    expect(guided(open.folder)[0]).toHaveProperty("actions");
    expect(guided(closed.folder).length).toBeGreaterThan(4);
    for (const line of guided(closed.folder)) {
      expect(Object.keys(line).sort()).toEqual([
        "advantage",
        "charge",
        "correct",
        "guided",
        "length",
        "level",
        "offPolicy",
        "sha256",
        "task",
      ]);
      expect(line["sha256"]).toMatch(/^[0-9a-f]{64}$/);
    }
  });
});

describe("everything at once", () => {
  test("acts: the teacher is asked, the partner is played, steps are contrasted", async () => {
    const { steps, state } = await trained("everything", everything);
    const sum = (key: keyof StepLine): number =>
      steps.reduce((n, line) => n + Number(line[key] ?? 0), 0);
    expect(sum("teacher/calls")).toBeGreaterThan(0);
    expect(sum("selfPlay/forks")).toBeGreaterThan(0);
    expect(sum("contrast/anchors")).toBeGreaterThan(0);
    expect(new Set(steps.map((s) => s["selfPlay/winRate"])).size).toBeGreaterThan(1);
    expect(state.contrast!.steps).toBeGreaterThan(0);
  });

  test("resumes exactly", async () => {
    const whole = await trained("whole", everything);
    const cut = await trained("cut", everything, 4);
    expect(files(cut.folder)).toEqual(files(whole.folder));
  });
});
