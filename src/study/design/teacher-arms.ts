/**
 * Teacher-only baselines: no weak model, no explorer, a teacher at every prompt visit. `perfect` is
 * always right; `imperfect` is right at {@link imperfectAccuracy} of the tasks.
 */
import type { ConfigInput } from "../../config/config.js";
import { grpo } from "../../config/defaults.js";
import { mergeConfig } from "../../config/merge.js";
import type { Arm } from "./study.js";

/** Share of tasks an imperfect teacher solves right. */
export const imperfectAccuracy = 0.85;

/** At every visit to the end: a teacher that is neither rationed nor retired. */
const always = { cap: 1, when: "always", after: 0, decayUntil: "never" } as const;

function solver(accuracy: number, form: "hint" | "trace", more: ConfigInput = {}): ConfigInput {
  const teacher = { source: "solver", accuracy, form, ...always } as const;
  return mergeConfig(mergeConfig(grpo, { teacher }), more);
}

function bySolver(
  name: string,
  description: string,
  source: string,
  config: (accuracy: number) => ConfigInput,
): Arm[] {
  const arm = (teacher: string, accuracy: number): Arm => ({
    name: `${name}-${teacher}`,
    family: "teacher-only",
    description: `${description}; the teacher is right at ${accuracy * 100}% of tasks`,
    source,
    config: config(accuracy),
  });
  return [arm("perfect", 1), arm("imperfect", imperfectAccuracy)];
}

function distillation(accuracy: number): ConfigInput {
  const source = "right-solutions";
  const teacher = { source, form: "kl", pulls: "all", weight: 1, accuracy, ...always } as const;
  return mergeConfig(grpo, { teacher });
}

/** Every form, by a perfect and an imperfect teacher. */
export const teacherOnlyArms: readonly Arm[] = [
  ...bySolver(
    "hint-grpo",
    "half of each group carries on from the teacher's first steps",
    "arXiv:2506.13923 (Guide-GRPO), arXiv:2506.17211 (BREAD)",
    (accuracy) => solver(accuracy, "hint"),
  ),
  ...bySolver(
    "luffy",
    "one attempt of each group is the teacher's",
    "arXiv:2504.14945 (LUFFY)",
    (accuracy) => solver(accuracy, "trace"),
  ),
  ...bySolver(
    "behaviour-cloning",
    "cross-entropy on the teacher's attempts alone",
    "Pomerleau 1991 (doi:10.1162/neco.1991.3.1.88)",
    (accuracy) => solver(accuracy, "trace", { objective: "clone" }),
  ),
  {
    name: "on-policy-distillation",
    family: "teacher-only",
    description: "a model trained on right solutions pulls every token of the student's attempts",
    source: "arXiv:2306.13649 (GKD)",
    config: distillation(1),
  },
  {
    name: "on-policy-distillation-imperfect",
    family: "teacher-only",
    description: `a model trained on right solutions pulls every token, at ${Math.round(100 * (1 - imperfectAccuracy))}% of tasks a weak partner: those where the other imperfect teachers err`,
    source: "arXiv:2306.13649 (GKD)",
    config: distillation(imperfectAccuracy),
  },
];
