/** What a study found, in words and tables. */
import type { GateCheck, GateReport } from "../../assess/gate.js";
import type { ClaimResult, Verdict } from "../verdict/claims.js";
import { outcomeOf, type Outcome } from "../verdict/falsifiers.js";
import type { Shift, StudyResult } from "../verdict/result.js";
import { untrained } from "../design/study.js";
import { figure, markdownTable, withCensoring, withInterval, type Table } from "./format.js";

/** Heads and rows of the table of arms. */
export function armTable(result: StudyResult): Table {
  const target = `${result.target * 100}%`;
  return {
    head: [
      "arm",
      "kind",
      "seeds",
      "rate",
      "steps to 50%",
      `steps to ${target}`,
      "reached",
      `accuracy at step ${result.accuracyAt}`,
      "final accuracy",
      "teacher share",
      "overhead w",
      "GFLOP",
      `GFLOP to ${target}`,
      "stuck rescued: steered / on-policy",
    ],
    rows: result.arms.map((a) => [
      a.name,
      a.family,
      String(a.seeds),
      a.learningRate.toPrecision(2),
      withCensoring(a.stepsTo50),
      withCensoring(a.stepsTo80),
      `${a.reached}/${a.seeds}${a.diverged > 0 ? `, ${a.diverged} diverged` : ""}`,
      withInterval(a.accuracy),
      withInterval(a.finalAccuracy),
      figure(a.teacherShare),
      figure(a.overhead),
      figure(a.flops / 1e9),
      withCensoring(a.flopsTo80, 1e9),
      `${share(a.rescuedSteered)} / ${share(a.rescuedOnPolicy)}`,
    ]),
  };
}

const points = (x: number): number => Math.round(x * 100);

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
    case "passAt64":
    case "inverted": {
      const before = baseline === untrained;
      const [own, other] =
        measure === "passAt64"
          ? [`pass@64 of ${arm} is`, before ? "before training" : `that of ${baseline}`]
          : [`${arm} is, where the bug is right,`, before ? "before training" : baseline];
      const [higher, lower] =
        measure === "passAt64" ? ["higher", "lower"] : ["more accurate", "less accurate"];
      if (target < 0) return `${own} at most ${points(-target)} points ${lower} than ${other}`;
      return `${own} ${target === 0 ? "" : `at least ${points(target)} points `}${higher} than ${other}`;
    }
  }
}

/** A claim's verdict; of a falsifier, whether it fired. */
export function outcome(claim: ClaimResult): Outcome | Verdict {
  return claim.kind === "falsifier" ? outcomeOf(claim) : claim.verdict;
}

/** Heads and rows of the table of falsifiers; no rows where the study asks none. */
export function falsifierTable(result: StudyResult): Table {
  const claimOf = (name: string | null) => result.claims.find((c) => c.name === name);
  return {
    head: ["falsifier", "outcome", "what would be true", "decided by", "estimate [95% interval]"],
    rows: result.falsifiers.map((f) => {
      const claim = claimOf(f.claim);
      return [
        f.name,
        f.outcome,
        f.statement,
        claim === undefined ? "no arm of this study asks it" : statement(claim, result.accuracyAt),
        withInterval({ mean: f.estimate, low: f.low, high: f.high }),
      ];
    }),
  };
}

/** How many falsifiers fired, in one sentence. */
export function falsifierSentence({ falsifiers }: StudyResult): string {
  const count = (of: Outcome): number => falsifiers.filter((f) => f.outcome === of).length;
  return `Of ${falsifiers.length} falsifiers, ${count("fired")} fired, ${count("did not fire")} did not and ${count("undecided")} are undecided.`;
}

/** Heads and rows of what students can do before and after training; no rows where not measured. */
export function abilityTable(result: StudyResult): Table {
  const cell = (value: Shift | null): string =>
    value === null ? "-" : `${figure(value.before)} to ${withInterval(value.after)}`;
  return {
    head: ["arm", "pass@1", "pass@64", "accuracy where the bug is right"],
    rows: result.arms.flatMap(({ name, ability }) =>
      ability === null
        ? []
        : [[name, cell(ability.passAt1), cell(ability.passAt64), cell(ability.inverted)]],
    ),
  };
}

/** A claim's estimate; where there is no ratio, how many runs arrived. */
export function claimEstimate({ estimate, low, high, arrived, seeds }: ClaimResult): string {
  if (!Number.isNaN(estimate)) return withInterval({ mean: estimate, low, high });
  if (arrived === undefined) return "-";
  return `no ratio: ${arrived.arm} of ${seeds} runs arrive, ${arrived.baseline} of the baseline's`;
}

/** Heads and rows of the table of claims. */
export function claimTable(result: StudyResult): Table {
  return {
    head: ["claim", "kind", "claimed", "estimate [95% interval]", "p", "seeds", "verdict"],
    rows: result.claims.map((c) => [
      statement(c, result.accuracyAt),
      c.kind,
      c.target === 0 ? "> 0" : c.target < 0 ? `> ${figure(c.target)}` : figure(c.target),
      claimEstimate(c),
      c.p < 0.001 ? "< .001" : c.p.toFixed(3),
      String(c.seeds),
      outcome(c),
    ]),
  };
}

