/**
 * The arms of the comparison: configurations of the one training loop, so that they share initial
 * weights, tasks and rollouts a step.
 */
import type { ConfigInput } from "../../config/config.js";
import { grpo } from "../../config/defaults.js";
import { mergeConfig } from "../../config/merge.js";
import type { Preset } from "../../students/presets/presets.js";
import type { Arm } from "./study.js";

/** The explorer by itself: no charge, no task weights. */
const explorerOnly: ConfigInput = { reward: { penalty: 0, diverge: 0 } };

const noPartners: ConfigInput = { partners: { names: [] } };

const over = (...parts: readonly ConfigInput[]): ConfigInput => parts.reduce(mergeConfig, {});

/** Steered by a stand-in for fitted experts, in every stuck group. */
const steeredBy = (expert: "random" | "student", alpha?: number): ConfigInput =>
  over(explorerOnly, noPartners, {
    ablate: { expert },
    explore: { form: "repulsive", ...(alpha === undefined ? {} : { alpha }) },
  });

/** Steered away from the student before training, charged for own mistakes: nothing to fit, no partner. */
const awayFromPastSelf: ConfigInput = over(noPartners, {
  explore: { form: "repulsive", steerBy: "past-self" },
});

/** Hints of an imperfect teacher where nothing else helped, on at most 15% of prompt visits. */
const rationedTeacher: ConfigInput = {
  teacher: { source: "solver", accuracy: 0.85, form: "hint", cap: 0.15 },
};

/** Temperature of the matched explorer. */
const temperature = 1.6;

/** Everything on, all partners. */
export const ours: Arm = {
  name: "errata",
  family: "errata",
  description: "everything on, all weak partners",
  config: {},
};

/** The same, with an imperfect teacher where nothing else helped, on at most 15% of prompt visits. */
export const oursWithTeacher: Arm = {
  name: "errata-teacher",
  family: "errata",
  description:
    "everything on, and hints of a teacher that is right at 85% of tasks, where nothing else helped, on at most 15% of prompt visits",
  config: rationedTeacher,
};

/** The cheapest of ours with a teacher: `past-self-charge`, and the same hints. */
export const pastSelfWithTeacher: Arm = {
  name: "past-self-teacher",
  family: "errata",
  description:
    "steered away from the student before training and charged for own mistakes, no partner; hints as in errata-teacher",
  config: over(awayFromPastSelf, rationedTeacher),
};

