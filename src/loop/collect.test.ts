import { describe, expect, test } from "vitest";
import { isEnough } from "./collect.js";

describe("a warm-up has enough", () => {
  const enough = (counts: Record<string, number>, wanted = 384, minimum = 256): boolean =>
    isEnough(new Map(Object.entries(counts)), wanted, minimum);

  test("of one error when there are as many as wanted", () => {
    expect(enough({ "drop-carry": 384 })).toBe(true);
    expect(enough({ "drop-carry": 383 })).toBe(false);
  });

  test("of two errors only when each can have its expert", () => {
    expect(enough({ a: 200, b: 190 })).toBe(false);
    expect(enough({ a: 300, b: 200 })).toBe(false);
    expect(enough({ a: 300, b: 256 })).toBe(true);
  });

  test("whatever is rare, or unrecognised", () => {
    expect(enough({ a: 300, b: 90 })).toBe(true);
    expect(enough({ a: 300, unrecognised: 150 })).toBe(true);
  });

  test("when less is wanted than an expert needs: the user wants few", () => {
    expect(enough({ a: 50, b: 50 }, 100)).toBe(true);
    expect(enough({}, 0)).toBe(true);
  });
});
