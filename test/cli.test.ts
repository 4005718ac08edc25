import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { main } from "../src/cli/main.js";
import { errata as run, overrides, tinyPlace, type Outcome, type Place } from "./tiny.js";

let place: Place;
beforeAll(async () => {
  place = await tinyPlace();
});
afterAll(() => place.remove());

const errata = (...args: string[]): Promise<Outcome> => run(place, args);

/** The command line in this process: quick, for what ends before any work begins. */
async function inProcess(...args: string[]): Promise<Omit<Outcome, "signal">> {
  let [stdout, stderr] = ["", ""];
  const out = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  const err = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  const [before, status] = [process.cwd(), process.exitCode];
  process.chdir(place.folder);
  try {
    await main(args);
    return { status: Number(process.exitCode ?? 0), stdout, stderr };
  } finally {
    process.chdir(before);
    process.exitCode = status;
    out.mockRestore();
    err.mockRestore();
  }
}

describe("usage", () => {
  const commands = [
    [],
    ["demo"],
    ["train"],
    ["eval"],
    ["export"],
    ["init"],
    ["runs"],
    ["runs", "rm"],
    ["serve"],
    ["chat"],
    ["gate"],
    ["study"],
    ["compare"],
    ["env"],
    ["env", "check"],
    ["corpus"],
    ["corpus", "list"],
    ["corpus", "show"],
    ["corpus", "stats"],
    ["corpus", "import"],
    ["corpus", "overlap"],
    ["models", "build"],
    ["doctor"],
  ];

  test("every command has a help with an example and --json", async () => {
    for (const command of commands) {
      const { status, stdout } = await inProcess(...command, "--help");
      const name = command.join(" ");
      expect(status, name).toBe(0);
      expect(stdout, name).toContain(`Usage: errata ${name}`.trim());
      if (name === "env" || name === "corpus" || name === "") continue;
      expect(stdout, name).toContain(`Examples:\n  errata ${name}`);
      expect(stdout, name).toContain("--json");
    }
  });

  test.each([
    [["train", "--stpes", "3"], "(Did you mean --steps?)"],
    [["trian"], "(Did you mean train?)"],
    [["train", "--steps", "many"], "whole number of at least 1"],
    [["eval"], "missing required argument 'run'"],
    [["eval", "x", "--split", "train"], "Allowed choices are validation, test"],
    [["train", "--set", "seed"], "seed"],
    [["train", "--preset", "arithmetik"], 'did you mean "arithmetic"?'],
    [["train", "--preset", "arithmetic", "--set", "explore.alfa=1"], "did you mean explore.alpha?"],
    [["train", "--preset", "arithmetic", "--set", "steps=0", "groupSize=3"], "groupSize: "],
    [["train", "-c", "nowhere.ts"], "there is no configuration file nowhere.ts"],
    [["train", "--name", "../outside"], "cannot name a run"],
    [["train", "explore.alpha=1"], "--set explore.alpha=1"],
    [["env", "check", "arithmetics"], 'did you mean "arithmetic"?'],
    [["corpus", "stats", "--run", "nothing"], 'there is no run "nothing"'],
    [["study", "arithmetic", "--arms", "grpo,mathing"], 'the study has no arm "mathing"'],
    [["demo", "--resume"], "there is no demonstration to resume"],
  ])("%j is a usage error", async (args, message) => {
    const { status, stdout, stderr } = await inProcess(...args);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
    expect(stdout).toBe("");
  });

  test("what a file's own definition lacks is said as it is, not as a file that cannot be loaded", async () => {
    const path = join(place.folder, "no-tasks.mjs");
    writeFileSync(
      path,
      `import { defineEnvironment } from "errata";
       export default defineEnvironment({ name: "a", start() {}, step() {}, judge() {}, procedures: { correct() {} } });`,
    );
    const { status, stderr } = await errata("env", "check", path);
    expect(stderr).toContain("hint:  define where tasks come from");
    expect(stderr).toContain("ENVIRONMENT_DEFINITION");
    expect(status).toBe(2);
  });

  test("errors are a message, a hint and a code; JSON on demand; a stack only with --debug", async () => {
    const plain = await errata("train", "--preset", "nosuch");
    expect(plain.stderr).toMatch(
      /^error: there is no preset "nosuch"\nhint:.*\ncode:.*PRESET_UNKNOWN\n$/,
    );
    expect(plain.status).toBe(2);
    const json = await errata("train", "--preset", "nosuch", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: "PRESET_UNKNOWN" } });
    const debug = await errata("train", "--preset", "nosuch", "--debug");
    expect(debug.stderr).toMatch(/\n +at .*presets\.js:\d+/);
  });
});

