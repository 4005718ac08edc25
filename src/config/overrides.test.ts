import { describe, expect, test } from "vitest";
import type { ConfigInput } from "./config.js";
import { applyOverrides } from "./overrides.js";
import { parseConfig } from "./parse.js";

describe("overrides", () => {
  test("are JSON where they parse and text where they do not", () => {
    const input = applyOverrides({}, [
      "explore.alpha=0.5",
      "explore.form=none",
      "corpus.novelty=false",
      'partners.names=["left","exfalso"]',
      "preset=arithmetic",
    ]);
    expect(input).toEqual({
      explore: { alpha: 0.5, form: "none" },
      corpus: { novelty: false },
      partners: { names: ["left", "exfalso"] },
      preset: "arithmetic",
    });
  });

  test("take the last of two, keep an `=` in the value, and leave the input alone", () => {
    const input: ConfigInput = { steps: 5, reward: { penalty: 0.1 } };
    const result = applyOverrides(input, ["steps=6", "steps=7", "preset=a=b", "reward.diverge=0"]);
    expect(result).toEqual({ steps: 7, preset: "a=b", reward: { penalty: 0.1, diverge: 0 } });
    expect(input).toEqual({ steps: 5, reward: { penalty: 0.1 } });
  });

  test("of unknown keys are found out by the check", () => {
    expect(() => parseConfig(applyOverrides({}, ["explore.alfa=1"]))).toThrow(
      "did you mean explore.alpha?",
    );
  });

  test.each([
    "__proto__.polluted=1",
    "a.__proto__.b=1",
    "constructor.prototype.b=1",
    "a.prototype=1",
  ])("that would reach into every object are refused: %j", (override) => {
    const refused = () => applyOverrides({}, [override]);
    expect(refused).toThrow(expect.objectContaining({ code: "CONFIG_SET" }) as Error);
    expect(({} as { b?: unknown }).b).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test("write into keys of their own alone, not into what every object has", () => {
    expect(applyOverrides({}, ["toString.b=1"])).toEqual({ toString: { b: 1 } });
    expect((Object.prototype.toString as { b?: unknown }).b).toBeUndefined();
  });

  test.each(["steps", "=3", ""])("like %j are refused", (override) => {
    const failure: unknown = expect.objectContaining({
      code: "CONFIG_SET",
      hint: expect.any(String),
    });
    expect(() => applyOverrides({}, [override])).toThrow(failure as Error);
  });
});
