import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configKeys, openKeys } from "./keys.js";
import { configJsonSchema, type JsonSchema } from "./json-schema.js";
import { parseConfig } from "./parse.js";
import { nearest } from "../util/spelling.js";

describe("the keys", () => {
  test("say each in one sentence what they mean", () => {
    const silent: string[] = [];
    const visit = ({ properties = {} }: JsonSchema, path: string): void => {
      for (const [name, key] of Object.entries(properties)) {
        if (!/^[A-Z][^]*[^.]\.$/.test(key.description ?? "")) silent.push(path + name);
        visit(key, `${path}${name}.`);
        for (const inner of [key.additionalProperties, ...((key.anyOf as unknown[]) ?? [])])
          if (typeof inner === "object") visit(inner as JsonSchema, `${path}${name}.`);
      }
    };
    visit(configJsonSchema(), "");
    expect(silent).toEqual([]);
  });

  test("without a value are told with what they mean", () => {
    const open = openKeys(parseConfig({ preset: "arithmetic", budget: { flops: 1 } }));
    expect(open.get("partners.names")).toMatch(/all by default/);
    expect([...open.keys()]).toContain("student.checkpoint");
    for (const given of ["budget.flops", "steps", "explore.alpha"])
      expect(open.has(given)).toBe(false);
  });

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
