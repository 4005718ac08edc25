import { describe, expect, test } from "vitest";
import { arithmetic } from "../environments/arithmetic/arithmetic.js";
import type { Environment } from "../environments/environment.js";
import { playProcedure } from "../environments/play-procedure.js";
import { Random } from "../util/random.js";
import { cuePolicy, cues, cueSetup, regardless, rightWith } from "../testing/testing.js";
import { losses, measureTransfer, tasksWhere } from "./transfer.js";

const environment = cues as Environment;

describe("tasks chosen by a procedure", () => {
  test.each([true, false])("are those on which it errs: %s", async (errs) => {
    const tasks = await tasksWhere(environment, {
      procedure: "always-x",
      errs,
      split: "validation",
      levels: ["long"],
      count: 12,
      random: Random.from(1, "transfer"),
    });
    expect(tasks.length).toBeGreaterThan(3);
    for (const task of tasks) {
      expect(task.split).toBe("validation");
      expect(/[bd]/.test(task.id)).toBe(errs); // b and d ask for y
    }
  });
});

describe("transfer", () => {
  const policies = (table: Parameters<typeof cuePolicy>[0]) => ({
    before: cuePolicy(regardless({ x: 1 })),
    after: cuePolicy(table),
  });
  const measure = async (table: Parameters<typeof cuePolicy>[0]) => {
    const setup = cueSetup({
      student: regardless({ x: 1 }),
      preset: { transferLevels: ["short"] },
    });
    const results = await measureTransfer(setup, setup.preset, policies(table), { count: 20 });
    return { results, by: new Map(results.map((r) => [r.name, r])) };
  };

  test("asks for trained levels, others, each mal-rule's tasks and those on which the bug is right", async () => {
    const { results, by } = await measure(rightWith(1));
    expect(results.map((r) => [r.name, r.kind])).toEqual([
      ["long", "trained"],
      ["short", "length"],
      ["always-x", "signature"],
      ["always-y", "signature"],
      ["always-x is right", "inverted"],
    ]);
    expect(by.get("always-x")).toMatchObject({ before: { mean: 0 }, after: { mean: 1 } });
    expect(by.get("always-x is right")).toMatchObject({ before: { mean: 1 }, after: { mean: 1 } });
    expect(losses(results)).toEqual([]);
  });

  test("finds a student that avoids the bug where it is right", async () => {
    const { results } = await measure(regardless({ y: 1 }));
    expect(losses(results).map((r) => r.name)).toContain("always-x is right");
    expect((await measure(rightWith(1))).results).toEqual((await measure(rightWith(1))).results);
  });
});

describe("sums without carries", () => {
  test("are what dropping carries is right on, of the length asked for", async () => {
    const sums = arithmetic() as Environment;
    for (const [level, digits] of [
      ["no-carry", 5],
      ["no-carry-8", 8],
    ] as const)
      for (const split of ["train", "validation", "test"] as const) {
        const random = Random.from(1, level + split);
        const task = sums.draw({ split, level, random });
        expect(task).toMatchObject({ split, level });
        expect((task.data as { text: string }).text).toHaveLength(2 * digits + 1);
        const played = await playProcedure(sums, task, "drop-carry", random);
        expect(await sums.judge(played)).toMatchObject({ correct: true });
      }
  });
});
