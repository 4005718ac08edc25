import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localOf } from "../engine/local-policy.js";
import { tinyPolicy } from "../engine/testing.js";
import { Corpus } from "../mistakes/corpus/corpus.js";
import { savePolicy } from "../engine/files/checkpoint.js";
import { deliver } from "../run/inbox.js";
import type { MetricsLine } from "../watch/metrics.js";
import { ReviewSession } from "../run/review-session.js";
import { Run } from "../run/run.js";
import { lastCheckpoint } from "../run/checkpoint.js";
import type { Setup } from "../run/setup.js";
import { cuePolicy, cueSetup, cueTask, regardless, type CueTable } from "../testing/testing.js";
import { train } from "./train.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "errata-arrivals-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const student: CueTable = regardless({ x: 0.85, y: 0.1, z: 0.05 });

/** Refits at steps 0, 2 and 4; experts need sixteen attempts. */
const setupOf = (config: Parameters<typeof cueSetup>[0]["config"] = {}): Setup =>
  cueSetup({
    student,
    partners: { "always-x": regardless({ x: 1 }) },
    config: {
      steps: 6,
      tasksPerStep: 4,
      pool: 24,
      evaluateEvery: 3,
      evaluationTasks: 8,
      saveEvery: 2,
      expert: {
        minimumTraces: 8,
        maximumTraces: 64,
        steps: 6,
        batch: 16,
        refitEvery: 2,
      },
      corpus: { capacity: 64 },
      partners: {
        every: 2,
        warmUpTraces: 12,
      },
      probe: { every: 3, tasks: 6, attempts: 2, overlapTasks: 4 },
      ...config,
    },
  });

/** Attempts of another model at training tasks: always z. */
function attempts(name: string, rows: readonly string[] = ["abab", "bbaa", "cdcd"]): string {
  const path = join(folder, name);
  const lines = rows.flatMap((row) => {
    const { id, level, split, data } = cueTask(row, row === "dddd" ? "test" : "train");
    const one = { task: { id, level, split, data }, actions: [..."zzzz"], source: "other" };
    return [JSON.stringify(one), JSON.stringify({ ...one, source: "another" })];
  });
  writeFileSync(path, `${lines.join("\n")}\nnot json\n`);
  return path;
}

/** Trains to the end; `onStep` is called when each step has ended. */
async function trainRun(
  name: string,
  {
    setup = setupOf(),
    onStep = () => undefined,
    resume = false,
    stopAfter = Infinity,
  }: {
    readonly setup?: Setup;
    readonly onStep?: (step: number, run: Run) => void;
    readonly resume?: boolean;
    readonly stopAfter?: number;
  } = {},
): Promise<{ readonly lines: MetricsLine[]; readonly run: Run }> {
  const at = join(folder, name);
  const run = resume ? await Run.resume(at, setup) : await Run.create(at, setup);
  const lines: MetricsLine[] = [];
  const stop = new AbortController();
  run.onLine = (line) => {
    lines.push(line);
    if (!("rollout/accuracy" in line)) return;
    onStep(line.step, run);
    if (line.step + 1 >= stopAfter) stop.abort();
  };
  try {
    await train(run, setup, stop.signal);
  } finally {
    run.close();
  }
  return { lines, run };
}

const bytesOf = (name: string): string[] =>
  ["corpus.db", "model.safetensors", "state.json"]
    .map((file) => readFileSync(join(lastCheckpoint(join(folder, name))!, file)).toString("base64"))
    .concat(readFileSync(join(folder, name, "metrics.jsonl"), "utf8"));

const imported = (lines: readonly MetricsLine[]) => lines.filter((l) => "import/files" in l);

