import { describe, expect, test } from "vitest";
import { Alarms, sameAnswerShare, type Observed } from "./alarms.js";

const usual: Observed = {
  entropy: 1,
  length: 10,
  accuracy: 0.2,
  replication: 0.5,
  right: [],
  finite: true,
  taught: true,
};
const unlike = (answer: (i: number) => string): Observed["right"] =>
  Array.from({ length: 8 }, (_, i) => [`task ${i}`, answer(i)]);

function after(steps: number, seen: Observed = usual): Alarms {
  const alarms = new Alarms();
  for (let i = 0; i < steps; i++) expect(alarms.observe(seen)).toEqual([]);
  return alarms;
}

describe("alarms", () => {
  test("keep quiet on a usual run, and before there is anything to compare with", () => {
    expect(after(30).observe(usual)).toEqual([]);
    expect(after(5).observe({ ...usual, entropy: 0, length: 500 })).toEqual([]);
  });

  test.each([
    ["entropy below a tenth", { entropy: 0.09 }, ["entropyCollapse"]],
    ["entropy above it", { entropy: 0.11 }, []],
    ["twice the length and more", { length: 21 }, ["lengthBlowUp"]],
    ["a jump with less repetition: learning", { accuracy: 0.9, replication: 0.1 }, []],
    ["a jump with more repetition", { accuracy: 0.9, replication: 0.8 }, ["verifierExploit"]],
    ["a jump by very short attempts", { accuracy: 0.9, length: 1 }, ["verifierExploit"]],
    ["one right answer to all tasks", { right: unlike(() => "yes") }, ["verifierExploit"]],
    ["a right answer to each task", { right: unlike((i) => `${i}`) }, []],
    ["an update that was skipped", { finite: false }, ["notFinite"]],
  ] as const)("on %s", (_, changes, rung) => {
    expect(after(12).observe({ ...usual, ...changes })).toEqual(rung);
  });

  test("on the tenth step in a row without a gradient, and until there is one", () => {
    const idle = { ...usual, taught: false };
    const alarms = after(9, idle);
    expect(alarms.observe(idle)).toEqual(["noGradient"]);
    expect(alarms.observe(idle)).toEqual(["noGradient"]);
    expect(alarms.observe(usual)).toEqual([]);
    expect(alarms.observe(idle)).toEqual([]);
  });

  test("take one answer to many tasks for usual where it was so from the start", () => {
    const yes = { ...usual, right: unlike(() => "yes") };
    expect(after(12, yes).observe(yes)).toEqual([]);
  });

  test("carry on from what a checkpoint saved", () => {
    const alarms = after(12);
    const resumed = new Alarms(
      undefined,
      JSON.parse(JSON.stringify(alarms.state)) as typeof alarms.state,
    );
    const collapsed = { ...usual, entropy: 0.01 };
    expect(resumed.observe(collapsed)).toEqual(alarms.observe(collapsed));
    expect(resumed.state).toEqual(alarms.state);
  });

  test("compare answers of four tasks or more, each task once", () => {
    expect(
      sameAnswerShare([
        ["a", "1"],
        ["b", "1"],
        ["c", "1"],
      ]),
    ).toBe(0);
    expect(
      sameAnswerShare([
        ["a", "1"],
        ["b", "1"],
        ["c", "2"],
        ["d", "3"],
        ["d", "3"],
      ]),
    ).toBe(0.5);
    expect(
      sameAnswerShare([
        ["a", "1"],
        ["a", "1"],
        ["a", "1"],
        ["a", "1"],
      ]),
    ).toBe(0);
  });
});