/** What an interval is compared with, in words: nothing where only "better at all" is claimed. */
export function claimed({ target }: ClaimResult): string {
  if (target === 0) return "";
  return target < 0 ? `, margin ${figure(-target)}` : `, claimed ${figure(target)}`;
}

/** Heads and rows of the domain's gate. */
export function gateTable({ checks }: GateReport): Table {
  const range = ({ least, most }: GateCheck): string =>
    most === Infinity || most === 1
      ? `at least ${figure(least)}`
      : `${figure(least)} to ${figure(most)}`;
  return {
    head: ["check", "value [95% interval]", "range", "outcome", "meaning"],
    rows: checks.map((c) => [
      c.name,
      withInterval({ mean: c.value, ...c.interval }),
      range(c),
      c.outcome,
      c.meaning,
    ]),
  };
}

/** The gate in one sentence. */
export function gateSentence({ tasks, outcome: of, passed }: GateReport): string {
  const measured = `On ${tasks} validation tasks, before any training, the gate`;
  if (of === "undecided")
    return `${measured} is undecided: it ${passed ? "passes" : "fails"}, and an interval crosses a bound.`;
  return of === "pass"
    ? `${measured} passes: learning from weak models' mistakes can help here.`
    : `${measured} fails: expect no gain over plain GRPO here.`;
}

/** Heads and rows of the learning rates tried; no rows where rates were fixed beforehand. */
export function rateTable(result: StudyResult): Table {
  return {
    head: ["arm", "rate", "steps to target", "mean accuracy", ""],
    rows: result.rates.flatMap((r) =>
      r.tried.map((t) => [
        r.arm,
        String(t.learningRate),
        figure(t.steps),
        figure(t.accuracy),
        t.learningRate === r.learningRate ? "chosen" : "",
      ]),
    ),
  };
}

/** The table of arms, as Markdown. */
export function summaryTable(result: StudyResult): string {
  return markdownTable(armTable(result));
}

/** What came out, in words: every primary claim by its verdict, or who was ahead where nothing was claimed. */
export function lead(result: StudyResult): string {
  const primary = result.claims.filter(({ kind }) => kind === "primary");
  if (primary.length === 0) {
    const [first, second] = result.arms.toSorted(
      (a, b) => b.finalAccuracy.mean - a.finalAccuracy.mean,
    );
    if (first === undefined || second === undefined) return "Nothing was compared.";
    const apart = first.finalAccuracy.low > second.finalAccuracy.high;
    const shown = (arm: typeof first): string =>
      `${arm.name} (${Math.round(arm.finalAccuracy.mean * 100)}%)`;
    return `${shown(first)} ends most accurate, before ${shown(second)}; ${apart ? "their intervals do not overlap" : "their intervals overlap"}. Nothing was claimed beforehand.`;
  }
  const verdicts = ["supported", "not supported", "undecided"] as const;
  return verdicts
    .flatMap((verdict) => {
      const own = primary.filter((claim) => outcome(claim) === verdict);
      const said = own.map((claim) => statement(claim, result.accuracyAt)).join("; ");
      const word = `${verdict[0]!.toUpperCase()}${verdict.slice(1)}`;
      return own.length === 0
        ? []
        : [`${word} (${own.length} of ${primary.length} claims): ${said}.`];
    })
    .join(" ");
}

/** One line for each claim. */
export function claimLines(result: StudyResult): string[] {
  return result.claims.map((c): string => {
    return `${outcome(c)}: ${statement(c, result.accuracyAt)} (${claimEstimate(c)}${claimed(c)}, ${c.seeds} seeds)`;
  });
}

/** One line for each falsifier. */
export function falsifierLines(result: StudyResult): string[] {
  return result.falsifiers.map(({ name, outcome: of, statement: says, claim, ...f }) =>
    claim === null
      ? `falsifier ${name} ${of}: no arm of this study asks it`
      : `falsifier ${name} ${of}: ${says} (${withInterval({ mean: f.estimate, low: f.low, high: f.high })}, by ${claim})`,
  );
}

/** How the numbers are to be read: the same under every table. */
export const reading: readonly string[] = [
  "Steps to the target are restricted means (Kaplan-Meier; a run that never arrives counts as all steps; > N: none arrived in N steps); intervals are 95% bootstraps over seeds, 10,000 resamples, paired by seed, their percentiles moved outwards for few seeds (arXiv:1411.5279); p-values of primary claims are adjusted by Holm.",
  "Supported: the interval lies above 0, p is below .05 after adjustment, and the estimate is at least what is claimed. Not supported: the whole interval lies below it, or, of steps, FLOPs and savings, fewer than half of the arm's runs arrive where half of the baseline's do. Undecided: anything else, fewer than five seeds, and fewer than half of the baseline's runs arriving. Of a claim that nothing is lost (claimed below 0), supported: the interval lies above the margin; not supported: it lies below 0.",
  "A falsifier fired unless the claim that decides it is supported: an interval that includes no gain is no gain. It is undecided with fewer than five seeds, where nothing was measured, and where a claim that nothing is lost is undecided.",
  "Learning rates, where tuned, were chosen on the validation split and on seeds that are not reported; accuracies are of the test split.",
];