describe("attempts that arrive while a run trains", () => {
  const deliverAfter =
    (after: number, file: string) =>
    (step: number, run: Run): void => {
      if (step === after) deliver(run.folder, file);
    };

  test("are replayed, judged and admitted at the next refit, under their makers' names", async () => {
    const { lines } = await trainRun("live", { onStep: deliverAfter(0, attempts("live.jsonl")) });
    expect(imported(lines)).toMatchObject([
      { step: 2, "import/files": 1, "import/attempts": 6, "import/unreadable": 1 },
    ]);
    const corpus = Corpus.open(join(folder, "live", "corpus.db"), { readOnly: true });
    expect(corpus.stats().bySource).toMatchObject({ "weak:other": 3, "weak:another": 3 });
    // Two of two models agree: as of a group of eight, all of it.
    const traces = corpus.tracesForExpert("cues", undefined, {
      limit: 9,
      sources: ["weak:other"],
    });
    expect(traces.map((t) => t.sameAnswers)).toEqual([8, 8, 8]);
    corpus.close();
  });

  test("at held-out tasks are refused", async () => {
    const { lines } = await trainRun("held-out", {
      onStep: deliverAfter(0, attempts("test.jsonl", ["dddd"])),
    });
    expect(imported(lines)).toMatchObject([{ "import/rejected": 2, "import/admitted": 0 }]);
  });

  test("leave the same bytes whether or not the run was interrupted", async () => {
    const onStep = deliverAfter(0, attempts("same.jsonl"));
    await trainRun("unbroken", { onStep });
    await trainRun("broken", { onStep, stopAfter: 3 });
    await trainRun("broken", { resume: true });
    expect(bytesOf("broken")).toEqual(bytesOf("unbroken"));
    await trainRun("without");
    expect(bytesOf("without")).not.toEqual(bytesOf("unbroken"));
  });

  test("are taken at the step they were taken at, also when computed again from before it", async () => {
    // The checkpoint is of step 0: steps 0 to 4 are computed again, and the file is there all along.
    const setup = setupOf({ saveEvery: 100 });
    const onStep = deliverAfter(2, attempts("again.jsonl"));
    await trainRun("late", { setup, onStep });
    const failing = trainRun("late-cut", {
      setup,
      onStep: (step, run) => {
        onStep(step, run);
        if (step === 4) throw new Error("killed");
      },
    });
    await expect(failing).rejects.toThrow("killed");
    const { lines } = await trainRun("late-cut", { setup, resume: true });
    expect(imported(lines).map((l) => l.step)).toEqual([4]);
    expect(bytesOf("late-cut")).toEqual(bytesOf("late"));
  });

  test("must not change once taken", async () => {
    const setup = setupOf({ saveEvery: 100 });
    const cut = trainRun("changed", {
      setup,
      onStep: (step, run) => {
        if (step === 0) deliver(run.folder, attempts("changed.jsonl"));
        if (step === 3) throw new Error("killed");
      },
    });
    await expect(cut).rejects.toThrow("killed");
    appendFileSync(join(folder, "changed", "inbox", "changed.jsonl"), "\n");
    await expect(trainRun("changed", { setup, resume: true })).rejects.toMatchObject({
      code: "INBOX_CHANGED",
    });
    expect(() => deliver(join(folder, "changed"), attempts("changed.jsonl"))).toThrow(
      expect.objectContaining({ code: "INBOX_EXISTS" }),
    );
    expect(() => deliver(join(folder, "changed"), "notes.txt")).toThrow(
      expect.objectContaining({ code: "INBOX_FILE" }),
    );
  });
});

describe("a weak partner that joins", () => {
  test("plays from the next refit, gets an expert, and plays on after a resume", async () => {
    const file = join(folder, "always-z.safetensors");
    await savePolicy(file, cuePolicy(regardless({ z: 1 })));
    const onStep = (step: number, run: Run): void => {
      if (step === 0) deliver(run.folder, file);
    };
    const { lines } = await trainRun("joined", { onStep });
    expect(imported(lines)).toMatchObject([{ step: 2, "import/partners": ["always-z"] }]);
    const corpus = Corpus.open(join(folder, "joined", "corpus.db"), { readOnly: true });
    expect(corpus.stats().bySource["weak:always-z"]).toBeGreaterThan(16);
    corpus.close();
    await trainRun("joined-cut", { onStep, stopAfter: 4 });
    await trainRun("joined-cut", { resume: true });
    expect(bytesOf("joined-cut")).toEqual(bytesOf("joined"));
  });

  test("in a file that is no model, or one of other tokens, is skipped, with a notice, at every resume", async () => {
    const foreign = join(folder, "foreign.safetensors");
    await savePolicy(foreign, tinyPolicy({ ...cuePolicy(student).shape, vocabulary: 99 }));
    const garbage = join(folder, "garbage.safetensors");
    writeFileSync(garbage, "no model");
    const onStep = (step: number, run: Run): void => {
      if (step === 0) for (const file of [foreign, garbage]) deliver(run.folder, file);
    };
    const { lines } = await trainRun("spoilt", { onStep });
    expect(imported(lines)).toMatchObject([
      { step: 2, "import/partners": [], "import/unreadable": 2 },
    ]);
    await trainRun("spoilt-cut", { onStep, stopAfter: 4 });
    const { run } = await trainRun("spoilt-cut", { resume: true });
    expect(run.finished).toBe(true);
    expect(bytesOf("spoilt-cut")).toEqual(bytesOf("spoilt"));
    const log = readFileSync(join(folder, "spoilt-cut", "log.jsonl"), "utf8");
    expect(log).toContain("garbage.safetensors is no partner");
    expect(log).toContain("foreign.safetensors has 99 tokens");
  });
});

