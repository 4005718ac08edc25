import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { blockTypes, dequantise, storedBytes } from "./dequantise.js";

const golden = JSON.parse(
  readFileSync(new URL("../golden/gguf-blocks.json", import.meta.url), "utf8"),
) as Record<string, { type: number; stored: string; weights: string }>;

test.each(Object.entries(golden))("%s: the bits that gguf-py 0.19.0 has", (name, each) => {
  const [stored, weights] = [each.stored, each.weights].map((text) => Buffer.from(text, "base64"));
  const into = new Float32Array(weights!.length / 4);
  expect(blockTypes[each.type]!.name).toBe(name);
  expect(storedBytes(each.type, into.length)).toBe(stored!.length);
  dequantise(each.type, stored!, into);
  expect(Buffer.from(into.buffer).equals(weights!)).toBe(true);
});

test("float32 is as it is", () => {
  const values = Float32Array.of(1.5, -0, 1e-40, 3e38);
  const into = new Float32Array(4);
  dequantise(0, new Uint8Array(values.buffer), into);
  expect(Buffer.from(into.buffer).equals(Buffer.from(values.buffer))).toBe(true);
});

test("every type has its golden, and halves of blocks have no size", () => {
  const names = Object.values(blockTypes).map(({ name }) => name);
  expect(new Set([...Object.keys(golden), "F32"])).toEqual(new Set(names));
  expect(storedBytes(2, 48)).toBeUndefined();
  expect(storedBytes(99, 32)).toBeUndefined();
});
