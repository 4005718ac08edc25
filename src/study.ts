/** Studies: arms that differ in one thing, over seeds, compared with plain GRPO. */
import { grpo, mergeConfig, type ConfigInput } from "./config.js";
import { ErrataError } from "./error.js";
import type { Preset } from "./presets.js";
import { meanInterval, ratioInterval, stepsToTarget, type Interval } from "./statistics.js";

/** One thing to compare: a name, what it is, and its configuration over the preset's. */
export interface Arm {
  readonly name: string;
  readonly description: string;
  readonly config: ConfigInput;
}

const explorerOnly: ConfigInput = {
  reward: { penalty: 0, diverge: 0 },
  corpus: { sources: "weak" },
};

/** The arms of a preset's study. All share initial weights, tasks and rollouts per step. */
export function arms(preset: Preset): Arm[] {
  const irrelevant = Object.keys(preset.partners).filter((name) => name !== preset.bug);
  return [
    { name: "grpo", description: "plain GRPO", config: grpo },
    ...(preset.bug === undefined
      ? []
      : [
          {
            name: "matching",
            description: "explorer only, one weak partner with the student's error",
            config: mergeConfig(explorerOnly, { partners: { names: [preset.bug] } }),
          },
        ]),
    {
      name: "irrelevant",
      description: "explorer only, weak partners with other errors",
      config: mergeConfig(explorerOnly, { partners: { names: irrelevant } }),
    },
    {
      name: "pooled",
      description: "explorer only, all partners pooled in one expert",
      config: mergeConfig(explorerOnly, { corpus: { perSignature: false } }),
    },
    {
      name: "self",
      description: "explorer only, no weak partner: the student's own recurring mistakes",
      config: mergeConfig(explorerOnly, {
        partners: { names: [] },
        corpus: { sources: "student" },
      }),
    },
    {
      name: "charge",
      description:
        "no explorer: the charge for repeating a mistake, and task weights, from own mistakes",
      config: {
        explore: { form: "none" },
        partners: { names: [] },
        corpus: { sources: "student" },
      },
    },
    { name: "errata", description: "everything on, all partners", config: {} },
  ];
}

/**
 * The arms of a preset by name.
 * @throws ErrataError `STUDY_ARM` on an unknown name.
 */
export function armsNamed(preset: Preset, names: readonly string[] | undefined): Arm[] {
  const known = arms(preset);
  if (names === undefined) return known;
  return names.map((name) => {
    const arm = known.find((a) => a.name === name);
    if (arm !== undefined) return arm;
    throw new ErrataError(`the study has no arm "${name}"`, {
      code: "STUDY_ARM",
      hint: `known: ${known.map((a) => a.name).join(", ")}`,
    });
  });
}

/** What one run of one arm showed. */
export interface ArmRun {
  readonly arm: string;
  readonly seed: number;
  readonly curve: readonly (readonly [step: number, accuracy: number])[];
  readonly stuck: number;
  readonly rescued: number;
  /** Of the stuck groups, those steered by an expert, and how many of them were rescued. */
  readonly steered: number;
  readonly rescuedSteered: number;
  /** FLOPs of the whole run, evaluation excluded. */
  readonly flops: number;
}

/** One line of a study's table. */
export interface ArmSummary {
  readonly arm: string;
  readonly seeds: number;
  readonly start: number;
  readonly final: Interval;
  /** By target: steps with an interval, seeds that reached it, and the ratio to GRPO's steps. */
  readonly targets: Readonly<
    Record<
      string,
      { readonly steps: Interval; readonly reached: number; readonly ratio: Interval | undefined }
    >
  >;
  /** Share of stuck groups rescued, by groups that an expert steered and by those left on-policy. */
  readonly rescuedSteered: number | undefined;
  readonly rescuedOnPolicy: number | undefined;
  readonly flops: number;
}

/** Accuracies whose steps are reported. */
export const targets = [0.5, 0.7, 0.8, 0.9] as const;

/** Summarises runs per arm; ratios pair an arm's seeds with GRPO's. */
export function summarise(runs: readonly ArmRun[], cap: number): ArmSummary[] {
  const names = [...new Set(runs.map((r) => r.arm))];
  const bySeed = (name: string): ArmRun[] =>
    runs.filter((r) => r.arm === name).sort((a, b) => a.seed - b.seed);
  const baseline = new Map(bySeed("grpo").map((r) => [r.seed, r]));
  return names.map((name) => {
    const own = bySeed(name);
    const paired = own.filter((r) => baseline.has(r.seed));
    const total = (key: "stuck" | "rescued" | "steered" | "rescuedSteered"): number =>
      own.reduce((n, r) => n + r[key], 0);
    const onPolicy = total("stuck") - total("steered");
    return {
      arm: name,
      seeds: own.length,
      start: own.reduce((n, r) => n + (r.curve[0]?.[1] ?? 0), 0) / own.length,
      final: meanInterval(own.map((r) => r.curve.at(-1)?.[1] ?? 0)),
      targets: Object.fromEntries(
        targets.map((target) => {
          const steps = (r: ArmRun): number => stepsToTarget(r.curve, target, cap).steps;
          return [
            String(target),
            {
              steps: meanInterval(own.map(steps)),
              reached: own.filter((r) => stepsToTarget(r.curve, target, cap).reached).length,
              ratio:
                paired.length === 0 || name === "grpo"
                  ? undefined
                  : ratioInterval(
                      paired.map(steps),
                      paired.map((r) => steps(baseline.get(r.seed)!)),
                    ),
            },
          ];
        }),
      ),
      rescuedSteered:
        total("steered") === 0 ? undefined : total("rescuedSteered") / total("steered"),
      rescuedOnPolicy:
        onPolicy === 0 ? undefined : (total("rescued") - total("rescuedSteered")) / onPolicy,
      flops: own.reduce((n, r) => n + r.flops, 0) / own.length,
    };
  });
}

/** The summary as a Markdown table. */
export function studyTable(summaries: readonly ArmSummary[]): string {
  const number = (x: number): string => (x >= 10 ? x.toFixed(0) : x.toFixed(2));
  const interval = ({ mean, low, high }: Interval): string =>
    `${number(mean)} [${number(low)}, ${number(high)}]`;
  const share = (x: number | undefined): string => (x === undefined ? "-" : x.toFixed(2));
  const header = [
    "arm",
    "seeds",
    ...targets.map((t) => `steps to ${t * 100}%`),
    "ratio to GRPO at 80%",
    "final",
    "stuck rescued: steered / on-policy",
    "GFLOP",
  ];
  const rows = summaries.map((s) => [
    s.arm,
    String(s.seeds),
    ...targets.map((t) => {
      const { steps, reached } = s.targets[String(t)]!;
      return `${interval(steps)}${reached < s.seeds ? ` (${reached}/${s.seeds} reach)` : ""}`;
    }),
    s.targets["0.8"]!.ratio === undefined ? "-" : interval(s.targets["0.8"]!.ratio),
    interval(s.final),
    `${share(s.rescuedSteered)} / ${share(s.rescuedOnPolicy)}`,
    (s.flops / 1e9).toFixed(0),
  ]);
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
