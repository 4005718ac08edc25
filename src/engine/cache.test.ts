import { describe, expect, it } from "vitest";
import { KeyValueCache } from "./cache.js";
import { tinyShape } from "./testing.js";

describe("a cache", () => {
  const width = tinyShape.keyValueHeads * tinyShape.headWidth;
  const token = (rows: number): Float32Array =>
    new Float32Array(2 * tinyShape.layers * rows * width);
  const prompt = (length: number): Parameters<KeyValueCache["fill"]>[1] => {
    const each = Array.from({ length: tinyShape.layers }, () => new Float32Array(length * width));
    return { length, keys: each, values: each };
  };

  it("needs no mask while all rows are of one length, some of them given up", () => {
    const cache = new KeyValueCache(tinyShape, 3, 10);
    for (const row of [0, 1, 2]) cache.fill(row, prompt(4));
    cache.clear(1);
    cache.append(token(3));
    expect(cache.lengths).toEqual([5, 5, 5]);
    expect(cache.even).toBe(true);
    expect(cache.feeds()["bias"]).toBeUndefined();
  });

  it("masks what is behind the end of shorter rows; one given up is as long as the shortest", () => {
    const cache = new KeyValueCache(tinyShape, 3, 10);
    [4, 2, 3].forEach((length, row) => cache.fill(row, prompt(length)));
    cache.clear(0);
    expect(cache.lengths).toEqual([2, 2, 3]);
    expect(cache.even).toBe(false);
    const { bias } = cache.feeds();
    expect(bias!.dims).toEqual([3, 1, 1, 3]);
    const blocked = Array.from(bias!.data as Float32Array, (b) => b < -1e8);
    expect(blocked).toEqual([false, false, true, false, false, true, false, false, false]);
  });
});
