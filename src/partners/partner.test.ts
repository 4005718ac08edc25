import { describe, expect, test } from "vitest";
import { partnerAttempts, Partners, playPartners } from "./partner.js";
import { Random } from "../util/random.js";
import { cueSetup, cueTask, regardless, rightWith } from "../testing/testing.js";

describe("weak partners", () => {
  const setup = cueSetup({
    student: rightWith(0.5),
    partners: { "always-x": regardless({ x: 1 }), "always-y": regardless({ y: 1 }) },
  });
  const players = { ...setup, partners: new Partners(setup) };
  const tasks = [cueTask("abcd"), cueTask("dbca")];

  test("attempt every task several times, each under its own name", async () => {
    const played = await playPartners(
      players,
      ["always-y", "always-x"],
      tasks,
      Random.from(0, "partners"),
    );
    expect(played.map((p) => p.source)).toEqual(["weak:always-y", "weak:always-x"]);
    for (const { source, groups } of played) {
      expect(groups.map((g) => g.task)).toEqual(tasks);
      for (const { rollouts } of groups) {
        expect(rollouts).toHaveLength(partnerAttempts);
        for (const { verdict, offPolicy } of rollouts) {
          expect(`weak:${verdict.signature}`).toBe(source);
          expect(offPolicy).toBe(false);
        }
      }
    }
  });

  test("that join play like the others, and the setup they joined is left alone", async () => {
    const partners = new Partners(setup);
    partners.join("late", setup.partners.get("always-y")!);
    expect(partners.names).toEqual(["always-x", "always-y", "late"]);
    const [played] = await playPartners(
      { ...setup, partners },
      ["late"],
      tasks,
      Random.from(0, "partners"),
    );
    expect(played!.groups[0]!.rollouts[0]!.verdict.signature).toBe("always-y");
    expect(new Partners(setup).names).toEqual(["always-x", "always-y"]);
  });

  test("play only when named", async () => {
    expect(await playPartners(players, [], tasks, Random.from(0, "partners"))).toEqual([]);
  });
});
