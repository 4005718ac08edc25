import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localOf } from "../engine/local-policy.js";
import type { ConfigInput } from "../config/config.js";
import type { MetricsLine } from "../watch/metrics.js";
import { Random } from "../util/random.js";
import { chooseTasks, recordExposures, recordVisits, refreshQuality } from "./replay.js";
import { Run } from "../run/run.js";
import { refitExperts } from "./steer.js";
import { attempt, cueSetup, cueTask, groupOf, regardless } from "../testing/testing.js";
import { train } from "./train.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "errata-replay-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const student = regardless({ x: 0.9, y: 0.05, z: 0.05 });

async function trained(
  name: string,
  config: ConfigInput = {},
  partners: Parameters<typeof cueSetup>[0]["partners"] = { "always-x": regardless({ x: 1 }) },
) {
  const setup = cueSetup({
    student,
    partners,
    config: {
      steps: 3,
      tasksPerStep: 4,
      pool: 24,
      evaluateEvery: 10,
      evaluationTasks: 4,
      saveEvery: 9,
      expert: {
        minimumTraces: 8,
        maximumTraces: 64,
        steps: 8,
        batch: 16,
        refitEvery: 2,
      },
      corpus: { capacity: 64 },
      partners: {
        every: 1,
        warmUpTraces: 12,
      },
      probe: { every: 9, tasks: 6, attempts: 2, overlapTasks: 0 },
      ...config,
    },
  });
  const run = await Run.create(join(folder, name), setup);
  const lines: MetricsLine[] = [];
  run.onLine = (line) => lines.push(line);
  await train(run, setup);
  return { run, setup, lines };
}

describe("mistakes that the student meets again", () => {
  test("are those known before the step: nothing replicates itself", async () => {
    const own: ConfigInput = {
      explore: { form: "none" },
      partners: { names: [] },
      corpus: { sources: "student", capacity: 64 },
    };
    const { run, lines } = await trained("own", own);
    const visits = lines.flatMap((l) =>
      "replication/visits" in l ? [l["replication/visits"]] : [],
    );
    expect(visits[0]).toBe(0); // the corpus was empty
    expect(run.corpus.stats().mistakes).toBeGreaterThan(0);
    run.close();
  });

  test("are made again by the same wrong step or the same answer, on-policy only", async () => {
    const { run, setup } = await trained("again");
    const known = run.corpus.list({ limit: 100 }).find((m) => m.answer === "xxxx")!;
    const task = setup.pool.find((t) => t.id === known.taskId)!;
    const meet = (rollouts: Parameters<typeof attempt>[1][], offPolicy = false) => {
      const group = { task, rollouts: rollouts.map((a) => attempt(task, a, { offPolicy })) };
      return recordExposures(run, setup, [group]);
    };
    const before = run.corpus.show(known.id).exposures;
    expect(meet(["xxxx", "zzzz"]).replicated).toBeGreaterThan(0);
    expect(run.corpus.show(known.id).exposures).toBe(before + 1);
    expect(run.corpus.show(known.id).replications.at(-1)).toBe(true);
    const right = [...task.id].map((cue) => (cue === "a" || cue === "c" ? "x" : "y")).join("");
    expect(meet([right]).replicated).toBe(0);
    expect(run.corpus.show(known.id).replications.at(-1)).toBe(false);
    expect(meet(["xxxx"], true)).toEqual({ met: 0, replicated: 0 });
    expect(recordExposures(run, setup, [groupOf("aaaa", ["xxxx"])]).met).toBe(0); // unknown there
    run.close();
  });

  test("choose a share of the step's tasks", async () => {
    const { run, setup } = await trained("chosen");
    const config = { ...setup.config, curriculum: { ...setup.config.curriculum, replay: 0.5 } };
    const draw = (of: typeof setup) =>
      chooseTasks(run, of, 4, Random.from(1, "tasks"), Random.from(1, "replay"));
    const known = new Set(run.corpus.list({ limit: 100 }).map((m) => m.taskId));
    const tasks = draw({ ...setup, config });
    expect(tasks).toHaveLength(4);
    expect(tasks.slice(0, 2).every((t) => known.has(t.id))).toBe(true);
    expect(draw(setup)).toEqual(run.curriculum.next(4, Random.from(1, "tasks"))); // off: as ever
    run.close();
  });
});

