import { expect, test } from "vitest";
import { Corpus } from "../corpus/corpus.js";
import type { EmbeddingRequest } from "../../engine/engine.js";
import { LexiconTokenizer } from "../../models/tokenizer.js";
import type { Setup } from "../../run/setup.js";
import { embedAsRun, embedText } from "./embed.js";
import type { Located } from "./verify.js";

function located(prompt: string, action: string): Located {
  return {
    level: "all",
    split: "train",
    state: prompt,
    wrongStep: action,
    evidence: "test",
    confidence: 1,
    family: "x",
    trace: [
      { prompt: "b", action: "b" },
      { prompt, action },
    ],
    step: 1,
  };
}

test("by text, equal steps are equal and others are not", async () => {
  const [a, same, other] = await embedText([
    located("1+1=", "3"),
    located("1+1=", "3"),
    located("1+1=", "4"),
  ]);
  expect(a).toEqual(same);
  expect(a).not.toEqual(other);
  expect(a).toHaveLength(512);
});

test("as a run: hidden states of prompt and action at the wrong step, whitened as its corpus is", async () => {
  const asked: EmbeddingRequest[] = [];
  const setup = {
    base: { shape: { context: 8 } },
    tokenizer: new LexiconTokenizer({ symbols: ["a", "b"], separator: "" }),
    engine: {
      embed: async (_policy: unknown, requests: readonly EmbeddingRequest[]) => {
        asked.push(...requests);
        return requests.map(({ tokens, start, end }) =>
          Float32Array.from([0, 1, 2], (i) => (tokens[start]! + i) * (end - start) * (1 + (i % 2))),
        );
      },
    },
  } as unknown as Setup;
  const corpus = Corpus.open(":memory:");
  const embed = embedAsRun(setup, corpus);
  const embeddings = await embed([located("ab", "b"), located("bb", "a"), located("aa", "ab")]);
  expect(asked.slice(0, 2)).toEqual([
    { tokens: [2, 3, 3], start: 0, end: 2 },
    { tokens: [2, 3, 3], start: 2, end: 3 },
  ]);
  expect(embeddings.map((vector) => vector.length)).toEqual([6, 6, 6]);
  expect(Math.hypot(...embeddings[0]!)).toBeCloseTo(1);
  const fitted = corpus.whitening("state")!;
  expect(fitted.mean).toHaveLength(3);
  await embed([located("b", "b")]);
  expect(corpus.whitening("state")).toEqual(fitted);
  expect(await embed([])).toEqual([]);
});
