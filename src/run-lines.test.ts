import { expect, test } from "vitest";
import { rolloutLines, type StepResult } from "./run-lines.js";
import { attempt, cueTask } from "./testing.js";

test("nothing a private teacher took part in is written in words, not even an error's message", () => {
  const task = cueTask("ab");
  const own = attempt(task, "xx", { failure: "own failure" });
  const taught = {
    ...attempt(task, "xy", { failure: "cannot read: xy" }),
    guided: "trace",
  } as const;
  const rollouts = [own, taught];
  const signals = rollouts.map(() => ({ advantage: 0, charge: 0 }));
  const result = { groups: [{ group: { task, rollouts }, signals }] } as unknown as StepResult;
  const lines = rolloutLines(result, true).trim().split("\n");
  expect(lines[0]).toContain("own failure");
  expect(lines[1]).not.toMatch(/xy|cannot read/);
  expect(JSON.parse(lines[1]!)).toMatchObject({ failure: "withheld", guided: "trace" });
  expect(rolloutLines(result, false)).toContain("cannot read: xy");
});