describe("quality, measured anew", () => {
  test("is Sys * Conf * Learn: high for what experts prefer and the student does not avoid", async () => {
    const { run, setup } = await trained("quality");
    await refreshQuality(run, setup);
    const mistakes = run.corpus.list({ limit: 100 });
    for (const m of mistakes) {
      expect(m.quality).toBeCloseTo(m.recurrence * m.confusability * m.learnability, 9);
      const p = run.curriculum.successRate({ id: m.taskId, level: m.level });
      expect(m.learnability).toBeCloseTo(4 * p * (1 - p), 9);
    }
    expect(mistakes.some((m) => m.confusability > 0.5 && m.confusability < 1)).toBe(true);
    run.close();
  });

  test("is left alone where it is switched off", async () => {
    const { run } = await trained("frozen", { corpus: { quality: false, capacity: 64 } });
    for (const m of run.corpus.list({ limit: 100 })) expect(m.quality).toBe(m.recurrence);
    run.close();
  });
});

describe("a refit", () => {
  test("starts from nothing where a verdict has changed what an expert may learn from", async () => {
    const { run, setup } = await trained("revised");
    const refit = async (revised: readonly string[]) => {
      await refitExperts(run, setup, Random.from(1, "refit"), new Set(revised));
      return localOf(run.state.experts.get("always-x")!.policy).weights.slice();
    };
    const first = await refit(["always-x"]);
    expect(await refit(["always-x"])).toEqual(first); // nothing of the old weights is left
    expect(await refit([])).not.toEqual(first);
    run.close();
  });

  test("fits no expert of a signature that is left out", async () => {
    const { run } = await trained("left-out", {
      probe: { every: 9, tasks: 6, attempts: 2, leaveOut: ["always-x"], overlapTasks: 0 },
    });
    expect([...run.state.experts.keys()]).not.toContain("always-x");
    run.close();
  });

  test("fits no expert of what the student never does, unless it is told to fit all", async () => {
    const partners = { "always-x": regardless({ x: 1 }), "always-y": regardless({ y: 1 }) };
    const { run, setup, lines } = await trained("overlap", { corpus: { capacity: 128 } }, partners);
    expect([...run.state.experts.keys()]).toEqual(["always-x"]);
    const shares = lines.flatMap((l) => ("expert/overlap" in l ? [l["expert/overlap"]] : []));
    expect(shares[0]!["always-x"]).toBeGreaterThan(0.4);
    expect(shares[0]!["always-y"] ?? 0).toBeLessThan(setup.config.expert.minimumShare);
    expect(run.ledger.totals.probe.flops).toBeGreaterThan(0);
    run.close();
    const all = { ...setup.config.expert, minimumShare: 0 };
    const told = await trained("all", { expert: all, corpus: { capacity: 128 } }, partners);
    expect([...told.run.state.experts.keys()].toSorted()).toEqual(["always-x", "always-y"]);
    told.run.close();
  });

  test("keeps a proven expert where too few tasks are hard to measure any", async () => {
    const { run, setup } = await trained("kept");
    run.beginStep();
    run.commitExpert("long", "always-x");
    const { probeExperts } = await import("./steer.js");
    const easy = cueSetup({ student: regardless({ x: 1 }) }).base;
    expect(localOf(easy).weights.length).toBe(localOf(setup.base).weights.length);
    const solvable = setup.pool.filter((t) => /^[ac]+$/.test(t.id)).concat(cueTask("acac"));
    await probeExperts(run, { ...setup, pool: solvable }, Random.from(1, "probe"));
    expect(run.state.committed.get("long")).toBe("always-x");
    run.corpus.rollback();
    run.close();
  });
});

test("a task's advantage is that of its own group, not of self-play's at a fork of it", () => {
  const group = groupOf("ab", ["xx", "xy"]);
  const fork = { task: group.task, rollouts: group.rollouts };
  const advantages: (number | undefined)[] = [];
  const run = {
    curriculum: {
      record: (_task: unknown, _solved: boolean, visit?: { advantage: number }) =>
        advantages.push(visit?.advantage),
    },
  } as unknown as Run;
  const signals = (advantage: number) => group.rollouts.map(() => ({ advantage, charge: 0 }));
  recordVisits(
    run,
    [group],
    [
      { group, signals: signals(-0.5) },
      { group: fork, signals: signals(2) },
    ],
  );
  expect(advantages).toEqual([0.5]);
});
