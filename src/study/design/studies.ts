/** The studies that come with Errata, for every domain. */
import { renamedArms } from "../../config/renamed.js";
import { ErrataError } from "../../util/error.js";
import { presetNamed } from "../../students/presets/presets.js";
import type { Preset } from "../../students/presets/presets.js";
import { nearest } from "../../util/spelling.js";
import {
  ablations,
  controls,
  dosed,
  ours,
  oursWithTeacher,
  unfitted,
  evidences,
  pastSelfWithTeacher,
  preference,
  studyArms,
  weakFree,
} from "./arms.js";
import {
  asking,
  defineStudy,
  isUntrained,
  margin,
  untrained,
  needsText,
  studentsOf,
  type Arm,
  type Claim,
  type Students,
  type StudyInput,
} from "./study.js";
import { teacherOnlyArms } from "./teacher-arms.js";

/** What the mission promises: a third fewer steps, 14 points, 60% lower cost, 15% of teacher calls. */
export const mission = { steps: 0.33, accuracy: 0.14, saving: 0.6, teacherShare: 0.15 } as const;

/** Teacher-only baselines named before any run: a teacher that is right at 80 to 90% of tasks. */
export const primaryBaselines = ["hint-grpo-imperfect", "luffy-imperfect"] as const;

/** Names of the studies. */
export const studyNames = [
  "steps",
  "overlap",
  "cost",
  "ablation",
  "falsifiers",
  "experts",
  "unlabelled",
] as const;
/** One of {@link studyNames}. */
export type StudyName = (typeof studyNames)[number];

/**
 * What partners that steer as they are should save where verdicts are right or wrong alone: of GRPO's steps and
 * FLOPs, and of the steps of those that know nothing of mistakes.
 */
const unlabelledSaves = { steps: 0.4, flops: 0.15, overPastSelf: 0.15 } as const;

/** Share of GRPO's steps that an expert with the student's own error should save, at least. */
const matchingSaves = 0.4;

type Parts = Pick<StudyInput, "description" | "arms" | "claims" | "tuning" | "config">;

const named = (arms: readonly Arm[], ...names: readonly string[]): Arm[] =>
  arms.filter((a) => names.includes(a.name));

/** "errata needs fewer steps than b", or another measure; claims on absent arms are left out. */
function claims(
  kind: Claim["kind"],
  measure: Claim["measure"],
  target: number,
  arms: readonly Arm[],
  baselines: readonly string[],
  arm: string = ours.name,
): Claim[] {
  const known = new Set(arms.map((a) => a.name));
  return baselines
    .filter((baseline) => known.has(baseline) && known.has(arm) && baseline !== arm)
    .map((baseline) => ({
      name: `${arm} ${measure} vs ${baseline}`,
      measure,
      arm,
      baseline,
      target,
      kind,
    }));
}

function stepsStudy(preset: Preset): Parts {
  const arms = [
    ours,
    oursWithTeacher,
    ...unfitted(preset),
    ...evidences(preset),
    ...weakFree,
    preference,
    ...teacherOnlyArms,
  ];
  return {
    description: "steps to the target against teacher-only and weak-free training",
    arms,
    claims: [
      ...claims("primary", "steps", mission.steps, arms, primaryBaselines),
      ...claims("primary", "steps", 0, arms, ["self-experts"]),
      ...claims(
        "secondary",
        "steps",
        mission.steps,
        arms,
        ["grpo", ...primaryBaselines],
        oursWithTeacher.name,
      ),
      ...claims(
        "secondary",
        "steps",
        mission.steps,
        arms,
        arms
          .filter((a) => a.family !== "errata" && a.name !== "self-experts" && !isPrimary(a.name))
          .map((a) => a.name),
      ),
    ],
  };
}

const isPrimary = (name: string): boolean => primaryBaselines.some((baseline) => baseline === name);

function overlapStudy(preset: Preset): Parts {
  const levels = dosed(preset);
  const arms = [...named(weakFree, "grpo", "self-experts"), ...levels];
  const full = levels.at(-1)?.name ?? "";
  const none = levels[0]?.name ?? "";
  return {
    description: "accuracy at equal student compute as weak errors overlap more with the student's",
    arms,
    claims: [
      ...claims("primary", "accuracy", mission.accuracy, arms, ["grpo"], full),
      ...claims("primary", "interaction", 0, arms, ["grpo"], full),
      ...claims("secondary", "accuracy", 0, arms, [none, "self-experts"], full),
    ],
  };
}