/** Students that learn without any weaker model. */
export const weakFree: readonly Arm[] = [
  {
    name: "grpo",
    family: "weak-free",
    description: "plain GRPO",
    source: "arXiv:2402.03300",
    config: grpo,
  },
  {
    name: "dr-grpo",
    family: "weak-free",
    description: "GRPO without division by the deviation",
    source: "arXiv:2503.20783",
    config: over(grpo, { normalisation: "none" }),
  },
  {
    name: "rloo",
    family: "weak-free",
    description: "the mean of the other attempts as baseline",
    source: "arXiv:2402.14740",
    config: over(grpo, { advantage: { estimator: "rloo" } }),
  },
  {
    name: "nsr",
    family: "weak-free",
    description: "negative samples alone",
    source: "arXiv:2506.01347",
    config: over(grpo, { advantage: { estimator: "nsr" } }),
  },
  {
    name: "w-reinforce",
    family: "weak-free",
    description: "negative samples, and right ones at a tenth",
    source: "arXiv:2506.01347",
    config: over(grpo, { advantage: { estimator: "w-reinforce" } }),
  },
  {
    name: "lens",
    family: "weak-free",
    description: "confident mistakes weigh most, in all-wrong groups too",
    source: "arXiv:2510.08696",
    config: over(grpo, { advantage: { estimator: "lens" } }),
  },
  {
    name: "self-consensus",
    family: "weak-free",
    description: "charge for repeating the group's own wrong answers; no explorer",
    config: over(grpo, { reward: { penalty: 0.5, evidence: "self" } }),
  },
  {
    name: "first-error",
    family: "weak-free",
    description: "charge every first wrong step alike; no explorer",
    source: "arXiv:2406.18629 (step-level labels)",
    config: over(grpo, { reward: { penalty: 0.5, evidence: "firstError" } }),
  },
  {
    name: "temperature",
    family: "weak-free",
    description: `stuck groups sample at temperature ${temperature} under the explorer's mask`,
    config: steeredBy("student", 1 - 1 / temperature),
  },
  {
    name: "new-answers",
    family: "weak-free",
    description:
      "stuck groups draw twice and keep answers not yet given: a stand-in for LTE, whose hints a student without instructions cannot read",
    source: "arXiv:2510.26109 (LTE, after its effect)",
    config: over(grpo, { explore: { form: "new-answers" } }),
  },
  {
    name: "negative-hint",
    family: "weak-free",
    description: "stuck groups are told in the prompt which answers were wrong",
    source: "arXiv:2510.26109 (LTE)",
    students: "text",
    config: over(grpo, { explore: { form: "negative-hint" } }),
  },
  {
    name: "flat",
    family: "weak-free",
    description: "stuck groups sample uniformly over plausible tokens: the control of all steering",
    config: steeredBy("student", 1),
  },
  {
    name: "self-experts",
    family: "weak-free",
    description: "error experts from the student's own recurring mistakes",
    source: "arXiv:2105.03023 (DExperts: small anti-experts)",
    config: over(explorerOnly, noPartners, { corpus: { sources: "student" } }),
  },
  {
    name: "self-experts-unfiltered",
    family: "weak-free",
    description: "error experts from all of the student's own mistakes",
    config: over(explorerOnly, noPartners, { corpus: { sources: "student", recurrence: 1 } }),
  },
  {
    name: "past-self",
    family: "weak-free",
    description: "steered away from the student before training",
    source: "arXiv:2401.01335 (play against a past self)",
    config: over(awayFromPastSelf, explorerOnly),
  },
  {
    name: "past-self-charge",
    family: "weak-free",
    description:
      "the same, and charged for repeating own mistakes: the defaults, but nothing to fit",
    source: "arXiv:2401.01335 (play against a past self)",
    config: awayFromPastSelf,
  },
];

/**
 * A weak partner that steers as it is, with nothing fitted: contrast alone, log mu = log pi + alpha (log pi -
 * log q), with log q counted down to -7, so that what a partner holds to be wrong is told from what it
 * does not know.
 */
export function unfitted(preset: Preset): readonly Arm[] {
  const { bug, partners } = preset;
  const other = Object.keys(partners).find((name) => name !== bug);
  if (bug === undefined || partners[bug] === undefined) return [];
  const steered = (name: string): ConfigInput => ({
    explore: { form: "contrastive", floor: -7, steerBy: `weak:${name}` },
    partners: { names: [name] },
    corpus: { sources: "student" },
  });
  const racing = (names: readonly string[]): ConfigInput => ({
    explore: { form: "repulsive", steerBy: "auto" },
    partners: { names: [...names] },
    corpus: { sources: "student" },
  });
  return [
    {
      name: "weak",
      family: "errata",
      description: "steered by a weak partner with the student's error as it is, nothing fitted",
      config: over(explorerOnly, steered(bug)),
    },
    {
      name: "weak-charge",
      family: "errata",
      description: "the same, and charged for repeating own mistakes",
      config: steered(bug),
    },
    {
      name: "auto",
      family: "errata",
      description:
        "the past self and all weak partners race on stuck groups; whoever rescues most per FLOP steers, nothing fitted",
      config: over(explorerOnly, racing(Object.keys(partners))),
    },
    ...(other === undefined
      ? []
      : [
          {
            name: "auto-other",
            family: "control",
            description: "the same with a weak partner with another error alone",
            config: over(explorerOnly, racing([other])),
          } satisfies Arm,
          {
            name: "weak-other",
            family: "control",
            description: "steered by a weak partner with another error, nothing fitted",
            config: over(explorerOnly, steered(other)),
          } satisfies Arm,
        ]),
  ];
}

/**
 * The charge alone, without its floor: a wrong attempt is charged for what it is known to repeat. Whose
 * mistakes that are is all that differs.
 */
