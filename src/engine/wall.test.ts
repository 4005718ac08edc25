import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const src = fileURLToPath(new URL("..", import.meta.url));

/** What knows how local policies are made of weights, and adapters. */
const inner = /^(local-polic(y|ies)|degrade|adam|sessions|passes|gradient)\.js$/;

/** Who may: the public API, and what tests share. */
const allowed = /^(index\.ts|engine\/|testing\/)/;

function sources(folder: string = ""): string[] {
  return readdirSync(join(src, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    const isSource = path.endsWith(".ts") && !path.endsWith(".test.ts");
    return isSource && !allowed.test(path) ? [path] : [];
  });
}

test("above the engine nothing sees what a policy is made of", () => {
  const files = sources();
  expect(files.length).toBeGreaterThan(200);
  const faults = files.flatMap((path) => {
    const text = readFileSync(join(src, path), "utf8");
    const imports = [...text.matchAll(/"(?:\.\.\/)+engine\/([\w/-]+\.js)"/g)].map((m) => m[1]!);
    const reads = [
      ...text.matchAll(/\b(?:policy|student|base|expert|partner)\.(?:weights|adapter)\b/g),
    ];
    return [...imports.filter((name) => inner.test(name)), ...reads.map((m) => m[0])].map(
      (fault) => `${path}: ${fault}`,
    );
  });
  expect(faults).toEqual([]);
});
