/** What a study found, in words and tables. */
import type { Interval } from "../statistics.js";
import type { ClaimResult } from "./claims.js";
import type { StudyResult } from "./result.js";

/** A number with about three digits. */
export function figure(x: number): string {
  if (Number.isNaN(x)) return "-";
  const size = Math.abs(x);
  return x.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** An estimate with its interval: `14.2 [12.8, 15.6]`. */
export function withInterval({ mean, low, high }: Interval): string {
  return Number.isNaN(mean) ? "-" : `${figure(mean)} [${figure(low)}, ${figure(high)}]`;
}

/** Heads and rows of the table of arms. */
export function armTable(result: StudyResult): { head: string[]; rows: string[][] } {
  const target = `${result.target * 100}%`;
  return {
    head: [
      "arm",
      "kind",
      "seeds",
      "rate",
      `steps to ${target}`,
      "reached",
      `accuracy at step ${result.accuracyAt}`,
      "final accuracy",
      "teacher share",
      "overhead w",
      "GFLOP",
      "stuck rescued: steered / on-policy",
    ],
    rows: result.arms.map((a) => [
      a.name,
      a.family,
      String(a.seeds),
      a.learningRate.toPrecision(2),
      withInterval(a.stepsTo80),
      `${a.reached}/${a.seeds}${a.diverged > 0 ? `, ${a.diverged} diverged` : ""}`,
      withInterval(a.accuracy),
      withInterval(a.finalAccuracy),
      figure(a.teacherShare),
      figure(a.overhead),
      figure(a.flops / 1e9),
      `${share(a.rescuedSteered)} / ${share(a.rescuedOnPolicy)}`,
    ]),
  };
}

const share = (x: number | null): string => (x === null ? "-" : x.toFixed(2));

/** What a claim says, in words. */
export function statement(
  { measure, arm, baseline, target }: ClaimResult,
  accuracyAt: number,
): string {
  const atLeast = target === 0 ? "" : "at least ";
  const percent = `${Math.round(target * 100)}%`;
  switch (measure) {
    case "steps":
      return target === 0
        ? `${arm} needs fewer steps than ${baseline}`
        : `${arm} needs ${atLeast}${percent} fewer steps than ${baseline}`;
    case "flops":
      return target === 0
        ? `${arm} needs fewer FLOPs, everything counted, than ${baseline}`
        : `${arm} needs ${atLeast}${percent} fewer FLOPs than ${baseline}`;
    case "accuracy":
      return target === 0
        ? `${arm} is more accurate than ${baseline} at step ${accuracyAt}`
        : `${arm} is ${atLeast}${Math.round(target * 100)} points more accurate than ${baseline} at step ${accuracyAt}`;
    case "saving":
      return `${arm} costs ${atLeast}${percent} less than ${baseline}`;
    case "teacherShare":
      return `${arm} does without a teacher on ${atLeast}${percent} of prompt visits`;
    case "interaction":
      return `the gain in accuracy over ${baseline} grows with the overlap of errors`;
  }
}

/** What a falsifier came to: it fires unless the claim that would refute it is supported. */
export function outcome({ kind, verdict }: ClaimResult): string {
  if (kind !== "falsifier") return verdict;
  return verdict === "supported" ? "does not fire" : "fires";
}

/** Heads and rows of the table of claims. */
export function claimTable(result: StudyResult): { head: string[]; rows: string[][] } {
  return {
    head: ["claim", "kind", "claimed", "estimate [95% interval]", "p", "seeds", "verdict"],
    rows: result.claims.map((c) => [
      statement(c, result.accuracyAt),
      c.kind,
      c.target === 0 ? "> 0" : figure(c.target),
      withInterval({ mean: c.estimate, low: c.low, high: c.high }),
      c.p < 0.001 ? "< .001" : c.p.toFixed(3),
      String(c.seeds),
      outcome(c),
    ]),
  };
}

/** A Markdown table. */
export function markdownTable({ head, rows }: { head: string[]; rows: string[][] }): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The table of arms, as Markdown. */
export function summaryTable(result: StudyResult): string {
  return markdownTable(armTable(result));
}

/** One line for each claim. */
export function claimLines(result: StudyResult): string[] {
  return result.claims.map((c) => {
    const estimate = withInterval({ mean: c.estimate, low: c.low, high: c.high });
    const claimed = c.target === 0 ? "" : `, claimed ${figure(c.target)}`;
    return `${outcome(c)}: ${statement(c, result.accuracyAt)} (${estimate}${claimed}, ${c.seeds} seeds)`;
  });
}

/** How the numbers are to be read: the same under every table. */
export const reading: readonly string[] = [
  "Steps to the target are restricted means (Kaplan-Meier; a run that never arrives counts as all steps); intervals are 95% percentile bootstraps over seeds, 10,000 resamples, paired by seed; p-values of primary claims are adjusted by Holm.",
  "Supported: the interval lies above 0 and the estimate is at least what is claimed. Not supported: the whole interval lies below it. Undecided: anything else, and fewer than five seeds. A falsifier fires unless the claim beside it is supported.",
  "Learning rates, where tuned, were chosen on the validation split and on seeds that are not reported; accuracies are of the test split.",
];
