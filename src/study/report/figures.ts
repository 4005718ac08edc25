/** The figures of a study's report: each with the table it was drawn from. */
import { meanInterval } from "../../util/statistics/intervals.js";
import { forestPlot, htmlTable, legend, lineChart, type ForestRow, type Series } from "./charts.js";
import { figure, withCensoring, withInterval } from "./format.js";
import { claimed, claimEstimate, outcome, statement } from "./text.js";
import type { Report } from "./contents.js";
import type { ClaimResult } from "../verdict/claims.js";
import { sumOf } from "../../util/statistics/sums.js";

/** Most arms whose curves share one chart; more get a small chart each. */
const mostTogether = 2;

/** Resamples behind each point of a band: a picture needs fewer than a claim. */
const bandResamples = 1000;

/** Colours of the families, the same in every figure. */
const familyColour = {
  errata: 0,
  "weak-free": 1,
  "teacher-only": 2,
  control: 3,
  ablation: 4,
  preference: 5,
  dose: 6,
} as const;

/** Held-out accuracy by step: mean over seeds with a 95% band. */
export function learningCurves({ protocol, result }: Report): string {
  const curves = protocol.arms.map(({ name }, i): Series => {
    const own = result.arms.find((arm) => arm.name === name)?.curves ?? [];
    const steps = [...new Set(own.flatMap(({ points }) => points.map(([step]) => step)))].sort(
      (a, b) => a - b,
    );
    const points = steps.map((x) => {
      const values = own.flatMap((seed) => seed.points.find(([step]) => step === x)?.[1] ?? []);
      const { mean: y, low, high } = meanInterval(values, bandResamples);
      return { x, y, low, high };
    });
    return { name, points, colour: i % 8 };
  });
  const x = { label: "training steps", from: 0, to: result.steps };
  const y = { label: "held-out accuracy", from: 0, to: 1 };
  const reference = { y: result.target, label: `the target, ${result.target * 100}%` };
  const describe = (list: readonly Series[]): string =>
    list
      .map(({ name, points }) => `${name} ends at ${figure(points.at(-1)?.y ?? Number.NaN)}`)
      .join("; ");
  const table = htmlTable(
    {
      head: ["step", ...curves.map((c) => c.name)],
      rows: [...new Set(curves.flatMap((c) => c.points.map((p) => p.x)))]
        .sort((a, b) => a - b)
        .map((step) => [
          String(step),
          ...curves.map((c) => {
            const point = c.points.find((p) => p.x === step);
            return point === undefined ? "-" : figure(point.y);
          }),
        ]),
    },
    "Learning curves as a table",
  );
  if (curves.length <= mostTogether) {
    const title = "Learning curves: mean over seeds, 95% band";
    return (
      lineChart({ title, description: describe(curves), x, y, series: curves, reference }) + table
    );
  }
  const [first, ...others] = curves;
  const own: Series = { ...first!, colour: 0 };
  const described = new Map(protocol.arms.map(({ name, description }) => [name, description]));
  const small = others.map((curve) =>
    lineChart({
      title: curve.name,
      about: described.get(curve.name) ?? "",
      description: describe([own, curve]),
      x,
      y,
      series: [own, { ...curve, colour: 1 }],
      reference,
      bare: true,
    }),
  );
  const names = legend([own, { name: "the arm named above the chart", points: [], colour: 1 }]);
  return `<h3>Held-out accuracy by training step: mean over seeds, 95% band; dashed: ${reference.label}</h3>${names}<div class="small-charts">${small.join("")}</div>${table}`;
}

/** Restricted mean steps to the target, fewest first. */
export function stepsForest({ result, protocol }: Report): string {
  const rows = result.arms
    .toSorted((a, b) => a.stepsTo80.mean - b.stepsTo80.mean)
    .map((a): ForestRow => ({
      label: a.name,
      ...a.stepsTo80,
      text: withCensoring(a.stepsTo80),
      colour: familyColour[a.family],
    }));
  const own = result.arms.find((a) => a.family === "errata");
  const families = [...new Set(protocol.arms.map((a) => a.family))];
  return (
    forestPlot({
      title: `Steps to ${result.target * 100}% held-out accuracy`,
      description: rows.map((r) => `${r.label}: ${r.text}`).join("; "),
      axis: "steps (restricted mean, 95% interval)",
      rows,
      from: 0,
      ...(own === undefined ? {} : { reference: own.stepsTo80.mean }),
    }) + legend(families.map((name) => ({ name, points: [], colour: familyColour[name] })))
  );
}

/** Claims of some kinds, each with its estimate beside what was claimed. */
export function claimForest(
  { result }: Report,
  title: string,
  holds: (claim: ClaimResult) => boolean,
): string {
  const rows = result.claims.filter(holds).map((c): ForestRow => {
    const { estimate: mean, low, high } = c;
    return {
      label: statement(c, result.accuracyAt),
      mean,
      low,
      high,
      text: Number.isNaN(mean)
        ? `${outcome(c)}: ${claimEstimate(c)}`
        : `${withInterval({ mean, low, high })}${claimed(c)}: ${outcome(c)}`,
      colour: c.verdict === "supported" ? 0 : c.verdict === "undecided" ? 7 : 3,
      ...(c.target === 0 ? {} : { target: c.target }),
    };
  });
  if (rows.length === 0) return "";
  return forestPlot({
    title,
    description: rows.map((r) => `${r.label}: ${r.text}`).join("; "),
    axis: "estimate, 95% interval; solid line: no difference; dotted: claimed, or the margin",
    rows,
    reference: 0,
    from: Math.max(
      -1,
      Math.min(0, ...rows.flatMap((r) => [r.low, r.target ?? 0]).filter((v) => !Number.isNaN(v))),
    ),
    to: Math.max(
      0.1,
      ...rows.flatMap((r) => [r.high, r.target ?? 0]).filter((v) => !Number.isNaN(v)),
    ),
  });
}

