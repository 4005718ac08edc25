import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConfigInput } from "../src/config/config.js";
import type { Environment } from "../src/environments/environment.js";
import type { MetricsLine, StepMetrics, MechanismMetrics } from "../src/watch/metrics.js";
import { requireSameConfig } from "../src/cli/config-file.js";
import { runConfig } from "../src/cli/runs.js";
import { readRun } from "../src/run/record.js";
import { Run } from "../src/run/run.js";
import { train } from "../src/loop/train.js";
import { differences, errata, outcomeOf, overrides, tinyPlace, type Place } from "./tiny.js";

let place: Place;
beforeAll(async () => {
  place = await tinyPlace();
});
afterAll(() => place.remove());

const at = (name: string): string => join(place.folder, "runs", name);

/** `onJudge` is called before each verdict. */
async function start(
  name: string,
  config: ConfigInput,
  onJudge: (run: Run) => void = () => undefined,
) {
  const setup = await place.setup(config);
  const run = await Run.create(at(name), setup);
  const environment: Environment = {
    ...setup.environment,
    judge: (trajectory) => {
      onJudge(run);
      return setup.environment.judge(trajectory);
    },
  };
  return { run, setup: { ...setup, environment } };
}

async function runToEnd(
  name: string,
  config: ConfigInput = {},
  onJudge?: () => void,
): Promise<MetricsLine[]> {
  const { run, setup } = await start(name, config, onJudge);
  const lines: MetricsLine[] = [];
  run.onLine = (line) => lines.push(line);
  await train(run, setup);
  run.close();
  return lines;
}

async function resumeToEnd(name: string, config: ConfigInput = {}): Promise<void> {
  const setup = await place.setup(config);
  const run = await Run.resume(at(name), setup);
  await train(run, setup);
  expect(run.finished).toBe(true);
  run.close();
}

describe("an interrupted run ends with the same bytes as one that was not", () => {
  /** Probes choose no arm here; naming it makes every stuck group a steered one. */
  const steered: ConfigInput = { explore: { steerBy: "drop-carry" } };
  let verdicts = 0;
  let lines: MetricsLine[] = [];
  beforeAll(async () => {
    lines = await runToEnd("whole");
    lines.push(...(await runToEnd("whole-steered", steered, () => verdicts++)));
  });

  test("what is compared has probes, steered groups, experts and a corpus", () => {
    expect(lines.some((line) => "probe/hard" in line)).toBe(true);
    expect(lines.some((line) => "group/steered" in line && line["group/steered"] > 0)).toBe(true);
    const files = [...outcomeOf(at("whole-steered")).keys()];
    expect(files).toEqual(
      expect.arrayContaining([
        "expert-drop-carry.safetensors",
        "corpus.db",
        "optimizer.safetensors",
      ]) as string[],
    );
  });

  test("two runs of one configuration are equal, and of another seed are not", async () => {
    await runToEnd("again");
    expect(differences(at("whole"), at("again"))).toEqual([]);
    await runToEnd("seed-1", { seed: 1 });
    expect(differences(at("whole"), at("seed-1"))).toContain("model.safetensors");
  });

  test.each([1, 7])("when it stops after step %i and saves", async (step) => {
    const name = `stopped-${step}`;
    const { run, setup } = await start(name, {});
    const stop = new AbortController();
    run.onLine = (line) => {
      if ("rollout/accuracy" in line && line.step + 1 === step) stop.abort();
    };
    await train(run, setup, stop.signal);
    expect(run.state.step).toBe(step);
    run.close();
    await resumeToEnd(name);
    expect(differences(at("whole"), at(name))).toEqual([]);
  });

  test("when it stops while it is still found out who steers", async () => {
    const racing: ConfigInput = { explore: { steerBy: "auto" } };
    const lines = await runToEnd("racing", racing);
    const raced = lines.filter((line) => "race/chosen" in line);
    expect(raced.length).toBeGreaterThan(4);
    expect(Object.keys(raced[0]!["race/groups"])).toEqual(["none", "past-self", "weak:drop-carry"]);
    const { run, setup } = await start("racing-stopped", racing);
    const stop = new AbortController();
    run.onLine = (line) => {
      if ("rollout/accuracy" in line && line.step === 2) stop.abort();
    };
    await train(run, setup, stop.signal);
    run.close();
    await resumeToEnd("racing-stopped", racing);
    expect(differences(at("racing"), at("racing-stopped"))).toEqual([]);
  });

  // The first of these falls into the weak partners' warm-up, the others into later steps.
  test.each([0.1, 0.6, 0.95])("when it is cut off %d of the way", async (share) => {
    const name = `abandoned-${share}`;
    let left = Math.ceil(verdicts * share);
    let abandoned: Promise<void> | undefined;
    const { run, setup } = await start(name, steered, (active) => {
      if (--left === 0) abandoned = active.abandon();
    });
    await expect(train(run, setup)).rejects.toMatchObject({ code: "RUN_ABANDONED" });
    await abandoned;
    run.close();
    expect(readdirSync(join(at(name), "checkpoints")).join()).not.toContain("partial");
    await resumeToEnd(name, steered);
    expect(differences(at("whole-steered"), at(name))).toEqual([]);
  });

  test("when an interrupt that cannot wait comes while a checkpoint is written", async () => {
    const { run, setup } = await start("saving", {});
    let abandoned: Promise<void> | undefined;
    const save = run.save.bind(run);
    run.save = () => {
      const saved = save();
      if (run.state.step === 3) abandoned ??= run.abandon();
      return saved;
    };
    await expect(train(run, setup)).rejects.toMatchObject({ code: "RUN_ABANDONED" });
    await abandoned;
    run.close();
    await resumeToEnd("saving");
    expect(differences(at("whole"), at("saving"))).toEqual([]);
  });

  test("when its command is killed: the process that trains drops its step and ends too", async () => {
    const flags = ["--no-gate", "--set", ...overrides, "steps=16"];
    const whole = await errata(place, ["train", "--name", "unharmed", ...flags]);
    expect(whole).toMatchObject({ status: 0 });
    const killed = await errata(place, ["train", "--name", "killed", ...flags], (child) => {
      const watch = setInterval(() => {
        const metrics = join(at("killed"), "metrics.jsonl");
        if (!existsSync(metrics) || !readFileSync(metrics, "utf8").includes('"step":9,')) return;
        clearInterval(watch);
        child.kill("SIGKILL");
      }, 2);
    });
    expect(killed.signal).toBe("SIGKILL");
    // `errata` waits for whoever holds the command's stderr, so for the process that trained.
    expect(existsSync(join(at("killed"), "lock"))).toBe(false);
    expect(readdirSync(join(at("killed"), "checkpoints"))).not.toContain("step-000016");
    const resumed = await errata(place, ["train", "--name", "killed", "--resume", "--json"]);
    expect(resumed).toMatchObject({ status: 0 });
    expect(JSON.parse(resumed.stdout)).toMatchObject({ finished: true, step: 16 });
    expect(differences(at("unharmed"), at("killed"))).toEqual([]);
  });
});

