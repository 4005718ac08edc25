import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyOverrides,
  configKeys,
  defineConfig,
  grpo,
  mergeConfig,
  openKeys,
  parseConfig,
  type ConfigInput,
} from "./config.js";
import { nearest } from "../util/spelling.js";
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
  test("says which keys have no value, and what they mean", () => {
    const open = openKeys(parseConfig({ preset: "arithmetic", budget: { flops: 1 } }));
    expect(open.get("partners.names")).toMatch(/all by default/);
    expect([...open.keys()]).toContain("student.checkpoint");
    for (const given of ["budget.flops", "steps", "explore.alpha"])
      expect(open.has(given)).toBe(false);
  });

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
    expect(config.expert).toMatchObject(defaultExpert);
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
    expect(complaint(applyOverrides({}, ["explore.alfa=1"])).message).toContain(
      "did you mean explore.alpha?",
    );
  });

  test.each(["steps", "=3", ""])("like %j are refused", (override) => {
    const failure: unknown = expect.objectContaining({
      code: "CONFIG_SET",
      hint: expect.any(String),
    });
    expect(() => applyOverrides({}, [override])).toThrow(failure as Error);
  });
});

describe("the keys", () => {
  test("name every group and every value, lists as one", () => {
    const keys = configKeys();
    for (const key of [
      "steps",
      "explore",
      "explore.alpha",
      "reward.penalty",
      "partners.names",
      "engine.threads",
    ])
      expect(keys).toContain(key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.some((key) => key.startsWith("partners.names."))).toBe(false);
  });

  test("one slip away are always recognised", () => {
    const long = configKeys().filter((key) => key.length > 6);
    fc.assert(
      fc.property(
        fc.constantFrom(...long),
        fc.nat(),
        fc.constantFrom("drop", "double", "swap"),
        (key, at, slip) => {
          const i = at % (key.length - 1);
          const [a, b] = [key[i]!, key[i + 1]!];
          const middle = { drop: b, double: a + a + b, swap: b + a }[slip]!;
          const slipped = key.slice(0, i) + middle + key.slice(i + 2);
          const guess = nearest(slipped, configKeys());
          expect(guess).toBeDefined();
        },
      ),
    );
  });

  test("are found by edit distance, the first of equals, and not where nothing is close", () => {
    expect(nearest("seps", ["steps", "seed", "reps"])).toBe("steps");
    expect(nearest("abc", ["abc", "abd"])).toBe("abc");
    expect(nearest("zzzzzz", ["steps", "seed"])).toBeUndefined();
    expect(nearest("x", [])).toBeUndefined();
    expect(nearest("nope", ["code", "proof"])).toBeUndefined();
    expect(nearest("cod", ["code", "proof"])).toBe("code");
  });
});

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
