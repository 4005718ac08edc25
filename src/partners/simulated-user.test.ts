import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { localOf } from "../engine/local-policy.js";
import type { ConfigInput } from "../config/config.js";
import { parseConfig } from "../config/parse.js";
import { environmentNamed } from "../environments/from-file.js";
import { checkEnvironment } from "../assess/check-environment.js";
import { findData } from "../environments/data-folder.js";
import type { Environment } from "../environments/environment.js";
import { Database } from "../environments/support/database.js";
import type { TauTask } from "../environments/support/tau/task.js";
import { tauEnvironment } from "../environments/support/tau/tau.js";
import { estimateCost } from "../cli/estimate.js";
import { withSettings } from "../cli/user-settings.js";
import type { Model } from "../models/model.js";
import { LexiconTokenizer } from "../models/tokenizer.js";
import { chatServer, type Answer, type Asked, type ChatServer } from "../models/testing.js";
import { play } from "../play/play.js";
import { prepare, presetFor } from "../launch/prepare.js";
import { Random } from "../util/random.js";
import { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";
import { runTasks } from "../launch/tasks.js";
import { cues, cueSetup, regardless, scriptedAction } from "../testing/testing.js";
import { train } from "../loop/train.js";
import { userFor } from "./simulated-user.js";
import type { UserOptions } from "./user-options.js";

const stop: Answer = { status: 200, text: "Thanks! ###STOP###" };
let answer: (asked: Asked, index: number) => Answer;
let server: ChatServer;
let folder: string;
beforeAll(async () => {
  server = await chatServer((asked) => answer(asked, server.asked.length - 1));
  folder = mkdtempSync(join(tmpdir(), "errata-user-"));
});
beforeEach(() => {
  server.asked.length = 0;
  answer = () => stop;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const played = (more: Partial<UserOptions> = {}): UserOptions =>
  parseConfig({ user: { source: server.url, model: "customer", keyVariable: "TEST_KEY", ...more } })
    .user;

/** A desk without tools, where all that is asked is that the agent says `x`. */
const tasks: readonly TauTask[] = Array.from({ length: 12 }, (_, i) => ({
  id: String(i),
  user_scenario: { instructions: `You want to hear x. You are the customer called number-${i}.` },
  evaluation_criteria: { communicate_info: ["x"], reward_basis: ["COMMUNICATE"] },
}));

const desk = async (
  options: UserOptions,
): Promise<{ environment: Environment; user: Setup["preset"]["user"] }> => {
  const user = await userFor(options);
  const typed: unknown = tauEnvironment(
    "desk",
    () => ({
      tools: new Map(),
      database: Database.of({}),
      policy: "Say x.",
      tasks: { train: tasks.slice(0, 8), validation: tasks.slice(8, 10), test: tasks.slice(10) },
    }),
    user === undefined ? {} : { user },
  );
  return { environment: { ...(typed as Environment), maxActionSymbols: 1 }, user };
};

/** Sees of every conversation no more than the cue `a`. */
class ShortSighted extends LexiconTokenizer {
  override encodePrompt(): number[] {
    return this.encode("a");
  }
}

/** A student that says `x` three times in ten, trained by GRPO at that desk. */
async function setup(user: Partial<UserOptions>, config: ConfigInput = {}): Promise<Setup> {
  const made = cueSetup({
    student: regardless({ x: 0.3, y: 0.7 }),
    config: {
      steps: 4,
      tasksPerStep: 3,
      groupSize: 4,
      pool: 8,
      evaluationTasks: 2,
      saveEvery: 1,
      learningRate: 0.01,
      explore: { form: "none" },
      reward: { penalty: 0, diverge: 0 },
      ...config,
      user: played(user),
    },
  });
  const { environment, user: asked } = await desk(made.config.user);
  const preset = {
    ...made.preset,
    environment: () => environment,
    levels: ["no-write"],
    ...(asked === undefined ? {} : { user: asked }),
  };
  return {
    ...made,
    environment,
    preset,
    tokenizer: new ShortSighted(cues.lexicon!),
    ...runTasks({ environment, preset, config: made.config }),
  };
}

const sayingX: Model = {
  act: (prompts) => Promise.resolve(prompts.map(() => scriptedAction("a", "x"))),
};

async function trained(name: string, made: Setup): Promise<Run> {
  const run = await Run.create(join(folder, name), made);
  await train(run, made);
  run.close();
  return run;
}

interface Line {
  readonly "rollout/failed"?: number;
}

const metrics = ({ folder: at }: Run): Line[] =>
  readFileSync(join(at, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

const rollouts = ({ folder: at }: Run): string =>
  readdirSync(join(at, "rollouts"))
    .map((file) => readFileSync(join(at, "rollouts", file), "utf8"))
    .join("");

describe("a user played by a model", () => {
  test("trains a student, with the scenario, the key and the price of each answer", async () => {
    process.env["TEST_KEY"] = "secret-of-the-test";
    const made = await setup({ degraded: ["vague"] }, { steps: 3 });
    const run = await trained("learns", made);
    expect(run.finished).toBe(true);
    expect(localOf(run.state.student).weights).not.toEqual(localOf(made.base).weights);
    expect(rollouts(run).match(/"stop":"solved"/g)!.length).toBeGreaterThan(3);
    const { asked } = server;
    expect(run.ledger.totals.user).toEqual({
      flops: 0,
      rollouts: asked.length,
      tokens: 7 * asked.length,
    });
    expect(asked.length).toBeGreaterThanOrEqual(3 * 12);
    const [{ authorization, body }] = asked as [Asked];
    expect(authorization).toBe("Bearer secret-of-the-test");
    expect(body).toMatchObject({ model: "customer", temperature: 0 });
    expect(body.messages[0]).toMatchObject({
      role: "system",
      content: expect.stringMatching(/Be vague[^]*called number-\d/) as string,
    });
    expect(body.messages.at(-1)).toMatchObject({ role: "user" });
    expect(readFileSync(join(run.folder, "config.json"), "utf8")).not.toContain("secret-of");
  });

  test("that fails or is silent ends its rollout and no other", async () => {
    answer = (_, i) =>
      i % 6 === 1 ? { status: 400, text: "no such model" } : i % 6 === 3 ? undefined : stop;
    const run = await trained(
      "fails",
      await setup({ timeout: 0.2 }, { steps: 1, evaluateEvery: 9 }),
    );
    const failed = metrics(run).flatMap((line) => line["rollout/failed"] ?? []);
    expect(failed).toEqual([4]);
    expect(rollouts(run).match(/"failure":"[^"]*did not answer: no such model/g)).toHaveLength(2);
    expect(rollouts(run).match(/"failure":"[^"]*did not answer[^"]*time/g)).toHaveLength(2);
    expect(rollouts(run).match(/"stop":"(solved|wrong)"/g)).toHaveLength(8);
  });

  test("stops the run, saved, once its limit is spent, and is not asked again after a resume", async () => {
    const limits = { calls: 20 };
    const run = await trained("limited", await setup(limits));
    expect(server.asked).toHaveLength(20);
    expect(run.finished).toBe(false);
    expect(run.overBudget).toEqual({ section: "user", limit: "calls", spent: 20, budget: 20 });
    expect(rollouts(run)).toContain("user.calls is spent");
    const again = await setup(limits);
    const resumed = await Run.resume(run.folder, again);
    await train(resumed, again);
    resumed.close();
    expect(server.asked).toHaveLength(20);
    expect(resumed.state.step).toBe(run.state.step);
  });

  test("whose tokens or money are limited is asked one answer at a time, so no limit is overrun", async () => {
    const { environment, user } = await desk(played({ price: 1e6, money: 30 }));
    const rollouts = await play(
      environment,
      sayingX,
      environment.tasks!("train"),
      Random.from(0, "play"),
    );
    expect(user!.spent).toEqual({ calls: 5, tokens: 35, money: 35 });
    expect(rollouts.filter((r) => r.verdict.correct)).toHaveLength(5);
    expect(rollouts.filter((r) => r.failure?.includes("user.money is spent"))).toHaveLength(3);
  });

  test("in private leaves no word of a conversation in the run's folder", async () => {
    answer = () => ({ status: 200, text: "I am called number-7. ###STOP###" });
    const made = await setup({ private: true }, { steps: 2 });
    const run = await trained("private", made);
    expect(rollouts(run)).toMatch(/sha256/);
    for (const file of readdirSync(run.folder, { recursive: true, withFileTypes: true }))
      if (file.isFile())
        expect(readFileSync(join(file.parentPath, file.name), "latin1")).not.toContain("number-");
    await expect(
      prepare(parseConfig({ user: { private: true }, preset: "arithmetic" })),
    ).rejects.toMatchObject({ code: "USER_PRIVATE" });
  });

  test.each([
    [{ source: "scripty" }, "USER_SOURCE"],
    [{ source: "http://localhost:1/v1" }, "REMOTE_ADDRESS"],
    [{ source: "http://localhost:1/v1", model: "m" }, "USER_UNUSED"],
  ])("given as %j, or where nobody converses, is refused", async (user, code) => {
    await expect(presetFor(parseConfig({ preset: "arithmetic", user }))).rejects.toMatchObject({
      code,
    });
  });

  test("is set by its own keys alone in commands that train nothing", () => {
    expect(withSettings({}, ["user.calls=3"]).user.calls).toBe(3);
    expect(() => withSettings({}, ["steps=3"])).toThrow(
      expect.objectContaining({ code: "CONFIG_SET" }),
    );
  });
});

const retail = findData("tau2/retail/db.json") !== undefined;
const absent = "tau2/retail is absent: set ERRATA_DATA to the folder that holds tau2/";

describe.skipIf(!retail)("tau2-retail with a user played by a model", () => {
  const config: ConfigInput = { environment: "tau2-retail", student: { checkpoint: "none" } };

  test("is checked, and played by every command that makes a preset of a configuration", async () => {
    const user = (await userFor(played()))!;
    const checked = await checkEnvironment(await environmentNamed("tau2-retail", { user }), {
      tasks: 6,
      seed: 1,
      level: "one-write",
    });
    expect(checked).toMatchObject({ tasks: 6, referenceAccepted: 6, failures: [] });
    expect(user.spent.calls).toBe(server.asked.length);
    expect(server.asked.length).toBeGreaterThanOrEqual(12);

    const preset = await presetFor(parseConfig({ ...config, user: played() }));
    const environment = preset.environment();
    const [task] = environment.tasks!("train");
    const [rollout] = await play(environment, sayingX, [task!], Random.from(0, "play"));
    expect(rollout!.steps).toHaveLength(1);
    expect(preset.user!.spent).toEqual({ calls: 1, tokens: 7, money: 0 });
  });

  test("is not asked for an estimate of the cost", async () => {
    const open = { ...config, student: { checkpoint: "none" } };
    await estimateCost(parseConfig({ ...open, user: played() })).catch(() => undefined);
    expect(server.asked).toHaveLength(0);
  });
});

test.runIf(!retail)(`tau2-retail with a user played by a model (skipped: ${absent})`, (context) => {
  context.skip(absent);
});