describe.runIf(process.platform === "linux")(
  "the command and who trains, told together to end",
  () => {
    const flags = ["--no-gate", "--set", ...overrides, "steps=16"];
    /** SIGTERM to both, as a service manager sends it, once there are both and so many more milliseconds are over. */
    const told = (name: string, more: number): ReturnType<typeof errata> =>
      errata(place, ["train", "--name", name, ...flags], (child) => {
        const children = `/proc/${child.pid}/task/${child.pid}/children`;
        const watch = setInterval(() => {
          const [worker] = existsSync(children)
            ? readFileSync(children, "utf8").trim().split(" ")
            : [];
          if (!worker) return;
          clearInterval(watch);
          setTimeout(() => {
            for (const pid of [Number(worker), child.pid!]) process.kill(pid, "SIGTERM");
          }, more);
        }, 1);
      });

    test.each([0, 40, 150, 400, 900])(
      "after %i ms, save what there is, and it can be carried on",
      async (more) => {
        const name = `told-${more}`;
        expect(await told(name, more)).toMatchObject({ status: 130, signal: null });
        const begun = existsSync(at(name)) && readdirSync(at(name)).includes("checkpoints");
        const resumed = await errata(place, [
          "train",
          "--name",
          name,
          ...flags,
          ...(begun ? ["--resume"] : []),
        ]);
        expect(resumed).toMatchObject({ status: 0 });
      },
    );
  },
);