function costStudy(): Parts {
  const own = oursWithTeacher.name;
  const frugal = [pastSelfWithTeacher.name, "past-self-charge"];
  const arms = [
    oursWithTeacher,
    ours,
    pastSelfWithTeacher,
    ...named(weakFree, "grpo", "self-experts", "past-self-charge"),
    ...teacherOnlyArms,
  ];
  const share = claims("primary", "teacherShare", 1 - mission.teacherShare, arms, ["grpo"], own);
  return {
    description: "saving against teacher-only training as a curve in the teacher's cost",
    arms,
    claims: [
      ...claims("primary", "saving", mission.saving, arms, primaryBaselines, own),
      ...share.map((claim) => ({ ...claim, name: `${own} prompt visits without a teacher` })),
      ...[ours.name, ...frugal].flatMap((arm) => [
        ...claims("secondary", "saving", mission.saving, arms, primaryBaselines, arm),
        ...(arm === ours.name ? [] : claims("secondary", "flops", 0, arms, ["grpo"], arm)),
      ]),
      ...claims("secondary", "flops", 0, arms, ["grpo", "self-experts", ...primaryBaselines], own),
    ],
  };
}

function ablationStudy(preset: Preset): Parts {
  const arms = [ours, ...named(weakFree, "grpo"), ...ablations(preset)];
  return {
    description: "ours minus one mechanism each",
    arms,
    claims: claims(
      "secondary",
      "steps",
      0,
      arms,
      arms.map((a) => a.name),
    ),
  };
}

function falsifierStudy(preset: Preset): Parts {
  const levels = named(dosed(preset), "overlap-0", "overlap-1");
  const rivals = ["grpo", "self-consensus", "self-experts", "temperature", "new-answers"];
  const arms = [ours, ...named(weakFree, ...rivals, "past-self"), ...controls(preset), ...levels];
  const steps = (...baselines: readonly string[]): Claim[] =>
    claims("falsifier", "steps", 0, arms, baselines);
  const kept = (measure: Claim["measure"], baseline: string, kind: Claim["kind"]): Claim => ({
    name: `${ours.name} ${measure} vs ${baseline}`,
    measure,
    arm: ours.name,
    baseline,
    target: -margin,
    kind,
  });
  const losses = preset.bug === undefined ? [] : (["inverted"] as const);
  return {
    description: "what would show that weak errors are not the active ingredient",
    arms,
    claims: [
      ...asking("own-mistakes", steps("self-experts", "self-consensus", "past-self")),
      ...asking("unrelated-mistakes", steps("shuffled-weak", "irrelevant-weak", "random-expert")),
      ...asking("plain-exploration", steps("temperature", "new-answers")),
      ...asking("random-reward", steps("random-reward")),
      ...asking(
        "no-overlap",
        claims("falsifier", "interaction", 0, arms, ["grpo"], levels.at(-1)?.name ?? ""),
      ),
      ...asking("total-cost", claims("falsifier", "flops", 0, arms, ["grpo"])),
      ...losses.flatMap((measure) =>
        asking("negative-transfer", [kept(measure, untrained, "falsifier")]),
      ),
      ...asking("sharpening", [kept("passAt64", untrained, "falsifier")]),
      ...claims("secondary", "steps", 0, arms, ["grpo"]),
      ...[...losses, "passAt64" as const].map((measure) => kept(measure, "grpo", "secondary")),
    ],
  };
}

function expertStudy(preset: Preset): Parts {
  const arms = studyArms(preset).filter((a) => a.name !== "charge" && a.name !== ours.name);
  const others = arms.map((a) => a.name).filter((name) => name !== "grpo");
  return {
    description: "steered away from which mistakes: the student's error, others, all in one expert",
    arms,
    claims: [
      ...claims("primary", "steps", matchingSaves, arms, ["grpo"], "matching"),
      ...others.flatMap((arm) =>
        claims("secondary", "steps", 0, arms, arm === "matching" ? others : ["grpo"], arm),
      ),
    ],
    tuning: { count: 4 },
  };
}

function unlabelledStudy(preset: Preset): Parts {
  const rivals = ["grpo", "flat", "past-self"];
  const arms = [
    ...unfitted(preset).filter((a) => a.name !== "weak-charge"),
    ...named(weakFree, ...rivals),
    ...named(teacherOnlyArms, ...primaryBaselines),
  ];
  const { steps, flops, overPastSelf } = unlabelledSaves;
  const saved = (kind: Claim["kind"], arm: string): Claim[] => [
    ...claims(kind, "steps", steps, arms, ["grpo"], arm),
    ...claims(kind, "steps", overPastSelf, arms, ["past-self", "flat"], arm),
    ...claims(kind, "flops", flops, arms, ["grpo"], arm),
    ...claims(kind, "steps", mission.steps, arms, primaryBaselines, arm),
  ];
  return {
    description: "whose mistakes should steer, where a verdict is right or wrong alone",
    config: { labels: "outcome" },
    arms,
    claims: [
      ...saved("primary", "auto"),
      ...saved("secondary", "weak"),
      ...claims("secondary", "steps", 0, arms, ["weak"], "auto"),
      ...claims("secondary", "steps", -margin, arms, ["grpo"], "auto-other"),
    ],
  };
}