describe("configuration", () => {
  const folder = (): string => join(place.folder, "project");
  const dryRun = async (...args: string[]) => {
    const outcome = await run({ ...place, folder: folder() }, [
      "train",
      "--dry-run",
      "--no-measure",
      "--json",
      ...args,
    ]);
    expect(outcome.stderr).toBe("");
    return (JSON.parse(outcome.stdout) as { config: Record<string, unknown> }).config;
  };

  test("the preset gives way to the file, the file to flags, flags to --set", async () => {
    mkdirSync(folder());
    const text = `import { defineConfig, grpo } from "errata";
      export default defineConfig({ ...grpo, preset: "arithmetic", steps: 11, seed: 11, tasksPerStep: 11 });`;
    writeFileSync(join(folder(), "errata.config.ts"), text);
    const config = await dryRun(
      "--steps",
      "12",
      "--seed",
      "12",
      "--set",
      "seed=13",
      "explore.alpha=0.5",
    );
    expect(config).toMatchObject({
      preset: "arithmetic",
      explore: { mask: 0.02, form: "none", alpha: 0.5 },
      tasksPerStep: 11,
      steps: 12,
      seed: 13,
    });
    // Another preset's defaults come with its name, still below the file.
    expect(await dryRun("--preset", "proof")).toMatchObject({ steps: 11, explore: { mask: 0.1 } });
  });

  test.each([
    ["export default { stpes: 3 }", "bad.ts: stpes: unknown key (did you mean steps?)"],
    ["export default { reward: { penalty: 2 } }", "reward.penalty: "],
    ["export default 3", "exports number"],
    ["export default {", "bad.ts cannot be loaded"],
  ])("a file with %j is refused with its path", async (text, message) => {
    const path = join(place.folder, "bad.ts");
    writeFileSync(path, text);
    const { status, stderr } = await inProcess("train", "-c", "bad.ts");
    expect(stderr.replace(" is not valid:\n  ", ": ")).toContain(message);
    expect(status).toBe(2);
  });

  test("a dry run keeps nothing, and says the most a run can cost and what it will take", async () => {
    const size = ["--steps", "10", "--set", ...overrides, "steps=10", "groupSize=4"];
    const { stdout } = await errata("train", "--preset", "arithmetic", "--dry-run", ...size);
    expect(stdout).toMatch(/student plays +160 /);
    expect(stdout).toMatch(
      /estimated from \d of 10 steps: [\d.]+ to [\d.]+ min, \d+ to \d+ MB, [\d.]+ to [\d.]+ k tokens, [\d.]+ to [\d.]+ [MG]FLOPs in all/,
    );
    expect(existsSync(join(place.folder, "runs"))).toBe(false);
  });
});

test("env check accepts the arithmetic environment", async () => {
  const { status, stdout } = await errata("env", "check", "arithmetic", "--tasks", "200", "--json");
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    env: "arithmetic",
    tasks: 200,
    referenceAccepted: 200,
    corrupted: 200,
    corruptedRejected: 200,
    restated: 0,
    restatedAccepted: 0,
    tricks: 0,
    tricksRefused: 0,
    verdictsPerSecond: expect.any(Number) as number,
  });
});

test("doctor finds this machine fit", async () => {
  const { status, stdout } = await errata("doctor", "--json");
  expect(status).toBe(0);
  const { healthy, findings } = JSON.parse(stdout) as {
    healthy: boolean;
    findings: { name: string }[];
  };
  expect(healthy).toBe(true);
  expect(findings.map((f) => f.name)).toEqual(
    expect.arrayContaining([
      "Node.js",
      "ONNX Runtime",
      "WebGPU",
      "SQLite",
      "machine",
      "coqtop",
    ]) as string[],
  );
});

