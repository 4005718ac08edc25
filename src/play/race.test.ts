import { describe, expect, test } from "vitest";
import { Random } from "../util/random.js";
import { afterTrials, newRace, nextSource, raceOf, verdictOf, type Race } from "./race.js";

/** Trials of sources that rescue the given shares of groups, one group each in turn. */
function run(
  race: Race,
  shares: Readonly<Record<string, number>>,
  turns: number,
  costs = {},
): Race {
  const seed = Random.from(1, "race");
  let now = race;
  for (let turn = 0; turn < turns && now.chosen === undefined; turn++)
    now = afterTrials(
      now,
      Object.keys(now.trials).map((source) => ({
        source,
        rescued: seed.uniform() < (shares[source] ?? 0),
      })),
      costs,
    );
  return now;
}

describe("the race of sources", () => {
  test("is won by the source that rescues, against those that rescue no more than sampling on", () => {
    const race = newRace(["past-self", "weak:a", "weak:b", "weak:c"]);
    const ended = run(race, { "weak:b": 0.6, none: 0.05, "past-self": 0.05 }, 200);
    expect(ended.chosen).toBe("weak:b");
    expect(verdictOf(ended)).toMatch(
      /^weak:b steers from now on: it rescued \d+ of \d+ stuck groups/,
    );
  });

  test("ends without a source where none is better than sampling on", () => {
    const ended = run(newRace(["past-self", "weak:a"]), { none: 0.3, "past-self": 0.3 }, 400);
    expect(ended.chosen).toBe("none");
    expect(verdictOf(ended)).toMatch(/^nothing steers from now on/);
  });

  test("ends where nothing rescues anything, but only after 128 trials each", () => {
    const race = newRace(["past-self", "weak:a"]);
    expect(run(race, {}, 127).chosen).toBeUndefined();
    expect(run(race, {}, 128).chosen).toBe("none");
  });

  test("is won at once by a source whose lead over all others is beyond doubt", () => {
    const of = (source: string, rescued: number, groups: number) =>
      Array.from({ length: groups }, (_, i) => ({ source, rescued: i < rescued }));
    const seen = [...of("none", 0, 3), ...of("past-self", 1, 4), ...of("weak:a", 9, 9)];
    expect(afterTrials(newRace(["past-self", "weak:a"]), seen, {}).chosen).toBe("weak:a");
    const fewer = [...of("none", 0, 3), ...of("past-self", 1, 4), ...of("weak:a", 7, 7)];
    expect(afterTrials(newRace(["past-self", "weak:a"]), fewer, {}).chosen).toBeUndefined();
  });

  test("of two sources that rescue alike the cheaper stays", () => {
    const shares = { a: 1, b: 1 };
    for (const [a, b] of [
      [1.3, 2],
      [2, 1.3],
    ] as const) {
      expect(Object.keys(run(newRace(["a", "b"]), shares, 15, { a, b }).trials)).toHaveLength(3);
      const { trials } = run(newRace(["a", "b"]), shares, 16, { a, b });
      expect(Object.keys(trials)).toEqual(["none", a < b ? "a" : "b"]);
    }
  });

  test("changes nothing once it is over, and is over at once without sources", () => {
    const over: Race = { trials: { none: { groups: 3, rescued: 1 } }, chosen: "none" };
    expect(afterTrials(over, [{ source: "none", rescued: true }], {})).toBe(over);
    expect(newRace([]).chosen).toBe("none");
    expect(verdictOf(newRace([]))).toContain("no source");
  });

  test("assigns all who are left with equal chances, and the winner alone after that", () => {
    const random = Random.from(2, "race");
    const race = newRace(["a", "b"]);
    const counts: Record<string, number> = {};
    for (let i = 0; i < 3000; i++) {
      const source = nextSource(race, random);
      counts[source] = (counts[source] ?? 0) + 1;
    }
    for (const source of ["none", "a", "b"]) expect(counts[source]! / 3000).toBeCloseTo(1 / 3, 1);
    expect(nextSource({ ...race, chosen: "b" }, random)).toBe("b");
  });

  test("is read back from its line", () => {
    const line = { step: 3, "race/groups": { none: 9, a: 8 }, "race/rescued": { none: 1, a: 2 } };
    const trials = { none: { groups: 9, rescued: 1 }, a: { groups: 8, rescued: 2 } };
    expect(raceOf({ ...line, "race/chosen": null })).toEqual({ trials });
    expect(raceOf({ ...line, "race/chosen": "a" })).toEqual({ trials, chosen: "a" });
  });
});
