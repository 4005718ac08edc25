/** What a step writes into its run's folder. */
import { createHash } from "node:crypto";
import type { Contrast } from "../learn/contrast.js";
import type { Corpus } from "../mistakes/corpus/corpus.js";
import type { TrainResult } from "../engine/engine.js";
import type { Explored } from "../play/explore.js";
import type { MechanismMetrics, OptionalMetrics, StepMetrics } from "../watch/metrics.js";
import { accuracy, type Group, type Rollout } from "../play/play.js";
import { Alarms, type Alarm, type Observed } from "../watch/alarms.js";
import { trainingFlops } from "../watch/ledger.js";
import type { Run, StepEnd } from "../run/run.js";
import type { Setup } from "../run/setup.js";
import type { Collected } from "./collect.js";
import type { Exposures } from "./replay.js";
import type { Scored } from "../learn/score.js";
import type { SelfPlayRound } from "../partners/self-play.js";
import type { Taught } from "./teach.js";
import { sumOf } from "../util/statistics/sums.js";

/** Everything a step produced. */
export type StepResult = Omit<Explored, "groups"> &
  Scored & {
    readonly update: TrainResult | undefined;
    readonly admissions: Collected;
    readonly exposures?: Exposures | undefined;
    /** Mistakes held back by the guard against poison. */
    readonly quarantined?: number | undefined;
    readonly taught?: Taught | undefined;
    readonly round?: SelfPlayRound | undefined;
    readonly contrasted?: Contrast | undefined;
  };

/** What a step hands its run: its finished lines, and what it leaves behind. */
export function stepEnd(run: Run, { config }: Setup, result: StepResult): StepEnd {
  const { ledger, corpus, curriculum, state } = run;
  const { update, taught, round, contrasted } = result;
  const watch = new Alarms(config.alarms, state.alarms);
  const raised = watch.observe(observed(result));
  return {
    line: {
      ...stepMetrics(state.step, result, corpus, state.committed),
      ...mechanismMetrics(result, corpus, {
        alarms: raised,
        parked: curriculum.parked,
        flops: trainingFlops(ledger.totals),
        money: ledger.tokenMoney(config.prices),
      }),
      ...optionalMetrics(result),
    },
    ...(config.keepRollouts ? { rollouts: rolloutLines(result, config) } : {}),
    alarms: { raised, state: watch.state },
    update,
    remembered: {
      ...(taught === undefined ? {} : { teacher: taught.spent }),
      ...(round === undefined ? {} : { selfPlay: round.state }),
      ...(contrasted === undefined ? {} : { contrast: contrasted.head }),
    },
  };
}

/** The line of `metrics.jsonl` for a step; `committed` are the experts in use, by level. */
export function stepMetrics(
  step: number,
  result: StepResult,
  corpus: Corpus,
  committed: ReadonlyMap<string, string>,
): StepMetrics {
  const rollouts = result.groups.flatMap((g) => g.group.rollouts);
  const mean = (value: (r: (typeof rollouts)[number]) => number): number =>
    rollouts.reduce((total, r) => total + value(r), 0) / Math.max(1, rollouts.length);
  const { mistakes, threshold } = corpus.stats();
  const { update, admissions } = result;
  return {
    step,
    "rollout/accuracy": mean((r) => Number(r.verdict.correct)),
    "reward/mean": result.meanReward,
    "reward/charge": result.meanCharge,
    "group/zeroVariance": result.zeroVariance,
    "group/stuck": result.stuck,
    "group/rescued": result.rescued,
    "group/steered": result.steered,
    "group/rescuedSteered": result.rescuedSteered,
    "offPolicy/clipped": result.clipped,
    "loss/total": update?.loss ?? 0,
    "loss/gradientNorm": update?.gradientNorm ?? 0,
    "policy/entropy": update?.entropy ?? 0,
    "policy/logprobMismatch": update?.logprobMismatch ?? 0,
    "policy/clipFraction": update?.clipFraction ?? 0,
    "rollout/length": mean((r) => r.steps.length),
    "rollout/failed": rollouts.filter((r) => r.failure !== undefined).length,
    "corpus/admitted": admissions.admitted,
    "corpus/merged": admissions.merged,
    "corpus/rejected": admissions.rejected,
    "corpus/size": mistakes,
    "corpus/threshold": threshold,
    "probe/committed": Object.fromEntries(committed),
    "update/finite": update?.finite ?? true,
  };
}

/** What the corpus, the curriculum and the guards did. */
export function mechanismMetrics(
  { groups, admissions, exposures, quarantined }: StepResult,
  corpus: Corpus,
  run: {
    readonly alarms: readonly Alarm[];
    readonly parked: number;
    readonly flops: number;
    readonly money: number;
  },
): MechanismMetrics {
  const rollouts = groups.flatMap((g) => g.group.rollouts);
  const { admitRate, byStatus } = corpus.stats();
  const mean = (values: readonly number[]): number => sumOf(values) / Math.max(1, values.length);
  const domain = rollouts[0]?.task.domain;
  const rates = domain === undefined ? [] : [...corpus.exposures.rates(domain)];
  return {
    "rollout/tokens": mean(rollouts.map(tokensOf)),
    "rollout/repeated": mean(rollouts.map(repeatRate)),
    "group/parked": run.parked,
    "replication/visits": exposures?.met ?? 0,
    "replication/rate":
      exposures === undefined || exposures.met === 0 ? null : exposures.replicated / exposures.met,
    "replication/bySignature": Object.fromEntries(rates.map(([name, { rate }]) => [name, rate])),
    "corpus/admissionRate": admitRate,
    "corpus/retired": byStatus["retired"] ?? 0,
    "corpus/quarantined": quarantined ?? 0,
    ...(admissions.partners === undefined
      ? {}
      : {
          "collect/share": Object.fromEntries(admissions.partners.map((p) => [p.source, p.share])),
          "collect/gain": Object.fromEntries(admissions.partners.map((p) => [p.source, p.gain])),
        }),
    "cost/flops": run.flops,
    "cost/money": run.money,
    "alarm/names": run.alarms,
  };
}

