import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConfigInput } from "../config/config.js";
import { playGroups, sampler } from "../play/explore.js";
import { chatServer, type ChatServer } from "../models/testing.js";
import type { Prompt, Tokenizer } from "../models/tokenizer.js";
import { playPartners } from "./partner.js";
import { Random } from "../util/random.js";
import { RemotePartner, remotePartners } from "./remote.js";
import { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";
import { steeringFor } from "../loop/steer.js";
import { cueSetup, cueTask, cueTokenizer, regardless, scriptedModel } from "../testing/testing.js";
import { train } from "../loop/train.js";

let folder: string;
let server: ChatServer;
let says = "x";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "errata-remote-"));
  server = await chatServer(() => ({ status: 200, text: says }));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** A student that nearly always says x, and a partner behind a URL that says what `says` says. */
async function remoteSetup(more: ConfigInput = {}, calls?: number): Promise<Setup> {
  const weak = { url: server.url, model: "weak", ...(calls === undefined ? {} : { calls }) };
  const setup = cueSetup({
    student: regardless({ x: 0.9, y: 0.05, z: 0.05 }),
    config: {
      steps: 1,
      tasksPerStep: 4,
      pool: 6,
      evaluateEvery: 10,
      evaluationTasks: 4,
      explore: { form: "rejection" },
      expert: { minimumTraces: 4, maximumTraces: 64, steps: 60, batch: 16, learningRate: 1e-2 },
      corpus: { sources: "weak", capacity: 64 },
      partners: { every: 1, warmUpTraces: 6, remote: { weak } },
      probe: { every: 9, tasks: 6, attempts: 2, overlapTasks: 0 },
      ...more,
    },
  });
  const { remote } = setup.config.partners;
  const { partners, notices } = await remotePartners(remote, setup, setup.partners);
  return { ...setup, remotePartners: partners, notices };
}

describe("a weak partner behind a URL", () => {
  test("feeds the corpus and its experts, is paid for as weak, and is never used in silence", async () => {
    server.asked.length = 0;
    const setup = await remoteSetup();
    const run = await Run.create(join(folder, "run"), setup);
    await train(run, setup);
    expect(run.corpus.stats().bySource).toEqual({ "weak:weak": expect.any(Number) as number });
    expect(run.corpus.signatures("cues").map((s) => s.signature)).toEqual(["always-x"]);
    const expert = run.state.experts.get("always-x")!;
    expect(expert.traces).toBeGreaterThanOrEqual(4);
    // Rejection: of twice as many attempts those are kept that the expert finds least likely.
    const tasks = [cueTask("bdbd"), cueTask("dbdb")];
    const steered = await sampler(setup, setup.base, expert.policy)(tasks, 8, Random.from(1, "r"));
    const plain = await sampler(setup, setup.base)(tasks, 8, Random.from(1, "r"));
    const repeats = (groups: typeof plain): number =>
      groups.flatMap((g) => g.rollouts).filter((r) => r.verdict.signature === "always-x").length;
    expect(repeats(steered)).toBeLessThan(repeats(plain));

    expect(run.ledger.totals.weak.tokens).toBe(7 * server.asked.length);
    expect(run.ledger.totals.weak.flops).toBe(0);
    expect(readFileSync(join(run.folder, "log.jsonl"), "utf8")).toContain("is text alone");
    const calls = setup.remotePartners!.get("weak")!.calls;
    expect(calls).toBe(server.asked.length);
    const bill = { model: "weak", read: 5 * server.asked.length, written: 2 * server.asked.length };
    expect(run.ledger.bills).toEqual([bill]);
    run.close();

    // Another sitting carries on counting.
    const prices = { models: { weak: { input: 1, output: 10 } } };
    const again = await remoteSetup({ prices });
    const resumed = await Run.resume(run.folder, again);
    expect(resumed.ledger.bills).toEqual([bill]);
    expect(resumed.ledger.spent(prices).money).toBeCloseTo((25 / 1e6) * server.asked.length, 12);
    resumed.close();
    expect(again.remotePartners!.get("weak")!.calls).toBe(calls);
  });

  test("is not asked beyond its limit but for the round in which it is reached", async () => {
    server.asked.length = 0;
    const setup = await remoteSetup({
      partners: { ...(await remoteSetup({}, 1)).config.partners },
    });
    const run = await Run.create(join(folder, "limited"), setup);
    await train(run, setup);
    expect(server.asked.length).toBe(6 * 4 * 4); // every task of the pool, four attempts of four actions
    expect(run.partners.names).toEqual(["weak"]);
    const players = { ...setup, partners: run.partners };
    const [played] = await playPartners(players, ["weak"], setup.pool, Random.from(0, "p"));
    expect(played!.groups).toEqual([]);
    run.close();
  });

  test("whose words the student has no tokens for is refused at once, and left out of the corpus", async () => {
    says = "¿qué?";
    const setup = await remoteSetup();
    const run = await Run.create(join(folder, "foreign"), setup);
    await expect(train(run, setup)).rejects.toMatchObject({ code: "PARTNER_UNREADABLE" });
    await run.abandon();
    expect(run.corpus.stats().mistakes).toBe(0);
    run.close();
    says = "x";
  });

  test("of the name of one that runs here is refused", async () => {
    const { config } = await remoteSetup();
    await expect(
      remotePartners(config.partners.remote, cueSetup({ student: {} }), new Set(["weak"])),
    ).rejects.toMatchObject({ code: "PARTNER_NAME" });
  });
});

