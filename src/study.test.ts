import { describe, expect, test } from "vitest";
import { mergeConfig, parseConfig } from "./config.js";
import { presets } from "./presets.js";
import { arms, armsNamed, studyTable, summarise, type ArmRun } from "./study.js";

const run = (
  arm: string,
  seed: number,
  accuracies: readonly number[],
  changes: Partial<ArmRun> = {},
): ArmRun => ({
  arm,
  seed,
  curve: accuracies.map((accuracy, i) => [10 * i, accuracy]),
  stuck: 10,
  rescued: 4,
  steered: 0,
  rescuedSteered: 0,
  flops: 3e9,
  ...changes,
});

const runs = [
  run("errata", 1, [0.1, 0.6, 0.9], { steered: 6, rescuedSteered: 3, flops: 2e9 }),
  run("errata", 0, [0.1, 0.5, 0.8], { steered: 2, rescuedSteered: 1, flops: 4e9 }),
  run("grpo", 0, [0.1, 0.2, 0.5, 0.8]),
  run("grpo", 1, [0.2, 0.4, 0.5, 0.6]),
];

describe("a summary", () => {
  const [errata, grpo] = summarise(runs, 40);

  test("has a line for each arm, over its seeds", () => {
    expect(summarise(runs, 40).map((s) => [s.arm, s.seeds])).toEqual([
      ["errata", 2],
      ["grpo", 2],
    ]);
    expect(errata!.start).toBeCloseTo(0.1, 12);
    expect(grpo!.start).toBeCloseTo(0.15, 12);
    expect(errata!.final.mean).toBeCloseTo(0.85, 12);
    expect(errata!.flops).toBe(3e9);
  });

  test("restricts steps to the cap where a seed does not get there, and says how many do", () => {
    expect(grpo!.targets["0.8"]).toMatchObject({
      steps: { mean: 35, low: 30, high: 40 },
      reached: 1,
    });
    expect(errata!.targets["0.8"]).toMatchObject({ steps: { mean: 20 }, reached: 2 });
    expect(grpo!.targets["0.9"]).toMatchObject({ steps: { mean: 40 }, reached: 0 });
  });

  test("pairs an arm's seeds with plain GRPO's for the ratio of steps", () => {
    expect(errata!.targets["0.8"]!.ratio!.mean).toBeCloseTo(20 / 35, 12);
    expect(grpo!.targets["0.8"]!.ratio).toBeUndefined();
    const unpaired = summarise([run("errata", 5, [0.9]), run("grpo", 0, [0.1])], 40);
    expect(unpaired[0]!.targets["0.8"]!.ratio).toBeUndefined();
    // Seed 2 has no partner: the ratio is over seeds 0 and 1 alone.
    const extra = summarise([...runs, run("errata", 2, [0, 0, 0])], 40);
    expect(extra[0]!.targets["0.8"]!.ratio!.mean).toBeCloseTo(20 / 35, 12);
  });

  test("tells rescues of steered groups from those of groups left on-policy", () => {
    expect(errata!.rescuedSteered).toBeCloseTo(4 / 8, 12);
    expect(errata!.rescuedOnPolicy).toBeCloseTo(4 / 12, 12);
    expect(grpo!.rescuedSteered).toBeUndefined();
    expect(grpo!.rescuedOnPolicy).toBeCloseTo(8 / 20, 12);
  });

  test("of nothing is nothing", () => {
    expect(summarise([], 40)).toEqual([]);
  });
});

describe("the table", () => {
  const lines = studyTable(summarise(runs, 40)).split("\n");

  test("has a head, a rule and a row for each arm, all of the same width", () => {
    expect(lines).toHaveLength(4);
    const cells = (line: string): number => line.split("|").length;
    expect(new Set(lines.map(cells)).size).toBe(1);
    expect(lines[1]).toMatch(/^\| --- \|/);
  });

  test("shows means with intervals, seeds that fell short, and no ratio of GRPO to itself", () => {
    const [errata, grpo] = lines.slice(2).map((line) => line.split("|").map((cell) => cell.trim()));
    expect(errata!.slice(1, 3)).toEqual(["errata", "2"]);
    expect(errata).toContain("20 [20, 20]");
    expect(grpo).toContain("35 [30, 40] (1/2 reach)");
    expect(grpo).toContain("-");
    expect(errata).toContain("0.50 / 0.33");
    expect(grpo).toContain("- / 0.40");
    expect(errata!.at(-2)).toBe("3");
  });
});

describe("the arms", () => {
  test("of every preset are valid configurations with names of their own", () => {
    for (const preset of Object.values(presets)) {
      const all = arms(preset);
      expect(new Set(all.map((a) => a.name)).size).toBe(all.length);
      expect(all.map((a) => a.name)).toEqual(expect.arrayContaining(["grpo", "errata"]));
      for (const { config } of all) {
        const { partners } = parseConfig(
          mergeConfig(mergeConfig(preset.config, { preset: preset.name }), config),
        );
        for (const name of partners.names ?? [])
          expect(Object.keys(preset.partners)).toContain(name);
      }
    }
  });

  test("that leave the charge out leave out task weights too: only the explorer differs", () => {
    const preset = presets["proof"]!;
    for (const name of ["matching", "irrelevant", "pooled", "self"]) {
      const [arm] = armsNamed(preset, [name]);
      expect(parseConfig(arm!.config).reward, name).toMatchObject({ penalty: 0, diverge: 0 });
    }
  });

  test("can be chosen by name, in the order asked for", () => {
    const preset = presets["proof"]!;
    expect(armsNamed(preset, ["errata", "grpo"]).map((a) => a.name)).toEqual(["errata", "grpo"]);
    expect(armsNamed(preset, undefined)).toEqual(arms(preset));
  });

  test("of unknown names are refused, with the known ones named", () => {
    const failure: unknown = expect.objectContaining({
      code: "STUDY_ARM",
      hint: expect.stringContaining("grpo"),
    });
    expect(() => armsNamed(presets["proof"]!, ["gpro"])).toThrow(failure as Error);
  });
});