describe("the command", () => {
  test("saves on an interrupt, exits with 130, and says how to carry on", async () => {
    const flags = ["--no-gate", "--set", ...overrides, "steps=400"];
    const stopped = await errata(
      place,
      ["train", "--name", "long", "--json", ...flags],
      (child) => {
        const watch = setInterval(() => {
          if (!existsSync(join(at("long"), "metrics.jsonl"))) return;
          clearInterval(watch);
          child.kill("SIGINT");
        }, 5);
      },
    );
    expect(stopped).toMatchObject({ status: 130, signal: null });
    expect(JSON.parse(stopped.stdout)).toMatchObject({
      interrupted: true,
      finished: false,
      resume: "errata train --name long --resume",
    });
    expect(existsSync(join(at("long"), "lock"))).toBe(false);
  });

  test("stops where its budget is spent, goes on with more of it to the same bytes, and says what it took", async () => {
    const flags = ["--no-gate", "--json", "--set", ...overrides];
    const train = (...args: string[]) => errata(place, ["train", "--name", "spent", ...args]);
    const { lines } = readRun(at("whole"));
    const sixth = lines.find((line) => "cost/flops" in line && line.step === 5) as StepMetrics &
      MechanismMetrics;
    // Evaluations count against it too, so it is spent before that step, and after the forecast.
    const budget = sixth["cost/flops"];
    const stopped = await train(...flags, `budget.flops=${budget}`);
    expect(stopped).toMatchObject({ status: 0 });
    const told = JSON.parse(stopped.stdout) as { step: number; stopped: object };
    expect(told.step).toBeGreaterThanOrEqual(3);
    expect(told.step).toBeLessThan(8);
    expect(told.stopped).toMatchObject({ limit: "flops", budget });
    // As long as nothing is raised, it stops at once.
    const again = await train("--resume", "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ step: told.step, finished: false });
    const more = ["budget.flops=1e15", "prices.hours.cpu=5"];
    const resumed = await train("--resume", "--json", "--set", ...more);
    const { forecast, taken, money } = JSON.parse(resumed.stdout) as {
      forecast: Record<"tokens" | "memory", { low: number; high: number }>;
      taken: Record<"tokens" | "memory", number>;
      money: number;
    };
    // The configuration says what may be spent, and differs in that.
    expect(differences(at("whole"), at("spent"))).toEqual(["config.json"]);
    expect(runConfig(at("spent"))).toMatchObject({
      budget: { flops: 1e15 },
      prices: { hours: { cpu: 5 } },
    });
    // Made in the first sitting, kept in the folder, held against the whole run.
    expect(taken.tokens).toBeGreaterThanOrEqual(forecast.tokens.low);
    expect(taken.tokens).toBeLessThanOrEqual(forecast.tokens.high);
    expect(taken.memory).toBeGreaterThan(5e7);
    expect(money).toBeGreaterThan(0);
  });

  test("refuses to resume with another configuration, and to start over a run", async () => {
    const changed = await errata(place, ["train", "--name", "whole", "--resume", "--seed", "5"]);
    expect(changed.status).toBe(2);
    expect(changed.stderr).toContain("seed is 0, not 5");
    expect(changed.stderr).toContain("RUN_CONFIG_CHANGED");
    const twice = await errata(place, ["train", "--name", "whole"]);
    expect(twice.status).toBe(2);
    expect(twice.stderr).toContain("RUN_EXISTS");
    expect(twice.stderr).toContain("--resume");
  });

  test("extends a finished run, whose evaluation is not repeated, and stops and resumes as ever", async () => {
    await runToEnd("short", { steps: 4 });
    const short = readFileSync(join(at("short"), "metrics.jsonl"), "utf8");
    const saved = runConfig(at("short"));
    const asked = (steps: number) => () => requireSameConfig("short", saved, { ...saved, steps });
    expect(asked(3)).toThrow("steps is 4, not 3");
    expect(asked(7)).not.toThrow();
    await resumeToEnd("short", { steps: 7 });
    expect(runConfig(at("short")).steps).toBe(7);
    const lines = readFileSync(join(at("short"), "metrics.jsonl"), "utf8");
    expect(lines.startsWith(short)).toBe(true);
    const all = lines.trim().split("\n");
    const evaluated = all
      .map((line) => JSON.parse(line) as MetricsLine)
      .flatMap((line) => ("eval/accuracy" in line ? [line.step] : []));
    expect(evaluated).toEqual([0, 4, 7]);

    // The same, but cut off within the first step of the extension.
    const { run: brief, setup } = await start("brief", { steps: 4 });
    await train(brief, setup);
    brief.close();
    const longer = await place.setup({ steps: 7 });
    const extended = await Run.resume(at("brief"), longer);
    extended.beginStep();
    await extended.abandon();
    extended.close();
    await resumeToEnd("brief", { steps: 7 });
    expect(differences(at("short"), at("brief"))).toEqual([]);
  });

  test("refuses a run that another process is training", async () => {
    const setup = await place.setup();
    const run = await Run.resume(at("whole"), setup);
    const second = await errata(place, ["train", "--name", "whole", "--resume"]);
    expect(second.status).toBe(1);
    expect(second.stderr).toContain("RUN_BUSY");
    run.close();
  });
});