export function evidences(preset: Preset): readonly Arm[] {
  const { bug, partners } = preset;
  const other = Object.keys(partners).find((name) => name !== bug);
  const charged = (name: string): ConfigInput => ({
    explore: { form: "none" },
    partners: { names: [name] },
    corpus: { sources: "weak" },
    reward: { evidence: "weak", floor: 0 },
  });
  return [
    ...(bug === undefined || partners[bug] === undefined
      ? []
      : [
          {
            name: "charge-related",
            family: "errata",
            description:
              "charged for answers of a weak partner with the student's error, nothing else",
            config: charged(bug),
          } satisfies Arm,
        ]),
    ...(bug === undefined || other === undefined
      ? []
      : [
          {
            name: "charge-unrelated",
            family: "control",
            description: "charged for answers of a weak partner with another error, nothing else",
            config: charged(other),
          } satisfies Arm,
        ]),
    {
      name: "charge-own",
      family: "weak-free",
      description: "charged for answers that the group repeats, nothing else",
      config: over(noPartners, {
        explore: { form: "none" },
        corpus: { sources: "student" },
        reward: { evidence: "self", floor: 0 },
      }),
    },
    {
      name: "charge-first-error",
      family: "weak-free",
      description: "every first wrong step charged alike, whatever it repeats",
      config: over(noPartners, {
        explore: { form: "none" },
        corpus: { sources: "student" },
        reward: { evidence: "firstError" },
      }),
    },
  ];
}

/** Arms that replace one ingredient by something that should not work. */
export function controls(preset: Preset): readonly Arm[] {
  const others = Object.keys(preset.partners).filter((name) => name !== preset.bug);
  return [
    {
      name: "shuffled-weak",
      family: "control",
      description: "experts fitted to weak models' actions in states they were not taken in",
      source: "arXiv:2605.17314 (deranged drafts)",
      config: over(explorerOnly, { corpus: { sources: "weak" }, ablate: { shuffleWeak: true } }),
    },
    ...(preset.bug === undefined || others.length === 0
      ? []
      : [
          {
            name: "irrelevant-weak",
            family: "control",
            description: "weak partners with other errors than the student's",
            config: over(explorerOnly, {
              corpus: { sources: "weak" },
              partners: { names: others },
            }),
          } satisfies Arm,
        ]),
    {
      name: "random-expert",
      family: "control",
      description: "an expert with random weights steers every stuck group",
      config: steeredBy("random"),
    },
    {
      name: "random-reward",
      family: "control",
      description: "GRPO rewarded by coin flips",
      source: "arXiv:2506.10947",
      config: over(grpo, { ablate: { randomReward: true } }),
    },
  ];
}

/** Preference of the student's right attempt over a weak partner's wrong one. */
export const preference: Arm = {
  name: "dpo",
  family: "preference",
  description: "DPO: own right attempt over a weak partner's wrong one at the same task",
  source: "arXiv:2305.18290",
  config: over(
    { reward: { penalty: 0, diverge: 0 }, explore: { form: "none" } },
    // One optimizer step a batch, also where a preset takes several: its margins are the batch's.
    { objective: "dpo", optimizer: { epochs: 1, miniBatches: 1 } },
  ),
};

/** Every mechanism at once. */
const everything: ConfigInput = {
  contrast: { mode: "full" },
  selfPlay: { share: 0.25 },
  teacher: { source: "solver" },
};

