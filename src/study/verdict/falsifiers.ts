/**
 * What would show that the method does not work as it says. Each falsifier is asked by one or more claims of
 * a study, named before it is run; the claim is what must hold for the falsifier not to fire.
 */
import { fewestSeeds, type ClaimResult } from "./claims.js";
import { falsifierNames, type FalsifierName } from "../design/study.js";

/** What is true of the method where a falsifier fires. */
export const falsifierStatements: Readonly<Record<FalsifierName, string>> = {
  "own-mistakes": "the student's own mistakes do as well: weaker models are not what helps",
  "unrelated-mistakes": "mistakes of another kind, or shuffled ones, do as well",
  "plain-exploration": "sampling hotter, or for new answers, does as well",
  "random-reward": "rewards by coin flips do as well",
  "no-overlap": "the gain does not grow with the overlap of errors",
  "total-cost": "the gain vanishes where plain GRPO gets all of the FLOPs",
  "negative-transfer": "training makes the student worse where its error is right",
  sharpening: "training sharpens what was likely already: pass@64 falls",
};

/** What became of a falsifier. */
export type Outcome = "fired" | "did not fire" | "undecided";

/** A falsifier with its answer. */
export interface FalsifierResult {
  readonly name: string;
  readonly statement: string;
  readonly outcome: Outcome;
  /** Of the claim that decides it: the one with the lowest lower end. NaN where nothing asks it. */
  readonly estimate: number;
  /** 95% interval, bootstrap over seeds. */
  readonly low: number;
  readonly high: number;
  /** The deciding claim, and every claim that asks; none where the study has no arm for it. */
  readonly claim: string | null;
  readonly claims: readonly string[];
}

/**
 * What a falsifying claim came to:
 *
 *     did not fire  the claim is supported
 *     undecided     fewer than {@link fewestSeeds} seeds, nothing measured, or, of a claim that nothing is
 *                   lost, an interval that reaches both below the margin and above 0
 *     fired         anything else: an interval that includes no gain is no gain
 */
export function outcomeOf({ verdict, seeds, estimate, target }: ClaimResult): Outcome {
  if (verdict === "supported") return "did not fire";
  if (seeds < fewestSeeds) return "undecided";
  if (verdict === "undecided" && Number.isNaN(estimate)) return "undecided";
  return target < 0 && verdict === "undecided" ? "undecided" : "fired";
}

/**
 * Every falsifier with its outcome, of a study that has any: fired where any of its claims fired, else
 * undecided where any is or where none asks.
 */
export function judgeFalsifiers(claims: readonly ClaimResult[]): FalsifierResult[] {
  const asked = claims.filter((c) => c.kind === "falsifier");
  if (asked.length === 0) return [];
  const own = asked.filter((c) => c.falsifier === undefined).map((c) => c.name);
  const standard = asked.some((c) => c.falsifier !== undefined) ? falsifierNames : [];
  return [
    ...standard.map((name) =>
      judge(
        name,
        falsifierStatements[name],
        asked.filter((c) => c.falsifier === name),
      ),
    ),
    ...own.map((name) =>
      judge(
        name,
        `not: ${name}`,
        asked.filter((c) => c.name === name),
      ),
    ),
  ];
}

function judge(name: string, statement: string, claims: readonly ClaimResult[]): FalsifierResult {
  const outcomes = claims.map(outcomeOf);
  const outcome = outcomes.includes("fired")
    ? "fired"
    : outcomes.includes("undecided") || claims.length === 0
      ? "undecided"
      : "did not fire";
  const worst = claims
    .filter((c) => outcomeOf(c) === outcome)
    .toSorted((a, b) => a.low - a.target - (b.low - b.target))[0];
  const { estimate = Number.NaN, low = Number.NaN, high = Number.NaN } = worst ?? {};
  return {
    name,
    statement,
    outcome,
    estimate,
    low,
    high,
    claim: worst?.name ?? null,
    claims: claims.map((c) => c.name),
  };
}
