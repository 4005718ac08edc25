import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fileFault } from "./file-fault.js";

const folder = mkdtempSync(join(tmpdir(), "errata-fault-"));
afterAll(() => rmSync(folder, { recursive: true }));

function thrown(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

test("an error of the file system names its file, and what is wrong with it", () => {
  expect(fileFault(thrown(() => readFileSync(folder)))).toBeUndefined(); // no path in it
  const absent = join(folder, "absent");
  expect(fileFault(thrown(() => readFileSync(absent)))).toMatchObject({
    code: "FILE_ACCESS",
    message: `${absent} cannot be used: there is no such file (ENOENT)`,
    hint: expect.any(String) as string,
  });
  const moved = fileFault(thrown(() => renameSync(absent, join(folder, "other"))));
  expect(moved?.message).toContain(`${absent} or ${join(folder, "other")}`);
  for (const other of [new Error("no"), new TypeError("undefined"), "ENOENT", undefined])
    expect(fileFault(other)).toBeUndefined();
});
