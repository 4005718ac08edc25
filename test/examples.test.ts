/** The programs that documentation shows do what it says, against the package's public exports. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const jiti = join(
  dirname(createRequire(import.meta.url).resolve("jiti/package.json")),
  "lib",
  "jiti-cli.mjs",
);
const folder = mkdtempSync(join(tmpdir(), "errata-examples-"));

beforeAll(() => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules", "errata"), "junction");
  writeFileSync(join(folder, "package.json"), `{"type":"module"}`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the program `text` prints when it is run in a project that has the package. */
async function output(name: string, text: string, ...args: string[]): Promise<string> {
  writeFileSync(join(folder, name), text);
  const program = [jiti, name, ...args];
  return (await promisify(execFile)(process.execPath, program, { cwd: folder })).stdout;
}

const percent = (text: string | undefined): number => Number(/(\d+)%/.exec(text ?? "")?.[1]);

test("examples/loop.ts steers from a mistake that it remembered, and learns", async () => {
  const text = readFileSync(join(root, "examples", "loop.ts"), "utf8");
  const lines = (await output("loop.ts", text, "12")).trimEnd().split("\n");
  expect(lines).toHaveLength(14);
  expect(lines[1]).toMatch(/^step 1: \d+ of 16 groups solved, steering from nothing yet$/);
  expect(lines[12]).toMatch(/^step 12: \d+ of 16 groups solved, steering from "drop-carry"$/);
  expect(lines[13]).toMatch(/^after: \d+%, [1-9]\d* mistakes kept$/);
  expect(percent(lines[13])).toBeGreaterThan(percent(lines[0]) + 5);
});

test("the program of docs/from-code.md trains, saves and reads back its curve", async () => {
  const page = readFileSync(join(root, "docs", "from-code.md"), "utf8");
  const [, program = ""] = /```ts\n([^]*?)```/.exec(page) ?? [];
  const printed = await output("train.ts", program);
  expect(printed.match(/^step \d+: [\d.]+ solved$/gm)).toHaveLength(3);
  expect(printed).toMatch(/'drop-carry': \d+/);
  const { steps } = JSON.parse(
    readFileSync(join(folder, "runs", "from-code", "config.json"), "utf8"),
  ) as { steps: number };
  expect(steps).toBe(4);
  expect(readFileSync(join(folder, "student.safetensors")).length).toBeGreaterThan(100_000);
  await expect(output("train.ts", program)).rejects.toThrow(/already holds a run/);
});
