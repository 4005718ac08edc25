import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ErrataError } from "../util/error.js";
import { Inbox } from "./inbox.js";
import { lastCheckpoint } from "./checkpoint.js";
import { lockRun } from "./lock.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "errata-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof ErrataError ? error.code : String(error);
  }
};

test("a lock holds this process's id, keeps a second taker out, and leaves nothing behind", () => {
  const unlock = lockRun(folder);
  expect(readFileSync(join(folder, "lock"), "utf8")).toBe(String(process.pid));
  expect(codeOf(() => lockRun(folder))).toBe("RUN_BUSY");
  unlock();
  expect(readdirSync(folder)).toEqual([]);
  unlock(); // given back once: another's lock is not this one's to remove
  lockRun(folder)();
});

test.each([
  ["of a process that has died", "999999999"],
  ["of this process's number before a restart", String(process.pid)],
  ["that is empty", ""],
])("a lock %s is taken over", (_, text) => {
  writeFileSync(join(folder, "lock"), text);
  const unlock = lockRun(folder);
  expect(readFileSync(join(folder, "lock"), "utf8")).toBe(String(process.pid));
  unlock();
  expect(readdirSync(folder)).toEqual([]);
});

test("a lock of a process that lives is not", () => {
  writeFileSync(join(folder, "lock"), String(process.ppid));
  expect(codeOf(() => lockRun(folder))).toBe("RUN_BUSY");
});

test("a checkpoint whose successor never took its place is still the last", () => {
  for (const name of ["step-000005", "step-000010.old", "step-000010.partial"])
    mkdirSync(join(folder, "checkpoints", name), { recursive: true });
  expect(lastCheckpoint(folder)).toBe(join(folder, "checkpoints", "step-000010.old"));
  mkdirSync(join(folder, "checkpoints", "step-000010"));
  expect(lastCheckpoint(folder)).toBe(join(folder, "checkpoints", "step-000010"));
});

test("a line of arrivals that was cut off does not spoil what is written after it", () => {
  const arrivals = join(folder, "arrivals.jsonl");
  const line = (step: number): string => JSON.stringify({ step, files: [], reviewBytes: 0 });
  writeFileSync(arrivals, `${line(0)}\n{"step":5,"fi`);
  const inbox = new Inbox(folder);
  inbox.take(5);
  inbox.commit();
  expect(readFileSync(arrivals, "utf8")).toBe(`${line(0)}\n${line(5)}\n`);
});
