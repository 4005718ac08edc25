/** A study: arms that differ in one thing, over seeds, with the claims named before it is run. */
import type { ConfigInput } from "../../config/config.js";
import type { Preset } from "../../students/presets/preset.js";
import { ErrataError } from "../../util/error.js";

/** What an arm is in the comparison. */
export const families = [
  "errata",
  "ablation",
  "weak-free",
  "control",
  "teacher-only",
  "preference",
  "dose",
] as const;
/** One of {@link families}. */
export type Family = (typeof families)[number];

/** What students take in: the text of a prompt, or symbols of an environment's lexicon. */
export type Students = "text" | "symbols";

/** One way to train the same student: a name, what it is, and its configuration over the preset's. */
export interface Arm {
  readonly name: string;
  readonly family: Family;
  readonly description: string;
  /** The paper it follows: an arXiv id or a URL. */
  readonly source?: string;
  readonly config: ConfigInput;
  /** Set where the arm means something for students that read text alone. */
  readonly students?: "text";
  /** Share of the weak models' mistakes that are the student's, in [0, 1], where a study varies it. */
  readonly dose?: number;
}

/**
 * What is estimated, of an arm a against a baseline b, always so that more is better for a:
 *
 *     steps        1 - RMST_a / RMST_b: share of steps to the target saved
 *     flops        1 - the same ratio with FLOPs, all roles but evaluation, in place of steps
 *     accuracy     mean accuracy_a - accuracy_b at `accuracyAt` steps
 *     saving       1 - s (1 + f k + w) / (1 + k) at teacher cost k (see {@link impliedSaving})
 *     teacherShare 1 - the share of prompt visits in which a's teacher took part; no baseline
 *     interaction  growth of the gain in accuracy over b from dose 0 to dose 1; a is every dosed arm
 *     passAt64     pass@64_a - pass@64_b on test tasks after training
 *     inverted     accuracy_a - accuracy_b after training, on test tasks where the injected bug is right
 *
 * The baseline of the last two may be {@link untrained}.
 */
export const measures = [
  "steps",
  "flops",
  "accuracy",
  "saving",
  "teacherShare",
  "interaction",
  "passAt64",
  "inverted",
] as const;
/** One of {@link measures}. */
export type Measure = (typeof measures)[number];

/** Measures of what a student can do after training: they need its weights, not its curve. */
export const abilityMeasures: readonly Measure[] = ["passAt64", "inverted"];

/** Names the student before training, as the baseline of an ability. */
export const untrained = "base";

/** Names of the falsifiers, in the order they are reported. */
export const falsifierNames = [
  "own-mistakes",
  "unrelated-mistakes",
  "plain-exploration",
  "random-reward",
  "no-overlap",
  "total-cost",
  "negative-transfer",
  "sharpening",
] as const;
/** One of {@link falsifierNames}. */
export type FalsifierName = (typeof falsifierNames)[number];

/** A statement that the study may support. */
export interface Claim {
  readonly name: string;
  readonly measure: Measure;
  readonly arm: string;
  readonly baseline: string;
  /**
   * The number claimed: 0.33 for a third fewer steps. 0 claims that the arm is better at all, a negative
   * number that it is not worse by more than that.
   */
  readonly target: number;
  /**
   * `primary` claims are tested together (Holm); a `falsifier` fires unless its claim is supported;
   * `secondary` ones are reported alone.
   */
  readonly kind: "primary" | "secondary" | "falsifier";
  /** Which of {@link falsifierNames} it asks; alone, a falsifier of its own. */
  readonly falsifier?: FalsifierName;
}

/**
 * A loss of less than this is no loss: the margin of claims that something does not get worse, in points of
 * accuracy (a test of non-inferiority).
 */
export const margin = 0.05;

/** Marks claims as asking a falsifier. */
export function asking(falsifier: FalsifierName, claims: readonly Claim[]): Claim[] {
  return claims.map((claim) => ({ ...claim, kind: "falsifier", falsifier }));
}