/** What the alarms look at in a step. */
export function observed({ groups, update, exposures }: StepResult): Observed {
  const rollouts = groups.flatMap((g) => g.group.rollouts).filter((r) => r.guided === undefined);
  const tokens = rollouts.reduce((n, r) => n + tokensOf(r), 0);
  return {
    ...(update === undefined || !update.finite ? {} : { entropy: update.entropy }),
    length: tokens / Math.max(1, rollouts.length),
    accuracy: accuracy(rollouts),
    ...(exposures === undefined || exposures.met === 0
      ? {}
      : { replication: exposures.replicated / exposures.met }),
    right: rollouts
      .filter((r) => r.verdict.correct)
      .map((r) => [r.task.id, r.verdict.answer] as const),
    finite: update?.finite ?? true,
    taught: update !== undefined && update.gradientNorm > 0,
  };
}

function tokensOf({ actions }: Rollout): number {
  return actions.reduce((n, { completion }) => n + completion.length, 0);
}

/** Length of the token sequences whose repetition is counted. */
const repeatLength = 4;

/** Share of a rollout's token 4-grams, within actions, that it has written before, in [0, 1]. */
export function repeatRate({ actions }: Pick<Rollout, "actions">): number {
  const seen = new Set<string>();
  let [all, repeated] = [0, 0];
  for (const { completion } of actions)
    for (let i = 0; i + repeatLength <= completion.length; i++) {
      const gram = completion.slice(i, i + repeatLength).join(",");
      all++;
      if (seen.has(gram)) repeated++;
      seen.add(gram);
    }
  return all === 0 ? 0 : repeated / all;
}

/** What the optional mechanisms did; no key of one that is off. */
export function optionalMetrics({ taught, round, contrasted }: StepResult): OptionalMetrics {
  return {
    ...(taught === undefined || taught.spent.calls === 0
      ? {}
      : {
          "teacher/calls": taught.calls,
          "teacher/helped": taught.helped,
          "teacher/share": taught.spent.calls / taught.spent.visits,
          "teacher/retired": taught.spent.retired,
        }),
    ...(round === undefined
      ? {}
      : {
          "selfPlay/winRate": round.state.winRate,
          "selfPlay/degree": round.state.degree,
          "selfPlay/partnerAccuracy": round.state.partnerAccuracy,
          "selfPlay/systematic": round.state.systematic,
          "selfPlay/source": round.source,
          "selfPlay/forks": round.groups.length,
          "selfPlay/solved": shareRight(round.groups),
          "selfPlay/criticRight": shareRight(round.critic),
        }),
    ...(contrasted === undefined
      ? {}
      : {
          "contrast/loss": contrasted.loss,
          "contrast/anchors": contrasted.anchors,
          "contrast/auc": contrasted.auc ?? null,
          "contrast/rank": contrasted.rank,
          "contrast/stopped": contrasted.stopped ?? null,
        }),
  };
}

function shareRight(groups: readonly Group[]): number | null {
  return groups.length === 0 ? null : accuracy(groups.flatMap((g) => g.rollouts));
}

/**
 * The lines of `rollouts/step-*.jsonl` for a step: one a rollout. Of attempts that a private teacher
 * or user took part in, only a hash is written.
 */
export function rolloutLines(
  result: StepResult,
  { teacher, user }: Pick<Setup["config"], "teacher" | "user">,
): string {
  return result.groups
    .flatMap(({ group, signals }) =>
      group.rollouts.map((rollout, i) => {
        const { task, guided, offPolicy, steeredBy, failure } = rollout;
        const { advantage, charge } = signals[i]!;
        const hidden = user.private || (guided !== undefined && teacher.private);
        return JSON.stringify({
          task: task.id,
          level: task.level,
          ...(hidden ? hashed(rollout) : { ...asked(rollout, i), ...shown(rollout) }),
          offPolicy,
          ...(steeredBy === undefined ? {} : { steeredBy }),
          advantage,
          charge,
          ...(guided === undefined ? {} : { guided }),
          // An error's message may quote what was done.
          ...(failure === undefined ? {} : { failure: hidden ? "withheld" : failure }),
        });
      }),
    )
    .map((line) => `${line}\n`)
    .join("");
}

/** What a group was asked, once; and what was said between an attempt's actions, where somebody answered. */
function asked({ steps }: Rollout, i: number): Readonly<Record<string, unknown>> {
  const [first, last] = [steps[0], steps.at(-1)];
  const prompt = i === 0 && first !== undefined ? { prompt: first.observation } : {};
  if (first?.messages === undefined || last?.messages === undefined) return prompt;
  return { ...prompt, conversation: last.messages.slice(i === 0 ? 0 : first.messages.length) };
}

function shown({ steps, verdict }: Rollout): Readonly<Record<string, unknown>> {
  return { actions: steps.map((s) => s.action), ...verdict };
}

/** What may be known of text that must stay private: that it was there, and whether it was right. */
function hashed({ steps, verdict }: Rollout): Readonly<Record<string, unknown>> {
  const text = steps.map((s) => s.action).join("\n");
  return {
    sha256: createHash("sha256").update(text).digest("hex"),
    length: steps.length,
    correct: verdict.correct,
  };
}
