import { describe, expect, test } from "vitest";
import { forestPlot, lineChart, ticks } from "./report-charts.js";
import { reportPage } from "./report-page.js";
import { claimLines, summaryTable } from "./report-text.js";
import { resultOf } from "./result.js";
import { protocolWith, runOf } from "./testing.js";

const seeds = [1000, 1001, 1002, 1003, 1004];
const protocol = protocolWith(
  [
    ["errata", "ours"],
    ["grpo", "weak-free"],
    ["luffy", "teacher-only"],
    ["overlap-0", "dose", 0],
    ["overlap-1", "dose", 1],
  ],
  [
    {
      name: "c",
      measure: "steps",
      arm: "errata",
      baseline: "grpo",
      target: 0.33,
      kind: "primary",
    },
    {
      name: "f",
      measure: "steps",
      arm: "errata",
      baseline: "luffy",
      target: 0,
      kind: "falsifier",
    },
  ],
);
const runs = protocol.arms.flatMap(({ name }, i) =>
  seeds.map((seed) => runOf(name, seed, name === "errata" ? 25 : 50 + 10 * (i === 2 ? -3 : i))),
);
const result = resultOf(protocol, runs, []);
const page = reportPage(
  { protocol, runs, result, command: "npx errata compare <test>" },
  "a machine",
);

describe("the page", () => {
  test("needs nothing but itself", () => {
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|https?:/);
  });

  test("tells every figure in words, and has its numbers in a table", () => {
    const figures = page.match(/<svg[^>]*role="img"/g)!.length;
    expect(page.match(/<svg[^>]*role="img"[^>]*><title>[^<]+<\/title>/g)).toHaveLength(figures);
    for (const table of ["Learning curves", "Savings", "Dose-response", "Claims"])
      expect(page).toContain(`<summary>${table} as a table</summary>`);
    expect(page).toContain("prefers-color-scheme: dark");
  });

  test("puts the estimate beside what was claimed, with a verdict", () => {
    expect(page).toContain("errata needs at least 33% fewer steps than grpo");
    expect(page).toContain("0.60 [0.60, 0.60], claimed 0.33: supported");
    expect(page).toContain("errata needs fewer steps than luffy");
    expect(page).toMatch(/-?[\d.]+ \[[^\]]+\]: (does not fire|fires)/);
  });

  test("shows the command as text, not as markup", () => {
    expect(page).toContain("npx errata compare &lt;test&gt;");
    expect(page).toContain("a machine");
  });
});

test("lines and tables for the terminal say the same", () => {
  expect(claimLines(result)[0]).toMatch(/^supported: errata needs at least 33% fewer steps/);
  expect(summaryTable(result).split("\n")).toHaveLength(2 + 5);
});

test("an estimate beyond the axis is pointed at", () => {
  const row = { label: "l", mean: -5, low: -6, high: -4, text: "-5", colour: 0 };
  const plot = forestPlot({
    title: "t",
    description: "d",
    axis: "a",
    rows: [row],
    from: -2,
    to: 1,
  });
  expect(plot).toContain("\u25C2 -5");
});

describe("a chart", () => {
  const options = {
    title: "t",
    description: "d",
    x: { label: "x", from: 0, to: 10 },
    y: { label: "y", from: 0, to: 1 },
  };

  test("maps the corners of the data to the corners of the picture", () => {
    const points = [
      { x: 0, y: 0 },
      { x: 10, y: 1 },
    ];
    expect(lineChart({ ...options, series: [{ name: "s", colour: 0, points }] })).toContain(
      'points="0,100 100,0"',
    );
  });

  test("draws a band between low and high", () => {
    const points = [
      { x: 0, y: 0.5, low: 0.4, high: 0.6 },
      { x: 10, y: 0.5, low: 0.4, high: 0.6 },
    ];
    expect(lineChart({ ...options, series: [{ name: "s", colour: 0, points }] })).toContain(
      'points="0,40 100,40 100,60 0,60"',
    );
  });

  test("has round ticks", () => {
    expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(0, 100, 5)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(ticks(-0.5, 0.5, 4)).toEqual([-0.5, -0.25, 0, 0.25, 0.5]);
    expect(ticks(3, 3, 5)).toEqual([3]);
  });
});