/** Saving against each teacher-only arm as a function of the teacher's cost. */
export function costCurve({ result, protocol }: Report): string {
  if (result.savings.length === 0) return "";
  const first = result.savings[0]!.arm;
  const savings = result.savings.filter((s) => s.arm === first);
  const costs = savings[0]!.points.map((p) => p.teacherCost);
  const values = savings
    .flatMap((s) => s.points.flatMap((p) => [p.low, p.high]))
    .filter(Number.isFinite);
  const series = savings.map(({ baseline, points }, i): Series => ({
    name: `against ${baseline}`,
    colour: i % 8,
    points: points.map(({ teacherCost: x, mean: y, low, high }) => ({ x, y, low, high })),
  }));
  return (
    lineChart({
      title: `Saving of ${first} as a curve in the teacher's cost`,
      description: series
        .map((s) => `${s.name}: ${s.points.map((p) => `${figure(p.y)} at k ${p.x}`).join(", ")}`)
        .join("; "),
      x: {
        label: "k: teacher's cost of a teacher-only step / student's",
        from: 0,
        to: Math.max(...costs),
      },
      y: {
        label: "saving",
        from: Math.max(-2, Math.min(0, ...values)),
        to: Math.max(0.8, ...values),
      },
      series,
      reference: { y: 0.6, label: "60% saved" },
    }) +
    `<p class="muted">saving = 1 - s (1 + f k + w) / (1 + k): s the ratio of steps, f the share of prompt visits with a teacher, w what weak models, experts and probes cost up to the target, relative to the student. The claim is stated at k = ${protocol.teacherCost}.</p>` +
    htmlTable(
      {
        head: ["k", ...result.savings.map((s) => `${s.arm} against ${s.baseline}`)],
        rows: costs.map((k, i) => [
          String(k),
          ...result.savings.map((s) => withInterval(s.points[i]!)),
        ]),
      },
      "Savings as a table",
    )
  );
}

/** Accuracy at equal student compute as the weak models' errors overlap more with the student's. */
export function doseResponse({ result, protocol }: Report): string {
  const dosed = protocol.arms.filter((a) => a.dose !== undefined);
  if (dosed.length === 0) return "";
  const of = (name: string) => result.arms.find((a) => a.name === name)!;
  const own: Series = {
    name: "with weak errors of this overlap",
    colour: 0,
    points: dosed.map((a) => {
      const { mean: y, low, high } = of(a.name).accuracy;
      return { x: a.dose!, y, low, high };
    }),
  };
  const compared = new Set(
    protocol.claims.filter((c) => dosed.some((a) => a.name === c.arm)).map((c) => c.baseline),
  );
  const flat = protocol.arms
    .filter((a) => a.dose === undefined && compared.has(a.name))
    .map((a, i): Series => {
      const { mean: y, low, high } = of(a.name).accuracy;
      const points = [0, 1].map((x) => ({ x, y, low, high }));
      return { name: a.name, colour: i + 1, points, dashed: true };
    });
  const slope = result.doseSlope;
  return (
    lineChart({
      title: `Overlap of errors and accuracy at step ${result.accuracyAt}`,
      description: own.points.map((p) => `${figure(p.y)} at overlap ${p.x}`).join("; "),
      x: { label: "share of weak mistakes of the student's kind", from: 0, to: 1 },
      y: { label: "held-out accuracy", from: 0, to: 1 },
      series: [own, ...flat],
    }) +
    (slope === null
      ? ""
      : `<p>Slope from no overlap to full overlap: ${withInterval(slope)}.</p>`) +
    htmlTable(
      {
        head: ["overlap", "accuracy"],
        rows: dosed.map((a) => [String(a.dose), withInterval(of(a.name).accuracy)]),
      },
      "Dose-response as a table",
    )
  );
}

/** Training cost by role. */
export function costTable({ result, runs }: Report): string {
  const roles = [...new Set(result.arms.flatMap((a) => Object.keys(a.flopsByRole)))];
  const seconds = (arm: string): string => {
    const own = runs.filter((r) => r.arm === arm);
    const each = own.map((r) => sumOf(Object.values(r.seconds)));
    const mean = sumOf(each) / Math.max(1, each.length);
    return mean === 0 ? "-" : figure(mean);
  };
  const table = (unit: string, costs: "flopsByRole" | "tokensByRole", per: number): string =>
    htmlTable(
      {
        head: ["arm", ...roles, ...(costs === "flopsByRole" ? ["seconds"] : [])],
        rows: result.arms.map((a) => [
          a.name,
          ...roles.map((r) => amount(a[costs], r, per)),
          ...(costs === "flopsByRole" ? [seconds(a.name)] : []),
        ]),
      },
      result.savings.length === 0 ? undefined : `Cost by role in ${unit}, mean over seeds`,
    );
  return (
    `<h3>GFLOP by role, mean over seeds</h3>${table("GFLOP", "flopsByRole", 1e9)}` +
    `<h3>Thousand tokens by role, mean over seeds</h3>${table("thousand tokens", "tokensByRole", 1e3)}`
  );
}

function amount(costs: Readonly<Record<string, number>>, role: string, unit: number): string {
  const value = costs[role];
  return value === undefined ? "-" : figure(value / unit);
}
