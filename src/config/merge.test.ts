import { describe, expect, test } from "vitest";
import type { ConfigInput } from "./config.js";
import { mergeConfig } from "./merge.js";

describe("merging", () => {
  test("goes key by key; lists are replaced; what is not said stays", () => {
    const under: ConfigInput = {
      steps: 5,
      explore: { alpha: 1, mask: 0.1 },
      partners: { names: ["a", "b"] },
    };
    const over: ConfigInput = { explore: { mask: 0.2 }, partners: { names: [] }, seed: 3 };
    expect(mergeConfig(under, over)).toEqual({
      steps: 5,
      seed: 3,
      explore: { alpha: 1, mask: 0.2 },
      partners: { names: [] },
    });
    expect(under.explore).toEqual({ alpha: 1, mask: 0.1 });
    expect(mergeConfig(under, {})).toEqual(under);
    expect(mergeConfig({}, under)).toEqual(under);
  });
});
