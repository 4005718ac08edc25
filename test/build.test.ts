import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("the next start removes what a killed build left, and nothing of one that goes on", () => {
  const root = fileURLToPath(new URL("..", import.meta.url));
  // No process has the first two ids; this one lives.
  const names = [".build-999999999", ".build-page-999999999-old", `.build-${process.pid}`];
  for (const name of names) {
    mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, name, "main.js"), "");
  }
  execFileSync(process.execPath, [join(root, "bin", "errata.js"), "--version"]);
  expect(names.map((name) => existsSync(join(root, name)))).toEqual([false, false, true]);
  rmSync(join(root, names[2]!), { recursive: true });
});
