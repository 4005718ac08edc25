import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { usageCodes } from "./exit-codes.js";

/** Every code that a source names. */
const codes = new Set(
  readdirSync(join(import.meta.dirname, ".."), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .filter((file) => !file.endsWith("exit-codes.ts"))
    .map((file) => readFileSync(join(import.meta.dirname, "..", file), "utf8"))
    .flatMap((text) => [...text.matchAll(/"([A-Z]+(?:_[A-Z]+)+)"/g)].map(([, code]) => code!)),
);

test("every usage code is one that something throws", () => {
  expect([...usageCodes].filter((code) => !codes.has(code))).toEqual([]);
});

test("what is wrong in a configuration, a preset, an environment, an import or a study is usage", () => {
  const families = /^(CONFIG|PRESET|PARTNER|ENVIRONMENT|IMPORT|STUDY)_/;
  const missing = [...codes].filter((code) => families.test(code) && !usageCodes.has(code));
  expect(missing, "list them in usageCodes").toEqual([]);
});

test("what happens to a run that was asked for rightly is a failure", () => {
  for (const code of ["RUN_BUSY", "RUN_PROCESS", "CORPUS_BUSY", "HUB_UNREACHABLE", "INTERNAL"])
    expect(usageCodes.has(code), code).toBe(false);
});