describe("a run", () => {
  const flags = ["--set", ...overrides];

  test("is trained, evaluated and looked into", async () => {
    const trained = await errata("train", "--json", ...flags);
    expect(trained.status).toBe(0);
    const name = "arithmetic-seed0-1";
    const summary = JSON.parse(trained.stdout) as {
      accuracy: { last: number };
      corpus: { admitted: number };
    };
    expect(summary).toMatchObject({
      run: `runs/${name}`,
      step: 8,
      finished: true,
      gate: { tasks: 64 },
    });

    // The run's own tasks give the accuracy that its metrics end with.
    const [measured, base, stats, list] = await Promise.all([
      errata("eval", name, "--json"),
      errata(
        "eval",
        `runs/${name}`,
        "--checkpoint",
        "base",
        "--split",
        "validation",
        "--tasks",
        "50",
      ),
      errata("corpus", "stats", "--json", "--run", name),
      errata("corpus", "list", "--json", "--limit", "3", "--signature", "drop-carry"),
    ]);
    const { accuracy, interval } = JSON.parse(measured.stdout) as {
      accuracy: number;
      interval: { low: number; high: number };
    };
    expect(accuracy).toBe(summary.accuracy.last);
    expect(interval.low).toBeLessThanOrEqual(accuracy);
    expect(interval.high).toBeGreaterThanOrEqual(accuracy);
    expect(base.stdout).toMatch(/before training, validation tasks[^]* of 50\n/);
    expect(JSON.parse(stats.stdout)).toMatchObject({ admitted: summary.corpus.admitted });
    const { mistakes } = JSON.parse(list.stdout) as {
      mistakes: { id: number; signature: string }[];
    };
    expect(mistakes.map((m) => m.signature)).toEqual(["drop-carry", "drop-carry", "drop-carry"]);
    const shown = await errata("corpus", "show", String(mistakes[0]!.id));
    expect(shown.stdout).toContain("drop-carry");
    const unknown = await errata("corpus", "show", "999999");
    expect(unknown).toMatchObject({ status: 2, stdout: "" });
  });

  test("in a pipe prints plain lines, and warns where the gate does not pass", async () => {
    // Without partners it asks whether the student's own mistakes recur.
    const alone = [...flags, "partners.names=[]"];
    const { stdout, stderr } = await errata("train", "--name", "piped", ...alone);
    expect(stderr).toContain("warning: the gate is undecided on 64 validation tasks");
    expect(stdout).not.toContain("\u001B");
    expect(stdout).not.toContain("\r");
    expect(stdout.split("\n").filter((line) => /^step \d\/8  accuracy/.test(line))).toHaveLength(3);
    expect(stdout).toMatch(/held-out accuracy .* tasks, 8 steps in /);
    const resumed = await errata("train", "--name", "piped", "--resume", "--steps", "10");
    expect(resumed.stdout).toMatch(/ tasks, 10 steps, 2 of them now, in .* mistakes admitted/);
    const gate = await errata("gate", "--preset", "code-natural", "--tasks", "12");
    expect(gate.status).toBe(1);
    expect(gate.stdout).toContain("The gate fails");
  });
});

describe("the demonstration", () => {
  test("trains both arms on equal terms and reports both", async () => {
    const { status, stdout, stderr } = await errata("demo", "--json", "--set", ...overrides);
    expect(stderr).toContain("plain GRPO  step 8/8");
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    const curve = {
      before: expect.any(Number) as number,
      after: expect.any(Number) as number,
    };
    expect(report).toMatchObject({
      domain: "arithmetic",
      rollouts: 8 * 4 * 8,
      seconds: expect.any(Number) as number,
      student: curve,
      grpo: curve,
      steps: 8,
      flops: {
        student: expect.any(Number) as number,
        grpo: expect.any(Number) as number,
      },
      stuck: {
        groups: expect.any(Number) as number,
        rescued: expect.any(Number) as number,
        rescuedOnPolicy: expect.any(Number) as number,
      },
      corpus: { admitted: expect.any(Number) as number, merged: expect.any(Number) as number },
      run: "runs/demo-1",
    });
    const config = (arm: string): Record<string, unknown> =>
      JSON.parse(
        readFileSync(join(place.folder, "runs/demo-1", arm, "config.json"), "utf8"),
      ) as Record<string, unknown>;
    const { reward, explore, partners, ...same } = config("student");
    expect(config("grpo")).toMatchObject(same);
    expect(config("grpo")).toMatchObject({ partners: { names: [] }, explore: { form: "none" } });
    expect([reward, explore, partners]).not.toContain(undefined);
  });

  test("stops on an interrupt with both saved, and resumes", async () => {
    const args = ["demo", "--name", "stopped", "--set", ...overrides];
    const stopped = await run(place, [...args, "steps=16"], (child) => {
      child.stdout!.on("data", (data: Buffer) => {
        if (data.toString().includes("step 4/16")) child.kill("SIGTERM");
      });
    });
    expect(stopped.status).toBe(130);
    expect(stopped.stdout).toContain("carry on with: errata demo --name stopped --resume");
    const resumed = await errata("demo", "--name", "stopped", "--resume", "--json");
    expect(resumed.status).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ steps: 16, rollouts: 16 * 4 * 8 });
  });
});

test("a study trains its arms and compares them; started again, it trains nothing", async () => {
  const args = ["study", "arithmetic", "--arms", "grpo,matching", "--seeds", "1"];
  const { status, stdout } = await errata(...args, "--json", "--set", ...overrides);
  expect(status).toBe(0);
  const report = JSON.parse(stdout) as { arms: { name: string }[] };
  expect(report).toMatchObject({ study: "arms", domain: "arithmetic", steps: 8, seeds: [0] });
  expect(report.arms.map((a) => a.name)).toEqual(["grpo", "matching"]);
  const again = await errata(...args, "--json", "--set", ...overrides);
  expect(again.stdout).toBe(stdout);
  expect(again.stderr).not.toContain("held-out accuracy");
});
