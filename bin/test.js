#!/usr/bin/env node
/**
 * Runs the tests once. The last line is `N passed, N failed`, with `, N skipped` where some were;
 * a file that does not load, and an error outside any test, count as failures.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buildIfStale, root } from "./build.js";

const folder = mkdtempSync(join(tmpdir(), "errata-test-"));
const report = join(folder, "report.json");
let passed = 0;
let failed = 0;
let skipped = 0;
try {
  buildIfStale();
  const vitest = join(
    dirname(createRequire(import.meta.url).resolve("vitest/package.json")),
    "vitest.mjs",
  );
  const status = await run([
    vitest,
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ]);
  const result = JSON.parse(readFileSync(report, "utf8"));
  passed = result.numPassedTests;
  skipped = result.numPendingTests + result.numTodoTests;
  failed = result.numFailedTests;
  failed += result.testResults.filter(
    (file) =>
      file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;
  if (status !== 0) failed = Math.max(1, failed);
} catch (error) {
  process.stderr.write(`${error.stack}\n`);
  failed = Math.max(1, failed);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
process.stdout.write(`${line}\n`, () => process.exit(failed > 0 ? 1 : 0));

/** Runs Node in the package's folder with this terminal; its exit status. */
function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}
