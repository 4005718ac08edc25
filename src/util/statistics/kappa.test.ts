import { describe, expect, it } from "vitest";
import { cohensKappa } from "./kappa.js";

/** `count` times the pair. */
const times = (count: number, a: string, b: string): [string, string][] =>
  Array.from({ length: count }, () => [a, b]);

describe("Cohen's kappa", () => {
  it("is 0.4 on 50 grant proposals: 20 yes by both, 15 no by both, 5 and 10 apart (worked by hand)", () => {
    // p_o = 35/50 = .7; p_e = (25/50)(30/50) + (25/50)(20/50) = .5; kappa = .2 / .5
    const pairs = [
      ...times(20, "yes", "yes"),
      ...times(5, "yes", "no"),
      ...times(10, "no", "yes"),
      ...times(15, "no", "no"),
    ];
    expect(cohensKappa(pairs)).toBeCloseTo(0.4, 12);
  });

  it("is 1 where two agree on different labels, and 0 where they agree as chance does", () => {
    expect(cohensKappa([...times(3, "valid", "valid"), ...times(2, "invalid", "invalid")])).toBe(1);
    const independent = [
      ...times(1, "a", "a"),
      ...times(1, "a", "b"),
      ...times(1, "b", "a"),
      ...times(1, "b", "b"),
    ];
    expect(cohensKappa(independent)).toBe(0);
  });

  it("is not defined without items, or where neither ever used a second label", () => {
    expect(cohensKappa([])).toBeUndefined();
    expect(cohensKappa(times(9, "valid", "valid"))).toBeUndefined();
  });
});
