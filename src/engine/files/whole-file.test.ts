import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { appendAll, writeWhole } from "./whole-file.js";

const folder = mkdtempSync(join(tmpdir(), "errata-whole-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a file takes the place of what killed processes left of it, and of nothing else", async () => {
  // No process has the first id; the last one lives.
  const names = ["m.999999999.tmp", "m2.999999999.tmp", "m.old.tmp", `m.${process.ppid}.tmp`];
  for (const name of names) {
    writeFileSync(join(folder, `.${name}`), "left");
    utimesSync(join(folder, `.${name}`), 0, 0);
  }
  writeFileSync(join(folder, ".m.999999998.tmp"), "somebody is writing");
  await writeWhole(join(folder, "m"), (file) => appendAll(file, Buffer.from("whole")));
  expect(readFileSync(join(folder, "m"), "utf8")).toBe("whole");
  expect(readdirSync(folder).toSorted()).toEqual(
    [".m.999999998.tmp", ...names.slice(1).map((name) => `.${name}`), "m"].toSorted(),
  );
});
