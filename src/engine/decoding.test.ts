import { describe, expect, it } from "vitest";
import { Random } from "../util/random.js";
import type { Completion, SampleRequest } from "./engine.js";
import { LocalEngine } from "./local.js";
import { StopRule } from "./stop.js";
import { tinyPolicy, tinyShape } from "./testing.js";

const policy = tinyPolicy();
const random = Random.from(7, "prompts");
const prompts = Array.from({ length: 30 }, (_, i) =>
  Array.from({ length: 1 + (i % 6) }, () => random.below(tinyShape.vocabulary)),
);
const seeds = prompts.map((_, i) => 1000 + 7 * i);

function sample(
  engine: LocalEngine,
  rows: readonly number[],
  more: Partial<SampleRequest> = {},
): Promise<Completion[]> {
  return engine.sample(policy, {
    prompts: rows.map((i) => prompts[i]!),
    seeds: rows.map((i) => seeds[i]!),
    maxTokens: 24,
    stopToken: 8,
    random: Random.from(0, "unused"),
    ...more,
  });
}

/** Equal tokens, log-probs equal to rounding. */
function expectEqual(actual: readonly Completion[], expected: readonly Completion[]): void {
  expect(actual.map((c) => c.tokens)).toEqual(expected.map((c) => c.tokens));
  expect(actual.map((c) => c.stopped)).toEqual(expected.map((c) => c.stopped));
  actual.forEach((completion, i) =>
    completion.logprobs.forEach((l, t) => {
      expect(Math.abs(l - expected[i]!.logprobs[t]!)).toBeLessThan(1e-4);
    }),
  );
}

const all = prompts.map((_, i) => i);

describe("rows of a batch", () => {
  const engine = new LocalEngine();

  it("depend on their prompt and seed, not on the rows beside them", async () => {
    const together = await sample(engine, all);
    expect(new Set(together.map((c) => c.tokens.length)).size).toBeGreaterThan(4);
    expectEqual(await sample(engine, [3, 17, 4]), [together[3]!, together[17]!, together[4]!]);
    expectEqual(await sample(engine, [29]), [together[29]!]);
    expectEqual(await sample(engine, all.toReversed()), together.toReversed());
  });

  it.each([1, 4, 13])("are the same where at most %i are decoded at once", async (maxRows) => {
    expectEqual(await sample(engine, all, { maxRows }), await sample(engine, all));
  });

  it("leave places empty without outgrowing the cache, where the last ones are fewer", async () => {
    const rows = Array.from({ length: 32 }, (_, i) => i % 30);
    const unstopped = { stopToken: 99, maxRows: 11 };
    const many = await sample(engine, rows, unstopped);
    expectEqual(many, await sample(engine, rows, { stopToken: 99 }));
  });

  it("have to fit into the context, the token drawn last aside", async () => {
    const ask = (prompt: number, maxTokens: number): Promise<Completion[]> =>
      engine.sample(policy, {
        prompts: [Array.from({ length: prompt }, () => 1)],
        maxTokens,
        random: Random.from(1, "context"),
      });
    expect(await ask(tinyShape.context, 1)).toHaveLength(1);
    expect(await ask(tinyShape.context - 1, 2)).toHaveLength(1);
    await expect(ask(tinyShape.context, 2)).rejects.toMatchObject({
      code: "CONTEXT_LENGTH",
      message: "a prompt of 64 tokens and 2 new ones exceed the model's context of 64",
      hint: expect.stringContaining("student.context"),
    });
    await expect(ask(tinyShape.context + 1, 1)).rejects.toMatchObject({
      code: "CONTEXT_LENGTH",
      message: "a sequence of 65 tokens exceeds the model's context of 64",
    });
  });

  it("of one length have the log-probabilities of the uncached pass, while some of them end", async () => {
    const equal = Array.from({ length: 16 }, (_, i) => [i % 11, (3 * i) % 11, (i * i) % 11]);
    const completions = await engine.sample(policy, {
      prompts: equal,
      maxTokens: 24,
      stopToken: 8,
      random: Random.from(9, "equal"),
    });
    expect(new Set(completions.map((c) => c.tokens.length)).size).toBeGreaterThan(4);
    const uncached = await engine.logprobs(
      policy,
      completions.map(({ tokens }, i) => ({
        tokens: [...equal[i]!, ...tokens],
        targets: tokens.map((token, t) => ({ position: 2 + t, token })),
      })),
    );
    completions
      .flatMap((c) => c.logprobs)
      .forEach((l, i) => expect(Math.abs(l - uncached[i]!)).toBeLessThan(1e-4));
  });

  it("of equal prompts differ by their seeds, and equal seeds make them equal", async () => {
    const [a, b, c] = await engine.sample(policy, {
      prompts: [prompts[5]!, prompts[5]!, prompts[5]!],
      seeds: [1, 2, 1],
      maxTokens: 12,
      random: Random.from(0, "unused"),
    });
    expect(a!.tokens).toEqual(c!.tokens);
    expect(a!.tokens).not.toEqual(b!.tokens);
  });

  it("compute a prompt that they share once, forks of a prefix too", async () => {
    const own = new LocalEngine();
    const prefix = [...prompts[11]!, 1, 2, 3];
    await own.sample(policy, {
      prompts: Array.from({ length: 8 }, () => prefix),
      maxTokens: 1,
      maxRows: 3,
      random: Random.from(1, "forks"),
    });
    expect(own.tokens).toBe(prefix.length);
  });

  it("need a seed each, where seeds are given", async () => {
    await expect(sample(engine, [1, 2], { seeds: [1] })).rejects.toThrow("1 seeds for 2 prompts");
  });

  it("stop between two tokens when they are told to", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const sampling = sample(engine, all, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 1);
    await expect(sampling).rejects.toBe(reason);
  });
});

