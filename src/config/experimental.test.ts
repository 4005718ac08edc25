import { expect, test } from "vitest";
import { configJsonSchema } from "./json-schema.js";
import { experimentalKeys, labelled } from "./experimental.js";

test("a key without shown benefit is labelled, another is not", () => {
  const { contrast, reward, explore } = configJsonSchema().properties!;
  expect(contrast!.description).toMatch(/^Experimental: the contrast of/);
  expect(reward!.properties!["diverge"]!.description).toMatch(/^Experimental: extra weight/);
  expect(explore!.properties!["alpha"]!.description).toMatch(/^Strength/);
  expect(labelled("steps", "Training steps.")).toBe("Training steps.");
});

test("no key is listed twice, nor beside its group", () => {
  expect(new Set(experimentalKeys).size).toBe(experimentalKeys.length);
  for (const key of experimentalKeys)
    expect(key.includes(".") && experimentalKeys.includes(key.split(".")[0]!)).toBe(false);
});