describe("verdicts while a run trains", () => {
  const signature = "always-x";
  /** Judges every mistake of the signature. */
  const judgeAll = (run: Run, verdict: "valid" | "invalid"): number => {
    const session = ReviewSession.ofRun(run.folder);
    const ids = session.corpus.list({ limit: 500 }).map((m) => m.id);
    for (const id of ids) session.judge(id, "ada", { verdict });
    session.close();
    return ids.length;
  };

  test("`invalid` takes effect at the next refit: the expert goes, and its level has none committed", async () => {
    let judged = 0;
    let before: string[] = [];
    const { run, lines } = await trainRun("invalid", {
      setup: setupOf({
        partners: { names: ["always-x"], every: 100, warmUpTraces: 12 },
        corpus: { sources: "weak", capacity: 64 },
      }),
      onStep: (step, active) => {
        if (step !== 0) return;
        before = [...active.state.experts.keys()];
        judged = judgeAll(active, "invalid");
      },
    });
    expect(before).toContain(signature);
    expect(judged).toBeGreaterThan(0);
    expect(imported(lines)).toMatchObject([{ step: 2, "import/verdicts": judged }]);
    expect([...run.state.experts.keys()]).toEqual([]);
    expect([...run.state.committed]).toEqual([]);
  });

  test("where people must confirm, an expert comes only after they have", async () => {
    const setup = setupOf({ corpus: { human: "required", capacity: 64 } });
    const experts: number[] = [];
    await trainRun("required", {
      setup,
      onStep: (step, active) => {
        experts.push(active.state.experts.size);
        if (step === 1) judgeAll(active, "valid");
      },
    });
    expect(experts.slice(0, 2)).toEqual([0, 0]);
    expect(experts[2]).toBeGreaterThan(0);
  });

  test("leave the same bytes when the run is computed again, and show at once to the reviewer", async () => {
    const onStep = (step: number, run: Run): void => {
      if (step !== 0) return;
      const session = ReviewSession.ofRun(run.folder);
      session.judge(1, "ada", { verdict: "invalid" });
      session.judge(2, "ada", { verdict: "valid", fix: "y" });
      session.judge(1, "ada", { undo: true });
      expect(() => session.judge(1, "bob", { undo: true })).toThrow("no verdict");
      expect(session.corpus.show(1).status).not.toBe("human-invalid");
      session.close();
      const again = ReviewSession.ofRun(run.folder);
      expect(again.pending).toBe(3);
      expect(again.corpus.show(2)).toMatchObject({ status: "human-valid", correctStep: "y" });
      again.close();
    };
    await trainRun("reviewed", { onStep });
    await trainRun("reviewed-cut", { onStep, stopAfter: 3 });
    await trainRun("reviewed-cut", { resume: true });
    expect(bytesOf("reviewed-cut")).toEqual(bytesOf("reviewed"));
    const done = ReviewSession.ofRun(join(folder, "reviewed"));
    expect(done.pending).toBe(0);
    done.close();
  });
});

describe("a run that must stop", () => {
  test("stops, saved, where its budget is spent, and stays stopped when resumed", async () => {
    const whole = await trainRun("unlimited");
    const flops = 0.5 * whole.run.ledger.spent().flops;
    const setup = setupOf({ budget: { flops } });
    const { run } = await trainRun("budget", { setup });
    expect(run.finished).toBe(false);
    expect(run.overBudget).toMatchObject({ limit: "flops", budget: flops });
    expect(run.state.step).toBeGreaterThan(0);
    expect(run.state.step).toBeLessThan(6);
    const again = await trainRun("budget", { setup, resume: true });
    expect(again.run.state.step).toBe(run.state.step);
    expect(again.lines).toEqual([]);
  });

  test("stops after three updates in a row that are not finite, with the run saved", async () => {
    const setup = setupOf({ learningRate: 0.01 });
    const { engine } = setup;
    /** Fails the steps of the student named, counted from 1. */
    const failing = (which: readonly number[]): Setup => {
      let updates = 0;
      const broken = Object.create(engine) as typeof engine;
      Object.defineProperties(broken, {
        steeringFlops: { get: () => engine.steeringFlops },
        flops: { get: () => engine.flops },
        tokens: { get: () => engine.tokens },
        trainStep: {
          value: async (...given: Parameters<typeof engine.trainStep>) => {
            const result = await engine.trainStep(...given);
            const own =
              given[0].shape.layers === setup.base.shape.layers &&
              localOf(given[0]).weights.length === localOf(setup.base).weights.length;
            if (!own || !which.includes(++updates)) return result;
            return { ...result, policy: given[0], optimizer: given[1], finite: false };
          },
        },
        sample: { value: engine.sample.bind(engine) },
        logprobs: { value: engine.logprobs.bind(engine) },
        embed: { value: engine.embed.bind(engine) },
        initialise: { value: engine.initialise.bind(engine) },
      });
      return { ...setup, engine: broken };
    };
    const noExperts = { explore: { form: "none" as const } };
    const plain = { ...failing([2, 3, 4]), config: setupOf({ ...noExperts }).config };
    await expect(trainRun("nan", { setup: plain })).rejects.toMatchObject({
      code: "TRAINING_NOT_FINITE",
    });
    expect(lastCheckpoint(join(folder, "nan"))).toMatch(/step-000004$/);
    const spread = { ...failing([1, 2, 4, 5]), config: setupOf({ ...noExperts }).config };
    const { run, lines } = await trainRun("nan-apart", { setup: spread });
    expect(run.finished).toBe(true);
    const alarms = lines.flatMap((l) => ("alarm/names" in l ? [l["alarm/names"]] : []));
    expect(alarms.filter((names) => names?.includes("notFinite"))).toHaveLength(4);
  });
});
