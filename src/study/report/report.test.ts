import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { gateValues } from "../runs/gate-values.js";
import { markdown } from "./report.js";
import { forestPlot, lineChart, ticks } from "./charts.js";
import { reportPage } from "./page.js";
import { claimLines, summaryTable } from "./text.js";
import { resultOf } from "../verdict/result.js";
import { protocolWith, runOf } from "../testing.js";

const seeds = [1000, 1001, 1002, 1003, 1004];
const protocol = protocolWith(
  [
    ["errata", "errata"],
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
    expect(page).toMatch(/-?[\d.]+ \[[^\]]+\]: (did not fire|fired)/);
  });

  test("shows the command as text, not as markup", () => {
    expect(page).toContain("npx errata compare &lt;test&gt;");
    expect(page).toContain("a machine");
  });
});

describe("falsifiers, abilities, gate and rates", () => {
  const able = {
    before: { passAt1: 0.08, passAt64: 0.6, inverted: 0.91 },
    after: { passAt1: 0.5, passAt64: 0.7, inverted: 0.67 },
  };
  const asked = {
    ...protocol,
    arms: protocol.arms.slice(0, 2),
    claims: [
      {
        name: "kept",
        measure: "inverted",
        arm: "errata",
        baseline: "base",
        target: -0.05,
        kind: "falsifier",
        falsifier: "negative-transfer",
      } as const,
    ],
  };
  const ran = runs.map((r) => (r.arm === "errata" ? { ...r, ability: able } : r));
  const rates = [
    {
      arm: "errata",
      learningRate: 5e-4,
      tried: [
        { learningRate: 5e-4, steps: 31, accuracy: 0.5 },
        { learningRate: 1e-3, steps: 47, accuracy: 0.4 },
      ],
    },
  ];
  const folder = mkdtempSync(join(tmpdir(), "errata-report-"));
  const check = { name: "discrimination", value: 12.5, interval: { low: 7, high: 20 }, least: 3 };
  const gate = {
    tasks: 200,
    passed: true,
    outcome: "pass",
    checks: [{ ...check, most: Infinity, passed: true, outcome: "pass", meaning: "p(a | b)" }],
  };

  test("are on the page and in the Markdown, the gate as it was kept beside the study", async () => {
    writeFileSync(join(folder, "gate.json"), JSON.stringify(gate));
    const kept = await gateValues(folder, asked, false);
    const report = {
      protocol: asked,
      runs: ran,
      result: resultOf(asked, ran, rates),
      command: "c",
      gate: kept,
    };
    const text = markdown(report);
    const html = reportPage(report, "a machine");
    expect(text).toMatch(/\| negative-transfer \| fired \|.*\| -0.24 \[-0.24, -0.24\] \|/);
    expect(text).toMatch(/\| sharpening \| undecided \|.*no arm of this study asks it \| - \|/);
    expect(text).toContain("0.91 to 0.67 [0.67, 0.67]");
    expect(text).toContain(
      "| discrimination | 12.5 [7.00, 20.0] | at least 3.00 | pass | p(a \\| b) |",
    );
    expect(text).toContain("| errata | 0.0005 | 31.0 | 0.50 | chosen |");
    for (const part of ["negative-transfer", "0.91 to 0.67", "12.5 [7.00, 20.0]", "chosen"])
      expect(html).toContain(part);
  });

  test("are left out where there are none", () => {
    const text = markdown({ protocol, runs, result, command: "c" });
    expect(text).not.toMatch(/Gate|Abilities|Learning rates tried/);
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
