/** What a user meets when the process that trains dies, hangs or is told to stop. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConfigInput } from "../src/config/config.js";
import { parseConfig } from "../src/config/parse.js";
import type { MetricsLine } from "../src/watch/metrics.js";
import { prepare } from "../src/launch/prepare.js";
import { Run } from "../src/run/run.js";
import { train } from "../src/loop/train.js";
import { differences, errata, type Outcome } from "./tiny.js";

/** A llama of 16 k weights with a tokenizer of its own. */
const checkpoint = fileURLToPath(new URL("../src/engine/golden/families/smollm2", import.meta.url));

let folder = "";
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "errata-process-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (...path: string[]): string => join(folder, ...path);
const place = (): { folder: string; cache: string } => ({ folder, cache: at("cache") });

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await wait(2);
}

/** The process that trains a run. */
const trainer = (name: string): number =>
  (JSON.parse(readFileSync(at("runs", name, "lock"), "utf8")) as { process: number }).process;

describe("an adapter on an open model", () => {
  const config: ConfigInput = {
    student: { checkpoint, maxTokens: 6, lora: { rank: 4 }, templateDate: "2026-11-30" },
    steps: 8,
    tasksPerStep: 3,
    groupSize: 4,
    pool: 16,
    learningRate: 1e-3,
    evaluateEvery: 4,
    evaluationTasks: 8,
    saveEvery: 3,
    reward: { penalty: 0, diverge: 0 },
    explore: { form: "none" },
    partners: { names: [] },
  };

  test("trained, killed and resumed ends with the same bytes as trained at once", async () => {
    // Some letters are right and some wrong, so that a model with random weights has something to learn.
    const environment = at("letters.mjs");
    writeFileSync(
      environment,
      `import { defineEnvironment } from "errata";
       const prompts = ["one", "two", "three", "four", "five"];
       export default defineEnvironment({
         name: "letters",
         tasks: (split) => (split === "train" ? prompts.slice(0, 4) : prompts.slice(4)).map((prompt) => ({ id: prompt, domain: "letters", level: "all", split, data: { prompt } })),
         start: ({ data }) => ({ state: data, observation: data.prompt, terminated: false, truncated: false }),
         step: (state, answer) => ({ state: { ...state, answer }, observation: "", terminated: true, truncated: false }),
         judge({ end: { state: { answer = "" } } }) {
           const correct = /[a-m]/.test(answer);
           return { correct, answer, stop: correct ? "solved" : "wrong" };
         },
         procedures: { correct: () => "a" },
       });`,
    );
    const whole = { ...config, environment };
    const setup = await prepare(parseConfig(whole));
    const run = await Run.create(at("runs", "whole"), setup);
    const lines: MetricsLine[] = [];
    run.onLine = (line) => lines.push(line);
    await train(run, setup);
    run.close();
    expect(run.finished).toBe(true);
    // There is something to compare: the adapter was trained.
    const norms = lines.flatMap((l) => ("loss/gradientNorm" in l ? [l["loss/gradientNorm"]] : []));
    expect(Math.min(...norms.slice(0, 2))).toBeGreaterThan(0);

    writeFileSync(
      at("lora.config.mjs"),
      `export default ${JSON.stringify({ preset: "proof", ...whole })}`,
    );
    const args = ["train", "--name", "killed", "--no-gate", "-c", "lora.config.mjs"];
    const killed = await errata(place(), args, () => {
      const metrics = at("runs", "killed", "metrics.jsonl");
      void until(
        () => existsSync(metrics) && readFileSync(metrics, "utf8").includes('"step":4,"roll'),
      ).then(() => process.kill(trainer("killed"), "SIGKILL"));
    });
    expect(killed).toMatchObject({ status: 1, signal: null });
    expect(killed.stderr).toMatch(/training runs.killed: its process was ended by SIGKILL/);
    expect(killed.stderr).toMatch(/hint: .*--resume.*engine.microBatchBytes/);
    expect(killed.stderr).toMatch(/code: .*RUN_PROCESS/);
    expect(readdirSync(at("runs", "killed", "checkpoints"))).not.toContain("step-000008");
    const resumed = await errata(place(), ["train", "--name", "killed", "--resume", "--json"]);
    expect(resumed).toMatchObject({ status: 0 });
    expect(JSON.parse(resumed.stdout)).toMatchObject({
      finished: true,
      step: 8,
      environment,
      tokens: expect.any(Number) as number,
      tokensPerSecond: expect.any(Number) as number,
    });
    expect(differences(at("runs", "whole"), at("runs", "killed"))).toEqual([]);
  });
});

