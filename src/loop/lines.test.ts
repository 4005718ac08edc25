import { expect, test } from "vitest";
import type { Config, ConfigInput } from "../config/config.js";
import { parseConfig } from "../config/parse.js";
import { rolloutLines, type StepResult } from "./lines.js";
import { attempt, cueTask } from "../testing/testing.js";

const kept = (input: ConfigInput): Config => parseConfig(input);

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
  const lines = rolloutLines(result, kept({ teacher: { private: true } }))
    .trim()
    .split("\n");
  expect(lines[0]).toContain("own failure");
  expect(lines[1]).not.toMatch(/xy|cannot read/);
  expect(JSON.parse(lines[1]!)).toMatchObject({ failure: "withheld", guided: "trace" });
  expect(rolloutLines(result, kept({}))).toContain("cannot read: xy");
});

test("of conversations with a private user nothing is written in words", () => {
  const task = cueTask("ab");
  const rollouts = [attempt(task, "xx"), attempt(task, "xy", { failure: "the user said: xy" })];
  const signals = rollouts.map(() => ({ advantage: 0, charge: 0 }));
  const result = { groups: [{ group: { task, rollouts }, signals }] } as unknown as StepResult;
  expect(rolloutLines(result, kept({}))).toMatch(/xx[^]*the user said/);
  expect(rolloutLines(result, kept({ user: { private: true } }))).not.toMatch(/xx|xy|said/);
});