describe("a negative hint", () => {
  /** What prompts said, for a student that reads. */
  const reading = (seen: string[]): Tokenizer =>
    ({
      size: cueTokenizer.size,
      stop: cueTokenizer.stop,
      encode: (text: string) => cueTokenizer.encode(text),
      decode: (tokens: readonly number[]) => cueTokenizer.decode(tokens),
      spans: (tokens: readonly number[]) => cueTokenizer.spans(tokens),
      encodePrompt: ({ observation, messages }: Prompt) => {
        seen.push(messages?.at(-1)?.content ?? observation);
        return cueTokenizer.encode(observation);
      },
    }) as Tokenizer;

  test("names what the partner got wrong at the task, before what the student did", async () => {
    const setup = await remoteSetup({ explore: { form: "negative-hint" } });
    const run = await Run.create(join(folder, "hints"), setup);
    run.corpus.admit({
      correct: false,
      domain: "cues",
      level: "long",
      taskId: "bbbb",
      split: "train",
      state: "b",
      wrongStep: "x",
      answer: "yyyx",
      source: "weak:weak",
      evidence: "test",
      confidence: 1,
      embedding: Float32Array.of(1),
      recurrence: 1,
      sameAnswers: 4,
      trace: [{ prompt: "b", action: "the partner's answer" }],
      step: 0,
    });
    const steering = steeringFor(run, setup, Random.from(3, "arm"));
    expect(steering.wrongAnswersOf(cueTask("bbbb"))).toEqual(["the partner's answer"]);
    expect(steering.wrongAnswersOf(cueTask("dddd"))).toEqual([]);
    const seen: string[] = [];
    const player = { ...setup, tokenizer: reading(seen) };
    await playGroups({
      player,
      policy: setup.base,
      tasks: [cueTask("bbbb")],
      steering,
      random: Random.from(3, "p"),
    });
    const hints = seen.filter((text) => text.includes("are wrong"));
    expect(hints.length).toBeGreaterThan(0);
    expect(hints[0]!.split("\n").slice(1, 3)).toEqual([
      "- the partner's answer",
      expect.stringMatching(/^- [xyz]$/),
    ]);
    run.close();
  });

  test("names nobody else's where every partner runs here", async () => {
    const setup = cueSetup({
      student: regardless({ x: 1 }),
      partners: { "always-x": regardless({ x: 1 }) },
      config: { explore: { form: "negative-hint" } },
    });
    const run = await Run.create(join(folder, "local"), setup);
    const { wrongAnswersOf } = steeringFor(run, setup, Random.from(3, "arm"));
    expect(wrongAnswersOf(cueTask("bbbb"))).toEqual([]);
    run.close();
  });
});

test("a partner counts what it was asked and paid", async () => {
  const paid = scriptedModel(() => "x");
  const partner = new RemotePartner(
    {
      act: async (prompts, random) =>
        (await paid.act(prompts, random)).map((action) => ({ ...action, paidTokens: 5 })),
    },
    3,
  );
  await partner.act([{ observation: "a" }, { observation: "b" }], Random.from(0, "p"));
  expect(partner).toMatchObject({ calls: 2, tokens: 10, spent: false });
  partner.resume(3);
  expect(partner.spent).toBe(true);
});