describe("a command whose run is judging an attempt", () => {
  /** An environment whose verdicts do `during`. */
  const flags = (name: string, during: string): string[] => {
    const path = at(`${name}.mjs`);
    writeFileSync(
      path,
      `import { writeFileSync } from "node:fs";
      const turn = (state, terminated) => ({ state, observation: "Go", terminated, truncated: false });
      export default {
        name: ${JSON.stringify(name)},
        draw: ({ split, level, random }) => {
          const id = split + random.below(1000);
          return { id, domain: "${name}", level, split, data: id };
        },
        start: ({ data }) => turn(data, false),
        step: (state) => turn(state, true),
        judge: async () => { ${during}; return { correct: false, answer: "", stop: "wrong" }; },
        procedures: { correct: () => "" },
      };`,
    );
    const set = [`environment=${path}`, `student.checkpoint=${checkpoint}`, "student.maxTokens=2"];
    return ["train", "--name", name, "--set", ...set, "evaluationTasks=1"];
  };

  /** Presses Ctrl-C so many times once the first attempt is being judged; who trained has ended after it. */
  async function pressed(name: string, during: string, presses: number): Promise<Outcome> {
    const args = flags(name, `writeFileSync("${name}", ""); ${during}`);
    let said = "";
    let pid = 0;
    const outcome = await errata(place(), args, (child) => {
      child.stderr!.on("data", (data: Buffer) => (said += data.toString()));
      void (async () => {
        await until(() => existsSync(at(name)));
        pid = trainer(name);
        child.kill("SIGINT");
        await until(() => said.includes("finishing the step, then saving"));
        for (let press = 1; press < presses; press++) {
          await wait(350); // two at once are one that was forwarded
          child.kill("SIGINT");
        }
      })();
    });
    await until(() => !isAlive(pid));
    return outcome;
  }

  test("is told to stop: the second Ctrl-C drops the step, however long it would take", async () => {
    const { status, stdout } = await pressed("waits", "await new Promise(() => {})", 2);
    expect(status).toBe(130);
    expect(stdout).toContain("interrupted and saved at step 0 of 150; carry on with: errata train");
  });

  test("answers though who trains listens to nothing, and the third Ctrl-C ends both", async () => {
    const { status, signal } = await pressed("hangs", "for (;;);", 3);
    expect({ status, signal }).toEqual({ status: 1, signal: null });
  });

  test.each([
    ["throws", `setImmediate(() => { throw new Error("boom"); }); await new Promise(() => {})`],
    ["fills", `const all = []; for (;;) all.push(new Array(1e6).fill(all.length + 0.5))`],
  ])("tells why a run that %s has died", async (name, during) => {
    const args = flags(name, during);
    const outcome = await errata(place(), args, undefined, {
      NODE_OPTIONS: "--max-old-space-size=160",
    });
    expect(outcome).toMatchObject({ status: 1, signal: null });
    expect(outcome.stderr).toMatch(
      name === "throws"
        ? /error: training runs.throws: boom/
        : /heap out of memory[^]*error: training runs.fills: its process [^]*engine.microBatchBytes/,
    );
    expect(outcome.stderr).toMatch(/hint: .*--resume/);
    expect(outcome.stderr).toMatch(/code: .*RUN_PROCESS/);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
