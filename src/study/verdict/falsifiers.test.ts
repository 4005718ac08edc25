import { describe, expect, test } from "vitest";
import type { ClaimResult } from "./claims.js";
import { falsifierNames, margin } from "../design/study.js";
import { judgeFalsifiers, outcomeOf } from "./falsifiers.js";
import { studyNamed } from "../design/studies.js";
import { presets } from "../../students/presets/presets.js";

const claim = (changes: Partial<ClaimResult> = {}): ClaimResult => ({
  name: "c",
  measure: "steps",
  arm: "errata",
  baseline: "self-experts",
  target: 0,
  kind: "falsifier",
  falsifier: "own-mistakes",
  estimate: 0.3,
  low: 0.1,
  high: 0.5,
  p: 0.001,
  seeds: 5,
  verdict: "supported",
  ...changes,
});

describe("a falsifier", () => {
  test("fires where an interval includes no gain, however wide it is", () => {
    expect(outcomeOf(claim())).toBe("did not fire");
    expect(outcomeOf(claim({ low: -0.1, verdict: "undecided" }))).toBe("fired");
    expect(outcomeOf(claim({ verdict: "not supported" }))).toBe("fired");
  });

  test("is undecided with too few seeds or nothing measured", () => {
    expect(outcomeOf(claim({ seeds: 4, verdict: "undecided" }))).toBe("undecided");
    expect(outcomeOf(claim({ estimate: Number.NaN, verdict: "undecided" }))).toBe("undecided");
  });

  test("that something is lost fires only where the loss is sure", () => {
    const kept = { measure: "inverted", target: -margin } as const;
    expect(outcomeOf(claim({ ...kept, verdict: "undecided" }))).toBe("undecided");
    expect(outcomeOf(claim({ ...kept, verdict: "not supported" }))).toBe("fired");
    expect(outcomeOf(claim({ ...kept, verdict: "supported" }))).toBe("did not fire");
  });

  test("fires with any of its claims, and the claim nearest to firing gives its interval", () => {
    const [own, ...others] = judgeFalsifiers([
      claim({ name: "far" }),
      claim({ name: "near", low: 0.02 }),
      claim({ name: "secondary", kind: "secondary", verdict: "not supported" }),
    ]);
    expect(own).toMatchObject({ outcome: "did not fire", claim: "near", low: 0.02 });
    expect(others).toHaveLength(falsifierNames.length - 1);
    expect(others.every((f) => f.outcome === "undecided" && f.claim === null)).toBe(true);
    const fired = claim({ name: "fired", low: -0.2, verdict: "not supported" });
    expect(judgeFalsifiers([claim(), fired])[0]).toMatchObject({
      outcome: "fired",
      claim: "fired",
    });
    const open = claim({ name: "open", seeds: 3, verdict: "undecided" });
    expect(judgeFalsifiers([claim(), open])[0]).toMatchObject({ outcome: "undecided" });
  });

  test("of a study of one's own stands alone", () => {
    const { falsifier: _, ...alone } = claim({ name: "mine" });
    expect(judgeFalsifiers([alone]).map((f) => f.name)).toEqual(["mine"]);
    expect(judgeFalsifiers([claim({ kind: "primary" })])).toEqual([]);
  });
});

test.each(Object.keys(presets))(
  "the falsifiers of %s are asked, each by an arm it has",
  (domain) => {
    const { bug, partners } = presets[domain]!;
    const impossible =
      bug === undefined
        ? ["negative-transfer", "no-overlap"] // nothing injected: no bug to be right, no doses of it
        : Object.keys(partners).length < 2
          ? ["no-overlap"]
          : [];
    for (const quick of [false, true]) {
      const asked = studyNamed("falsifiers", domain, { quick }).claims.flatMap(
        (c) => c.falsifier ?? [],
      );
      expect(falsifierNames.filter((name) => !asked.includes(name))).toEqual(
        falsifierNames.filter((name) => impossible.includes(name)),
      );
    }
  },
);
