import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readJsonValues, type JsonItem } from "./json-values.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "errata-values-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function read(text: string | Uint8Array, name = "values.json"): Promise<JsonItem[]> {
  const path = join(folder, name);
  writeFileSync(path, text);
  const items: JsonItem[] = [];
  for await (const item of readJsonValues(path)) items.push(item);
  return items;
}

const values = (items: readonly JsonItem[]): unknown[] =>
  items.map((item) => ("value" in item ? item.value : item.problem));

describe("reading values", () => {
  test("one a line, with the lines they stand on; blank lines are passed over", async () => {
    expect(await read('{"a": 1}\n\n2\n"x"')).toEqual([
      { line: 1, value: { a: 1 } },
      { line: 3, value: 2 },
      { line: 4, value: "x" },
    ]);
  });

  test("the elements of an array, however it is laid out", async () => {
    const text = '\uFEFF[\n  {"a": [1, "],\\"["]},\n  [],\n\n  "x", 5\n]\n';
    expect(await read(text)).toEqual([
      { line: 2, value: { a: [1, '],"['] } },
      { line: 3, value: [] },
      { line: 5, value: "x" },
      { line: 5, value: 5 },
    ]);
    expect(await read("[]")).toEqual([]);
    expect(await read("")).toEqual([]);
  });

  test("a damaged value is a problem at its line, and the rest is read", async () => {
    expect(await read("1\n{nope\n3\n")).toEqual([
      { line: 1, value: 1 },
      { line: 2, problem: expect.stringContaining("not JSON") as string },
      { line: 3, value: 3 },
    ]);
    expect(values(await read("[1, {a}, 3]"))).toEqual([1, expect.stringContaining("not JSON"), 3]);
    expect(values(await read("[1, 2"))).toEqual([1, 2, expect.stringContaining("not closed")]);
    expect(values(await read("[1] x"))).toEqual([1, expect.stringContaining("after the end")]);
  });

  test("compressed files", async () => {
    expect(values(await read(gzipSync('{"a":"ä"}\n2'), "values.jsonl.gz"))).toEqual([
      { a: "ä" },
      2,
    ]);
  });

  test("a file that cannot be read is named", async () => {
    const absent = readJsonValues(join(folder, "none.jsonl"));
    await expect(absent.next()).rejects.toMatchObject({ code: "IMPORT_FILE" });
    await expect(read("no gzip", "bad.gz")).rejects.toMatchObject({ code: "IMPORT_FILE" });
  });

  test("whatever was written is read back, across pieces of any size", async () => {
    const list = fc.array(fc.jsonValue({ maxDepth: 3 }), { minLength: 1, maxLength: 8 });
    const wide = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    await fc.assert(
      fc.asyncProperty(list, fc.integer({ min: 0, max: 3 }), async (written, indent) => {
        const expected = written.map(wide);
        expect(values(await read(JSON.stringify(written, null, indent)))).toEqual(expected);
        // The first line of a file decides: it must not begin an array.
        const lines = [0, ...written].map((value) => JSON.stringify(value)).join("\n");
        expect(values(await read(lines))).toEqual([0, ...expected]);
      }),
      { numRuns: 60 },
    );
    const long = Array.from({ length: 3000 }, (_, i) => ({ i, text: "é]".repeat(40) }));
    expect(values(await read(JSON.stringify(long)))).toEqual(long);
  });
});
