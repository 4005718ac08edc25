import { expect, test } from "vitest";
import { checkAttemptRecords, readAttemptRecord } from "./attempt-line.js";

const task = { id: "a", level: "all", split: "train", data: { cues: "a" } };
const record = { task, actions: ["x"], source: "other-model" };

test("an attempt is read as it is written", () => {
  expect(readAttemptRecord(JSON.stringify(record))).toEqual(record);
});

test("every other line is named with what is wrong with it", () => {
  const lines = [
    record,
    { task: "x" },
    { ...record, source: "a name" },
    { ...record, task: { ...task, split: "dev" } },
  ].map((value) => JSON.stringify(value));
  const { readable, problems } = checkAttemptRecords(["", ...lines, "{", "[]", ""].join("\n"));
  expect(readable).toBe(1);
  expect(problems.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7]);
  const texts = problems.map(({ problem }) => problem);
  expect(texts[0]).toMatch(/^task: .*expected object.*; actions: .*; source: /);
  expect(texts[1]).toBe("source: letters, digits and . : / - _ only");
  expect(texts[2]).toMatch(/^task\.split: .*train/);
  expect(texts[3]).toBe("not JSON");
  expect(texts[4]).toMatch(/^the record: /);
});

test("a record nested deeper than a recursion goes is named as such", () => {
  const line = JSON.stringify(record).replace(
    '{"cues":"a"}',
    `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
  );
  expect(() => readAttemptRecord(line)).toThrow("nested too deeply");
});
