import { describe, expect, test } from "vitest";
import { parseConfig, savedConfig } from "./parse.js";
import { configKeys } from "./keys.js";
import { newName, renamedKeys, renamedValues } from "./renamed.js";

describe("a key that was renamed", () => {
  test("is refused with its new name", () => {
    for (const [old, now] of renamedKeys) {
      const [group, key] = old.split(".") as [string, string];
      const named = newName(group) ?? now;
      expect(() => parseConfig({ [group]: { [key]: 1 } })).toThrow(
        configKeys().includes(group) ? `is now called ${now}` : `is now called ${named}`,
      );
    }
  });

  test("has a new name that exists", () => {
    for (const now of renamedKeys.values()) expect(configKeys()).toContain(now);
    for (const key of renamedValues.keys()) expect(configKeys()).toContain(key);
  });

  test("is refused with the new name of its value", () => {
    const old = { partners: { collection: "coverage" } };
    expect(() => parseConfig(old)).toThrow('"coverage" is now called "worth"');
  });
});

describe("the configuration of a run made before", () => {
  test("is read under today's names", () => {
    const config = savedConfig(
      {
        explore: { gate: "always", arm: "past-self", probeEvery: 7, alpha: 2 },
        portfolio: { leaveOut: ["a"] },
        reward: { scope: "all" },
        control: { expert: "random" },
        partners: { collection: "coverage" },
      },
      "config.json",
    );
    expect(config.explore).toMatchObject({ when: "always", steerBy: "past-self", alpha: 2 });
    expect(config.probe).toMatchObject({ every: 7, leaveOut: ["a"] });
    expect(config.reward.tokens).toBe("all");
    expect(config.ablate.expert).toBe("random");
    expect(config.partners.collection).toBe("worth");
  });

  test("is read as it is where nothing was renamed", () => {
    const config = parseConfig({ steps: 3 });
    expect(savedConfig(config, "config.json")).toEqual(config);
  });
});