/** What a study file exports. */
export interface StudyInput {
  readonly name: string;
  /** A preset's name: domain, base student, weak partners. */
  readonly domain: string;
  readonly description?: string;
  /** For all arms, over the preset's. */
  readonly config?: ConfigInput;
  readonly arms: readonly Arm[];
  readonly claims: readonly Claim[];
  /** Seeds reported. Default 10 from 1000. */
  readonly seeds?: { readonly first: number; readonly count: number };
  /**
   * Learning rates that every arm is tuned over, on the `validation` split and on seeds that are
   * never reported; 2 from 100 by default. Default rates: 1/4, 1/2, 1 and 2 times the preset's.
   */
  readonly tuning?: {
    readonly rates?: readonly number[];
    readonly first?: number;
    readonly count?: number;
  };
  /** Accuracy whose steps are counted. Default 0.8. */
  readonly target?: number;
  /** Steps at which accuracies are compared at equal student compute. Default: a fifth of all. */
  readonly accuracyAt?: number;
  /** Teacher cost per teacher-only step relative to the student's: k of the cost claim. Default 1.1. */
  readonly teacherCost?: number;
  /** Test tasks that abilities after training are measured on, where a claim is about them. Default 128. */
  readonly abilityTasks?: number;
}

/**
 * Types a study file, and checks that its claims are about its arms; returns its argument.
 * @throws ErrataError `STUDY_INVALID`.
 */
export function defineStudy(study: StudyInput): StudyInput {
  const names = study.arms.map((a) => a.name);
  const problems = [
    ...(/^[\w-]+$/.test(study.name) ? [] : [`name ${JSON.stringify(study.name)} is not one word`]),
    ...(names.length === 0 ? ["it has no arms"] : []),
    ...repeated(names).map((name) => `two arms are called "${name}"`),
    ...repeated(study.claims.map((c) => c.name)).map((name) => `two claims are called "${name}"`),
    ...study.claims.flatMap(({ name, arm, baseline, measure }) =>
      [arm, baseline]
        .filter((of, i) => !names.includes(of) && !(i === 1 && isUntrained({ baseline, measure })))
        .map((of) => `claim "${name}" is about "${of}", which is no arm`),
    ),
    ...overlap(study).map((seed) => `seed ${seed} is both tuned on and reported`),
  ];
  if (problems.length === 0) return study;
  throw new ErrataError(`study ${study.name} is not valid:\n  ${problems.join("\n  ")}`, {
    code: "STUDY_INVALID",
    hint: `its arms are ${names.join(", ")}`,
  });
}

/** What the students of a preset take in. */
export function studentsOf({ playedIn, environment }: Preset): Students {
  return (playedIn ?? environment)().lexicon === undefined ? "text" : "symbols";
}

/** The refusal of an arm that a domain's students cannot run. */
export function needsText(arm: string, domain: string): ErrataError {
  return new ErrataError(
    `arm "${arm}" needs students that read text; those of "${domain}" read symbols`,
    {
      code: "STUDY_ARM",
      hint: "leave it out, or train an open model in an environment without a lexicon: --set environment=gsm8k student.checkpoint=<folder or hub id>",
    },
  );
}

/** Whether a claim compares an ability with that of the student before training. */
export function isUntrained({ baseline, measure }: Pick<Claim, "baseline" | "measure">): boolean {
  return baseline === untrained && abilityMeasures.includes(measure);
}

/** Arms whose abilities a study's claims are about. */
export function armsWithAbilities(claims: readonly Claim[]): ReadonlySet<string> {
  return new Set(
    claims
      .filter((c) => abilityMeasures.includes(c.measure))
      .flatMap((c) => (isUntrained(c) ? [c.arm] : [c.arm, c.baseline])),
  );
}

/** Defaults of a study's seeds. */
export const defaultSeeds: {
  readonly report: { readonly first: number; readonly count: number };
  readonly tuning: { readonly first: number; readonly count: number };
} = { report: { first: 1000, count: 10 }, tuning: { first: 100, count: 2 } };

/** `count` seeds from `first`. */
export function seedList({ first, count }: { first: number; count: number }): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

function overlap({ seeds, tuning }: StudyInput): number[] {
  const tuned = seedList({ ...defaultSeeds.tuning, ...tuning });
  return seedList({ ...defaultSeeds.report, ...seeds }).filter((seed) => tuned.includes(seed));
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
}