describe("the end of a completion", () => {
  const engine = new LocalEngine();

  it("is any of several stop tokens", async () => {
    const stopTokens = [2, 5, 8];
    const completions = await sample(engine, all, { stopTokens });
    for (const { tokens, stopped } of completions) {
      const at = tokens.findIndex((token) => stopTokens.includes(token));
      expect(at).toBe(stopped ? tokens.length - 1 : -1);
    }
    expect(completions.some((c) => c.stopped && c.tokens.at(-1) === 5)).toBe(true);
  });

  const tokenBytes = ["", "a", "b", "ab", "\n", "c", "ba", "x", "", "€"]
    .map((text) => Buffer.from(text))
    .flatMap((bytes, i) => (i === 9 ? [bytes.subarray(0, 2), bytes.subarray(2)] : [bytes]));

  it.each([
    [["ab"], [1, 7, 1, 2], 4],
    [["ab"], [3], 1],
    [["bab"], [2, 1, 6], 3],
    [["aa", "c"], [1, 2, 5], 3],
    [["€"], [9, 10], 2],
    [["ab"], [1, 0, 2], 3], // special tokens have no text
  ])("is a stop string, wherever tokens divide it: %j in %j", (strings, tokens, length) => {
    const rule = new StopRule({ stopStrings: { strings, tokenBytes } });
    expect(tokens.findIndex((token) => rule.ends(token)) + 1).toBe(length);
  });

  it("holds in the middle of a run", async () => {
    const strings = ["ab"];
    const text = (tokens: readonly number[]): string =>
      Buffer.concat(tokens.map((t) => tokenBytes[t]!)).toString();
    const free = await sample(engine, all);
    const completions = await sample(engine, all, { stopStrings: { strings, tokenBytes } });
    let ended = 0;
    completions.forEach(({ tokens, stopped }, i) => {
      const { tokens: whole } = free[i]!;
      expect(tokens).toEqual(whole.slice(0, tokens.length));
      expect(text(tokens.slice(0, -1))).not.toContain("ab");
      if (tokens.length === whole.length) return;
      expect(stopped && text(tokens).includes("ab")).toBe(true);
      ended++;
    });
    expect(ended).toBeGreaterThan(2);
  });

  it("is no empty string", () => {
    expect(() => new StopRule({ stopStrings: { strings: [""], tokenBytes } })).toThrow("empty");
  });
});