const parts: Readonly<Record<StudyName, (preset: Preset) => Parts>> = {
  steps: stepsStudy,
  overlap: overlapStudy,
  cost: costStudy,
  ablation: ablationStudy,
  falsifiers: falsifierStudy,
  experts: expertStudy,
  unlabelled: unlabelledStudy,
};

/** Arms of `--quick`, as far as the study has them: enough for its primary claims. */
const quickArms: Readonly<Record<StudyName, readonly string[]>> = {
  steps: [ours.name, "grpo", "self-experts", ...primaryBaselines],
  overlap: ["grpo", "overlap-0", "overlap-0.5", "overlap-1"],
  cost: [oursWithTeacher.name, ours.name, "grpo", ...primaryBaselines],
  ablation: [ours.name, "grpo", "no-explorer", "no-weak", "pooled"],
  falsifiers: [
    ours.name,
    "grpo",
    "self-experts",
    "shuffled-weak",
    "temperature",
    "random-reward",
    "overlap-0",
    "overlap-1",
  ],
  experts: ["grpo", "matching", "pooled"],
  unlabelled: ["auto", "grpo", "past-self", "flat", ...primaryBaselines],
};

/** Steps at which accuracies are compared: about where plain GRPO is half-way on tuning seeds. */
const halfway: Readonly<Record<string, number>> = {
  arithmetic: 10,
  "arithmetic-mixture": 18,
  code: 12,
  "code-entrenched": 8,
  proof: 8,
  "proof-forks": 12,
};

/**
 * A study of a domain, of the arms that its students can run: the preset's, or those that `students` says.
 * @throws ErrataError `STUDY_UNKNOWN`, `PRESET_UNKNOWN`, `STUDY_INVALID`.
 */
export function studyNamed(
  name: string,
  domain: string,
  options: { readonly quick?: boolean; readonly students?: Students } = {},
): StudyInput {
  const known = studyNames.find((study) => study === name);
  if (known === undefined) {
    const guess = nearest(name, studyNames);
    throw new ErrataError(`there is no study "${name}"`, {
      code: "STUDY_UNKNOWN",
      hint: `${guess === undefined ? "" : `did you mean "${guess}"? `}known: ${studyNames.join(", ")}; or the path of a study file`,
    });
  }
  const preset = presetNamed(domain);
  const { description = "", arms, claims: all, tuning = {}, config } = parts[known](preset);
  const { quick = false, students = studentsOf(preset) } = options;
  const accuracyAt = halfway[domain];
  const study: StudyInput = {
    name,
    domain,
    description,
    arms,
    claims: all,
    tuning,
    ...(config === undefined ? {} : { config }),
    ...(accuracyAt === undefined ? {} : { accuracyAt }),
  };
  const fitting = onlyArms(study, fittingArms(arms, students));
  return defineStudy(quick ? onlyArms(fitting, quickArms[known]) : fitting);
}

/** The study of `errata study`: a handful of arms against plain GRPO. */
export function armStudy(domain: string, seeds: { first: number; count: number }): StudyInput {
  const arms = studyArms(presetNamed(domain));
  return defineStudy({
    name: "arms",
    domain,
    description: "a handful of arms against plain GRPO, at the preset's learning rate",
    arms,
    claims: arms.flatMap((a) => claims("secondary", "steps", 0, arms, ["grpo"], a.name)),
    seeds,
    // Nothing is tuned: no seed is kept for it.
    tuning: { count: 0 },
  });
}

/** Names of the arms that such students can run. */
function fittingArms(arms: readonly Arm[], students: Students): string[] {
  return arms.filter((a) => a.students === undefined || a.students === students).map((a) => a.name);
}

/**
 * The study with only these arms, and only the claims about them.
 * @throws ErrataError `STUDY_ARM` on a name it has not; in `--quick` lists absent arms are left out.
 */
export function onlyArms(study: StudyInput, names: readonly string[]): StudyInput {
  const arms = study.arms.filter((a) => names.includes(a.name));
  const kept = new Set(arms.map((a) => a.name));
  const claimed = study.claims.filter(
    (c) => kept.has(c.arm) && (kept.has(c.baseline) || isUntrained(c)),
  );
  return { ...study, arms, claims: claimed };
}

/**
 * Makes sure that a study has all of these arms.
 * @throws ErrataError `STUDY_ARM`.
 */
export function requireArms(study: StudyInput, names: readonly string[]): void {
  const known = study.arms.map((a) => a.name);
  const missing = names.find((name) => !known.includes(name));
  if (missing === undefined) return;
  if (weakFree.some((a) => a.name === missing && a.students === "text"))
    throw needsText(missing, study.domain);
  const now = renamedArms.get(missing);
  throw new ErrataError(`the study has no arm "${missing}"`, {
    code: "STUDY_ARM",
    hint: `${now === undefined ? "" : `it is now called "${now}"; `}known: ${known.join(", ")}`,
  });
}
