import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ErrataError } from "../util/error.js";
import { Inbox } from "./inbox.js";
import { lastCheckpoint } from "./checkpoint.js";
import { lockHolder, lockRun } from "./lock.js";

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

const holder = (): unknown => JSON.parse(readFileSync(join(folder, "lock"), "utf8"));

test("a lock says whose it is, keeps a second taker out, and is free afterwards", () => {
  const unlock = lockRun(folder);
  expect(holder()).toMatchObject({ process: process.pid, host: hostname() });
  expect(lockHolder(folder)).toBe(process.pid);
  expect(codeOf(() => lockRun(folder))).toBe("RUN_BUSY");
  unlock();
  expect(readdirSync(folder)).toEqual(["lock.db"]);
  expect(lockHolder(folder)).toBeUndefined();
  unlock(); // given back once: another's lock is not this one's to remove
  lockRun(folder)();
});

test.each([
  ["of a process that has died", "999999999"],
  ["of a process of this number that is another", String(process.ppid)],
  ["that is empty", ""],
  ["that is text", "not a number\n"],
  ["that is bytes", "\u0000\u0001\u0002"],
])("a note %s keeps nobody out, for the operating system holds the lock", (_, text) => {
  writeFileSync(join(folder, "lock"), text);
  expect(lockHolder(folder)).toBeUndefined();
  const unlock = lockRun(folder);
  expect(holder()).toMatchObject({ process: process.pid });
  unlock();
  expect(readdirSync(folder)).toEqual(["lock.db"]);
});

test("a lock file that was overwritten is made anew", () => {
  writeFileSync(join(folder, "lock.db"), "x".repeat(5000));
  lockRun(folder)();
  expect(readFileSync(join(folder, "lock.db")).length).toBe(0);
});

test("a folder that cannot be locked is named", () => {
  mkdirSync(join(folder, "lock.db"));
  const failure = expect.objectContaining({ code: "RUN_LOCK" }) as Error;
  expect(() => lockRun(folder)).toThrow(failure);
});

test("another process is kept out while it lives, whatever its note says, and no longer", async () => {
  const script = join(folder, "holder.mjs");
  const database = createRequire(import.meta.url).resolve("@photostructure/sqlite");
  writeFileSync(
    script,
    `const sqlite = process.getBuiltinModule?.("node:sqlite") ?? (await import(${JSON.stringify(database)}));
     const { DatabaseSync } = sqlite.default ?? sqlite;
     const db = new DatabaseSync(${JSON.stringify(join(folder, "lock.db"))});
     db.exec("BEGIN EXCLUSIVE");
     console.log("held");
     setInterval(() => db, 1000);`,
  );
  const other = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(other.stdout, "data");
  writeFileSync(join(folder, "lock"), "garbage");
  expect(codeOf(() => lockRun(folder))).toBe("RUN_BUSY");
  other.kill("SIGKILL");
  await once(other, "exit");
  lockRun(folder)();
});

test("a checkpoint whose successor never took its place is still the last", () => {
  const whole = (name: string): void => {
    mkdirSync(join(folder, "checkpoints", name), { recursive: true });
    writeFileSync(join(folder, "checkpoints", name, "state.json"), "{}");
  };
  for (const name of ["step-000005", "step-000010.old", "step-000010.partial"]) whole(name);
  mkdirSync(join(folder, "checkpoints", "step-000099")); // a stray folder is no checkpoint
  expect(lastCheckpoint(folder)).toBe(join(folder, "checkpoints", "step-000010.old"));
  whole("step-000010");
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
