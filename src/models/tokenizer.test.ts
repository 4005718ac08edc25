import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arithmetic } from "../environments/arithmetic/arithmetic.js";
import type { Environment } from "../environments/environment.js";
import { playProcedure } from "../environments/play-procedure.js";
import { proof } from "../environments/proof/proof.js";
import { Random } from "../util/random.js";
import { LexiconTokenizer, specialTokens } from "./tokenizer.js";

const domains: [string, Environment][] = [
  ["arithmetic, a window", arithmetic() as Environment],
  ["arithmetic, the whole task", arithmetic({ view: "whole" }) as Environment],
  ["proof", proof() as Environment],
];

describe.each(domains)("texts of %s", (_, environment) => {
  const tokenizer = new LexiconTokenizer(environment.lexicon!);

  test("survive encoding and decoding, whatever task, procedure and step", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.constantFrom(...environment.levels),
        fc.constantFrom(...Object.keys(environment.procedures)),
        async (seed, level, procedure) => {
          const random = Random.from(seed, "tokenizer");
          const task = environment.draw({ split: "train", level, random });
          const { steps } = await playProcedure(environment, task, procedure, random);
          for (const { observation, action } of steps) {
            for (const text of [observation, action]) {
              const tokens = tokenizer.encode(text);
              expect(tokenizer.decode(tokens)).toBe(text);
              expect(tokens.every((id) => id >= 2 && id < tokenizer.size)).toBe(true);
            }
            expect(tokenizer.encode(observation).length).toBeLessThanOrEqual(
              environment.maxObservationSymbols,
            );
            expect(tokenizer.encode(action).length).toBeLessThanOrEqual(
              environment.maxActionSymbols,
            );
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test("have one token for each symbol, and two special tokens besides", () => {
    const { symbols } = environment.lexicon!;
    expect(tokenizer.size).toBe(symbols.length + 2);
    expect(symbols.map((symbol) => tokenizer.encode(symbol))).toEqual(
      symbols.map((_symbol, i) => [i + 2]),
    );
  });
});

describe("encoding", () => {
  const joined = new LexiconTokenizer({ symbols: ["1", "10", "0"], separator: "" });
  const spaced = new LexiconTokenizer({
    symbols: ["exact", "exact h1", "h1", "h10"],
    separator: " ",
  });

  test("takes the longest symbol", () => {
    expect(joined.encode("1001")).toEqual([3, 4, 2]);
    expect(spaced.encode("exact h1")).toEqual([3]);
  });

  test("ends a symbol only where a separator follows", () => {
    expect(spaced.encode("exact h10")).toEqual([2, 5]);
    expect(() => spaced.encode("exacth1")).toThrow(/exacth1/);
  });

  test("of nothing is nothing", () => {
    expect(joined.encode("")).toEqual([]);
  });

  test("names the first character that no symbol matches", () => {
    const failure: unknown = expect.objectContaining({
      code: "TOKENIZER_SYMBOL",
      message: expect.stringContaining('"x0" at character 2'),
      hint: expect.any(String),
    });
    expect(() => joined.encode("10x0")).toThrow(failure as Error);
  });
});

describe("decoding", () => {
  test("leaves out special tokens", () => {
    const { pad, stop } = specialTokens;
    const tokenizer = new LexiconTokenizer({ symbols: ["p", "q"], separator: " " });
    expect(tokenizer.decode([2, pad, 3, stop])).toBe("p q");
  });

  test("puts each token at the characters it stands for, and special tokens nowhere", () => {
    const symbols = ["1", "10", "0", "abc"];
    const tokens = fc.array(fc.nat(symbols.length + 1), { maxLength: 8 });
    fc.assert(
      fc.property(tokens, fc.constantFrom("" as const, " " as const), (ids, separator) => {
        const tokenizer = new LexiconTokenizer({ symbols, separator });
        const text = tokenizer.decode(ids);
        const spans = tokenizer.spans(ids);
        const pieces = spans.map(({ start, end }) => text.slice(start, end));
        expect(pieces).toEqual(ids.map((id) => (id < 2 ? "" : symbols[id - 2])));
        expect(pieces.filter((piece) => piece !== "").join(separator)).toBe(text);
        spans
          .slice(1)
          .forEach(({ start }, i) => expect(start).toBeGreaterThanOrEqual(spans[i]!.end));
      }),
    );
  });
});
