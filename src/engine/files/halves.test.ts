import { expect, test } from "vitest";
import { bfloat16Bits, float16, float16Bits } from "./halves.js";

test("every float16 keeps its bits on the way to float32 and back", () => {
  const bits = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
  const values = Float32Array.from(bits, float16);
  const back = float16Bits(values);
  const changed = bits.filter((b) =>
    Number.isNaN(values[b]!) ? (back[b]! & 0x7fff) <= 0x7c00 : back[b] !== b,
  );
  expect([...changed]).toEqual([]);
});

test("a value between two float16 goes to the nearer, halfway to the even one", () => {
  const between = (a: number, b: number, share: number): number => {
    const value = new Float32Array([float16(a) * (1 - share) + float16(b) * share]);
    return float16Bits(value)[0]!;
  };
  for (const low of [0x0000, 0x0001, 0x03fe, 0x03ff, 0x0400, 0x3c00, 0x3c01, 0x7bfe]) {
    expect(between(low, low + 1, 0.49)).toBe(low);
    expect(between(low, low + 1, 0.51)).toBe(low + 1);
    expect(between(low, low + 1, 0.5)).toBe(low % 2 === 0 ? low : low + 1);
  }
  expect([...float16Bits(new Float32Array([65_519, 65_520, -1e9]))]).toEqual([
    0x7bff, 0x7c00, 0xfc00,
  ]);
});

test("bfloat16 rounds to the nearest, halfway to even, and keeps NaN", () => {
  const bits = new Uint32Array([0x3f800000, 0x3f808000, 0x3f818000, 0x3f808001, 0x7fc00000]);
  const halves = bfloat16Bits(new Float32Array(bits.buffer));
  expect([...halves]).toEqual([0x3f80, 0x3f80, 0x3f82, 0x3f81, 0x7fc0]);
});
