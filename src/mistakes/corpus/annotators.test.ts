import { describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { dawidSkene } from "./annotators.js";

const labels = ["valid", "invalid"] as const;
type Label = (typeof labels)[number];

describe("several reviewers", () => {
  /** Reviewers of the given accuracies on `count` items. */
  function simulate(accuracies: Readonly<Record<string, number>>, count: number) {
    const random = Random.from(1, "annotators");
    const truth = Array.from({ length: count }, (): Label => random.pick(labels));
    const other = (label: Label): Label => (label === "valid" ? "invalid" : "valid");
    const annotations = truth.flatMap((label, item) =>
      Object.entries(accuracies).map(([by, p]) => ({
        item,
        by,
        label: random.uniform() < p ? label : other(label),
      })),
    );
    return { truth, annotations };
  }

  test("are told apart by how often they agree with the truth that all of them imply", () => {
    const { truth, annotations } = simulate({ ada: 0.95, bob: 0.9, eve: 0.55 }, 200);
    const { items, reliability } = dawidSkene(annotations, labels);
    expect(reliability.get("ada")).toBeGreaterThan(0.88);
    expect(reliability.get("eve")).toBeLessThan(0.68);
    const right = truth.filter((label, item) => items.get(item)![label] > 0.5).length;
    const majority = truth.filter((label, item) => {
      const own = annotations.filter((a) => a.item === item);
      return own.filter((a) => a.label === label).length >= 2;
    }).length;
    expect(right).toBeGreaterThanOrEqual(majority);
    expect(right / truth.length).toBeGreaterThan(0.93);
  });

  test("who disagree once, knowing nothing else of them, decide nothing", () => {
    const split = [
      { item: 1, by: "ada", label: "valid" },
      { item: 1, by: "bob", label: "invalid" },
    ] as const;
    const { items } = dawidSkene([...split], labels);
    expect(items.get(1)!.valid).toBeCloseTo(0.5, 6);
  });

  test("give probabilities", () => {
    const { annotations } = simulate({ ada: 0.8, bob: 0.7 }, 30);
    for (const chances of dawidSkene(annotations, labels).items.values())
      expect(chances.valid + chances.invalid).toBeCloseTo(1, 9);
  });
});