/** Ours minus one mechanism each, single mechanisms, and those that are off by default. */
export function ablations(preset: Preset): readonly Arm[] {
  const arm = (name: string, description: string, config: ConfigInput): Arm => ({
    name,
    family: "ablation",
    description,
    config,
  });
  return [
    arm("no-explorer", "the charge and task weights alone", { explore: { form: "none" } }),
    arm("explorer-only", "no charge, no task weights", {
      ...explorerOnly,
      corpus: { sources: "weak" },
    }),
    arm(
      "no-weak",
      "no weak partner: own mistakes alone",
      over(noPartners, { corpus: { sources: "student" } }),
    ),
    arm("pooled", "all mistakes pooled in one expert", { corpus: { perSignature: false } }),
    arm("no-recurrence", "mistakes need not recur to train an expert", {
      corpus: { recurrence: 1 },
    }),
    arm("no-novelty", "mistakes admitted without a novelty threshold", {
      corpus: { novelty: false },
    }),
    arm("no-probe", "a random expert steers, proven or not", { explore: { steerBy: "random" } }),
    arm("contrastive", "contrastive decoding in place of repulsion", {
      explore: { form: "contrastive" },
    }),
    arm("with-contrast", "and the contrast of right and first wrong steps", {
      contrast: { mode: "full" },
    }),
    arm("with-self-play", "and a quarter of the groups from a degraded partner's forks", {
      selfPlay: { share: 0.25 },
    }),
    arm("with-teacher", "and hints of a right teacher on at most 15% of prompt visits", {
      teacher: { source: "solver" },
    }),
    arm("with-learnability", "and tasks chosen by how often they are solved now and then", {
      curriculum: { mode: "learnability" },
    }),
    arm("with-replay", "and a quarter of the tasks from the corpus, by quality", {
      curriculum: { replay: 0.25 },
    }),
    arm("with-worth", "and more mistakes collected from the partners that are worth most", {
      partners: { collection: "worth" },
    }),
    arm("everything", "contrast, self-play and a teacher together", everything),
    arm("everything-no-contrast", "", over(everything, { contrast: { mode: "off" } })),
    arm("everything-no-self-play", "", over(everything, { selfPlay: { share: 0 } })),
    arm("everything-no-teacher", "", over(everything, { teacher: { source: "none" } })),
    arm("everything-no-explorer", "", over(everything, { explore: { form: "none" } })),
    arm(
      "everything-no-charge",
      "nor task weights",
      over(everything, { reward: { penalty: 0, diverge: 0 } }),
    ),
    ...(preset.bug === undefined
      ? []
      : [
          arm("one-weak", "one weak partner, with the student's error", {
            partners: { names: [preset.bug] },
          }),
        ]),
  ];
}

/** Shares of the weak models' mistakes that are the student's own kind. */
export const doses = [0, 0.25, 0.5, 0.75, 1] as const;

/**
 * Ours at several overlaps between the weak models' errors and the student's: of a fixed number of
 * mistakes, the share `dose` comes from the partner with the student's error and the rest from one
 * with another. Experts of a few dozen mistakes are allowed, so that a small share is not none.
 */
export function dosed(preset: Preset): readonly Arm[] {
  const { bug } = preset;
  const other = Object.keys(preset.partners).find((name) => name !== bug);
  if (bug === undefined || other === undefined) return [];
  return doses.map((dose) => ({
    name: `overlap-${dose}`,
    family: "dose",
    description: `explorer only; ${dose * 100}% of the weak mistakes are of the student's kind`,
    dose,
    config: over(explorerOnly, {
      corpus: { sources: "weak" },
      expert: { minimumTraces: 64 },
      partners: {
        names: [bug, other],
        shares: { [bug]: dose, [other]: 1 - dose },
        warmUpTraces: 512,
      },
    }),
  }));
}

/** The arms of `errata study`: a handful, plain GRPO first. */
export function studyArms(preset: Preset): readonly Arm[] {
  const weakOnly = over(explorerOnly, { corpus: { sources: "weak" } });
  const others = Object.keys(preset.partners).filter((name) => name !== preset.bug);
  const arm = (name: string, description: string, config: ConfigInput): Arm => ({
    name,
    family: "ablation",
    description,
    config,
  });
  return [
    ...weakFree.filter((a) => a.name === "grpo"),
    ...(preset.bug === undefined
      ? []
      : [
          arm(
            "matching",
            "explorer only, one weak partner with the student's error",
            over(weakOnly, { partners: { names: [preset.bug] } }),
          ),
        ]),
    arm(
      "irrelevant",
      "explorer only, weak partners with other errors",
      over(weakOnly, { partners: { names: others } }),
    ),
    arm(
      "pooled",
      "explorer only, all partners pooled in one expert",
      over(weakOnly, { corpus: { perSignature: false } }),
    ),
    arm(
      "self",
      "explorer only, no weak partner: the student's own recurring mistakes",
      over(explorerOnly, noPartners, { corpus: { sources: "student" } }),
    ),
    arm(
      "charge",
      "no explorer: the charge for repeating a mistake, and task weights, from own mistakes",
      over(noPartners, { explore: { form: "none" }, corpus: { sources: "student" } }),
    ),
    ours,
  ];
}
