import { describe, expect, test } from "vitest";
import type { ConfigInput } from "./config.js";
import { grpo } from "./defaults.js";
import { mergeConfig } from "./merge.js";
import { parseConfig } from "./parse.js";

describe("the settings of plain GRPO", () => {
  test("turn every departure from it off, whatever is under them", () => {
    const errata: ConfigInput = {
      reward: { penalty: 0.5, diverge: 0.2 },
      explore: { form: "repulsive", when: "always" },
      partners: { names: ["left"] },
    };
    for (const under of [{}, errata]) {
      const config = parseConfig(mergeConfig(under, grpo));
      expect(config.reward.penalty).toBe(0); // no charge, and nothing goes to the corpus
      expect(config.reward.diverge).toBe(0); // no task weights
      expect(config.explore.form).toBe("none"); // no experts, no probes, no steering
      expect(config.partners.names).toEqual([]); // nobody to learn from
    }
  });
});
