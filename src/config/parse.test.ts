import { describe, expect, test } from "vitest";
import { defineConfig } from "./config.js";
import { parseConfig } from "./parse.js";
import { ErrataError } from "../util/error.js";
import { defaultExpert } from "../experts/expert.js";
import { defaultReward } from "../learn/reward.js";

/** What a bad configuration is told. */
function complaint(input: unknown, source?: string): ErrataError {
  try {
    parseConfig(input, source);
  } catch (error) {
    if (error instanceof ErrataError) return error;
    throw error;
  }
  throw new Error("the configuration is valid");
}

describe("a configuration", () => {
  test("whose steering is nearly a built-in is asked whether that is meant", () => {
    for (const arm of ["probe", "random", "past-self", "drop-carry"])
      expect(parseConfig({ explore: { steerBy: arm } }).explore.steerBy).toBe(arm);
    for (const slip of ["past", "pastself", "past_self"])
      expect(complaint({ explore: { steerBy: slip } }).message).toContain(
        "did you mean past-self?",
      );
  });

  test("of nothing has every default, those the modules state", () => {
    const config = parseConfig({});
    expect(parseConfig(undefined)).toEqual(config);
    expect(config.reward).toEqual(defaultReward);
    expect(config.expert).toEqual(defaultExpert);
    expect(config).toMatchObject({
      groupSize: 8,
      normalisation: "std",
      explore: {
        form: "repulsive",
        alpha: 1,
        floor: -3,
        when: "stuck",
        steerBy: "probe",
      },
      probe: { every: 50, tasks: 64, attempts: 4 },
      corpus: { capacity: 4096, recurrence: 3, perSignature: true, sources: "both" },
    });
    expect(config.partners.names).toBeUndefined();
  });

  test("checked twice is the same", () => {
    const once = parseConfig({ steps: 3, reward: { penalty: 0.1 }, partners: { names: ["left"] } });
    expect(parseConfig(once)).toEqual(once);
  });

  test("keeps what is set and the defaults beside it", () => {
    const { explore } = parseConfig(defineConfig({ explore: { alpha: 2 } }));
    expect(explore).toEqual({ ...parseConfig({}).explore, alpha: 2 });
  });

  test("with an unknown key is told the nearest one, by its path", () => {
    const error = complaint({ explore: { mask: 0.1, alhpa: 1 } });
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toContain("explore.alhpa: unknown key (did you mean explore.alpha?)");
    expect(complaint({ learningrate: 1 }).message).toContain("did you mean learningRate?");
  });

  test("with a key like no other is told no guess", () => {
    const { message } = complaint({ xylophone: 1 });
    expect(message).toContain("xylophone: unknown key");
    expect(message).not.toContain("did you mean");
  });

  test("with several problems is told all of them at once, and where they were read", () => {
    const { message } = complaint(
      { steps: 0, groupSize: 7, reward: { penalty: 1, gait: "hard" }, corpus: { sources: "all" } },
      "errata.config.ts",
    );
    expect(message).toMatch(/^errata\.config\.ts is not valid:/);
    for (const path of ["steps", "groupSize", "reward.penalty", "reward.gait", "corpus.sources"])
      expect(message).toMatch(new RegExp(`^  ${path.replace(".", "\\.")}: `, "m"));
  });

  test.each([
    [{ objective: "dpo", optimizer: { epochs: 2 } }], // margins of one step
    [{ objective: "dpo", optimizer: { miniBatches: 2 } }],
    [{ groupSize: 7 }], // halves
    [{ groupSize: 0 }],
    [{ reward: { penalty: 1 } }], // a wrong answer could fall as far below 0 as a right one is above
    [{ reward: { penalty: -0.1 } }],
    [{ reward: { annealUntil: 1.5 } }],
    [{ explore: { mask: 2 } }],
    [{ explore: { alpha: -1 } }],
    [{ explore: { floor: 1 } }],
    [{ learningRate: 0 }],
    [{ steps: 1.5 }],
    [{ seed: -1 }],
  ])("of %j is refused", (input) => {
    expect(complaint(input).code).toBe("CONFIG_INVALID");
  });

  test.each([[null], [{}], [undefined]])("may be left out: %j", (input) => {
    expect(parseConfig(input)).toEqual(parseConfig({}));
  });
});
