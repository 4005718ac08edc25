import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSafetensors, writeSafetensors, type StoredTensor } from "./safetensors.js";

let folder = "";
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "errata-safetensors-"))));
afterAll(() => rmSync(folder, { recursive: true }));

const tensor: fc.Arbitrary<StoredTensor> = fc.array(fc.nat(4), { maxLength: 3 }).chain((shape) => {
  const size = shape.reduce((n, d) => n * d, 1);
  return fc.float32Array({ minLength: size, maxLength: size }).map((data) => ({ shape, data }));
});
const named = fc
  .array(fc.tuple(fc.string({ unit: "binary" }), tensor), { maxLength: 5 })
  .map((list) => new Map(list.filter(([name]) => name !== "__metadata__")));
const metadata = fc.dictionary(fc.string(), fc.string(), { maxKeys: 4 });

/** The nearest number with 8 bits of mantissa, ties to even. */
function bfloat16(x: number): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(x))));
  const step = 2 ** (exponent - 7);
  const low = Math.floor(x / step);
  const rest = x / step - low;
  const rounded = rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
  const value = rounded * step;
  return Math.abs(value) >= 2 ** 128 ? Math.sign(value) * Infinity : value;
}

describe("a round trip", () => {
  it("keeps every name, shape, value and metadata string", async () => {
    const path = join(folder, "round-trip");
    await fc.assert(
      fc.asyncProperty(named, metadata, async (tensors, strings) => {
        await writeSafetensors(path, tensors, { metadata: strings });
        const read = await readSafetensors(path);
        expect(read.tensors).toEqual(tensors);
        expect(new Map(Object.entries(read.metadata))).toEqual(new Map(Object.entries(strings)));
      }),
      { numRuns: 60 },
    );
  });

  it("through bfloat16 rounds every value to the nearest", async () => {
    const path = join(folder, "bfloat16");
    await fc.assert(
      fc.asyncProperty(fc.float32Array({ minLength: 1, maxLength: 20 }), async (data) => {
        await writeSafetensors(path, new Map([["x", { shape: [data.length], data }]]), {
          precision: "bfloat16",
        });
        const read = (await readSafetensors(path)).tensors.get("x")!;
        expect(Array.from(read.data, (v) => v + 0)).toEqual(
          Array.from(data, (v) => bfloat16(v) + 0),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("gives the same bytes whatever the order of tensors and metadata", async () => {
    const list = ["b", "a", "c"].map(
      (name, i) => [name, { shape: [i], data: new Float32Array(i) }] as const,
    );
    const bytes = async (reverse: boolean): Promise<Buffer> => {
      const path = join(folder, "order");
      const order = reverse ? [...list].reverse() : list;
      const metadata = reverse ? { y: "2", x: "1" } : { x: "1", y: "2" };
      await writeSafetensors(path, new Map(order), { metadata });
      return readFileSync(path);
    };
    expect((await bytes(true)).equals(await bytes(false))).toBe(true);
  });
});

/** A file with the given header and data. */
function file(header: unknown, data: Uint8Array = new Uint8Array(0), claimed?: number): string {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(claimed ?? json.length));
  const path = join(folder, "crafted");
  writeFileSync(path, Buffer.concat([length, json, data]));
  return path;
}

const entry = (start: number, end: number, shape = [(end - start) / 4], dtype = "F32"): object => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

describe("reading", () => {
  it("F16, with its subnormals and infinities", async () => {
    const halves = Uint16Array.of(
      0x3c00,
      0xc000,
      0x0001,
      0x03ff,
      0x0400,
      0x7bff,
      0x7c00,
      0xfc00,
      0x8000,
      0x3555,
    );
    const path = file({ x: entry(0, 20, [2, 5], "F16") }, new Uint8Array(halves.buffer));
    const values = (await readSafetensors(path)).tensors.get("x")!;
    expect(values.shape).toEqual([2, 5]);
    expect(Array.from(values.data)).toEqual([
      1,
      -2,
      2 ** -24,
      1023 * 2 ** -24,
      2 ** -14,
      65504,
      Infinity,
      -Infinity,
      -0,
      0.333251953125,
    ]);
  });

  it("NaN in each type", async () => {
    const bytes = (...halves: number[]): Uint8Array =>
      new Uint8Array(Uint16Array.from(halves).buffer);
    for (const [dtype, data] of [
      ["F16", bytes(0x7e01)],
      ["BF16", bytes(0x7fc0)],
    ] as const) {
      const read = await readSafetensors(file({ x: entry(0, 2, [1], dtype) }, data));
      expect(read.tensors.get("x")!.data[0]).toBeNaN();
    }
    const data = new Float32Array(Uint32Array.of(0x7fffffff, 0xff800001).buffer);
    const path = join(folder, "nan");
    await writeSafetensors(path, new Map([["x", { shape: [2], data }]]), { precision: "bfloat16" });
    expect((await readSafetensors(path)).tensors.get("x")!.data).toEqual(Float32Array.of(NaN, NaN));
  });

  const data = new Uint8Array(16);
  const faults: [string, string, () => string][] = [
    ["a missing file", "UNREADABLE", () => join(folder, "nowhere")],
    [
      "an empty file",
      "TRUNCATED",
      () => (writeFileSync(join(folder, "empty"), ""), join(folder, "empty")),
    ],
    ["a header longer than the file", "TRUNCATED", () => file({}, undefined, 100)],
    ["an enormous header", "HEADER", () => file({}, undefined, 2 ** 52)],
    ["a header that is not JSON", "HEADER", () => file("{]")],
    ["a header that is not an object", "HEADER", () => file([1])],
    ["metadata that is not strings", "HEADER", () => file({ __metadata__: { a: 1 } })],
    ["a tensor without offsets", "HEADER", () => file({ x: { dtype: "F32", shape: [1] } })],
    ["a negative size", "HEADER", () => file({ x: entry(0, 4, [-1]) }, data)],
    ["a fractional offset", "HEADER", () => file({ x: entry(0.5, 4.5) }, data)],
    ["an unknown type", "DTYPE", () => file({ x: entry(0, 16, [2], "F64") }, data)],
    [
      "a type named like an object's member",
      "DTYPE",
      () => file({ x: entry(0, 16, [2], "toString") }, data),
    ],
    ["data shorter than its tensors", "TRUNCATED", () => file({ x: entry(0, 20) }, data)],
    ["overlapping tensors", "OFFSETS", () => file({ x: entry(0, 12), y: entry(8, 16) }, data)],
    ["a hole between tensors", "OFFSETS", () => file({ x: entry(0, 4), y: entry(8, 16) }, data)],
    ["bytes that belong to no tensor", "OFFSETS", () => file({ x: entry(0, 12) }, data)],
    ["offsets that end before they start", "OFFSETS", () => file({ x: entry(16, 0, [4]) }, data)],
    ["a size that differs from the shape", "OFFSETS", () => file({ x: entry(0, 16, [5]) }, data)],
  ];
  it.each(faults)("refuses %s", async (_, code, path) => {
    await expect(readSafetensors(path())).rejects.toMatchObject({
      name: "ErrataError",
      code: `SAFETENSORS_${code}`,
    });
  });

  it("refuses every file cut short", async () => {
    const path = join(folder, "whole");
    await writeSafetensors(path, new Map([["x", { shape: [3], data: Float32Array.of(1, 2, 3) }]]));
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      await expect(readSafetensors(path)).rejects.toMatchObject({ name: "ErrataError" });
    }
  });
});

describe("writing", () => {
  const x = { shape: [1], data: Float32Array.of(1) };

  it("refuses data that does not fit its shape, and leaves the old file", async () => {
    const path = join(folder, "alone", "file");
    await writeSafetensors(path, new Map([["x", x]]));
    const before = readFileSync(path);
    const y = { shape: [2], data: Float32Array.of(1) };
    await expect(writeSafetensors(path, new Map([["y", y]]))).rejects.toThrow("[2]");
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("leaves no temporary file when it fails", async () => {
    mkdirSync(join(folder, "taken", "directory"), { recursive: true });
    await expect(
      writeSafetensors(join(folder, "taken", "directory"), new Map([["x", x]])),
    ).rejects.toThrow("directory");
    expect(readdirSync(join(folder, "taken"))).toEqual(["directory"]);
  });
});
