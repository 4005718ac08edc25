/** Learn: scored groups become token sequences with coefficients, and one optimizer step, or several under PPO's clip. */
import { cloneSequences } from "./clone.js";
import type { Config } from "../config/config.js";
import type { Engine, TrainingSequence } from "../engine/engine.js";
import { trainEpochs, type EpochsResult } from "../engine/epochs.js";
import { learningRateAt } from "../engine/schedule.js";
import { stopsOf, type Tokenizer } from "../models/tokenizer.js";
import type { Group, Rollout } from "../play/play.js";
import { preferencePairs, preferenceSequences } from "./preference.js";
import type { Random } from "../util/random.js";
import type { Run } from "../run/run.js";
import type { RunState } from "../run/state.js";
import type { Setup } from "../run/setup.js";

/** What the algorithm decided about one rollout. */
export interface RolloutSignal {
  /** Off-policy weight times advantage, on every token. */
  readonly advantage: number;
  /** Charge for repeating a mistake, at most 0, on the tokens that `reward.tokens` names. */
  readonly charge: number;
  /** Further advantages of single tokens: one list an action, one number a token. */
  readonly tokens?: readonly (readonly number[])[];
}

export interface ScoredGroup {
  readonly group: Group;
  /** One per rollout. */
  readonly signals: readonly RolloutSignal[];
}

/**
 * Policy-gradient sequences, loss = -1/R sum over rollouts and tokens of A l, R the number of
 * rollouts (a constant, as in Dr. GRPO: no length bias).
 *
 * Tokens that equal sequences share are merged by adding their coefficients: the gradient is the
 * same as long as the policy has not moved since it sampled them. Where it will have, on later
 * epochs, `merge: false` keeps every rollout's targets apart, for each is clipped by itself.
 *
 * `chargeTokens` names the tokens that carry the charge; `advantageTokens` those that carry a negative
 * advantage: `step` spares what a wrong rollout did right before its first wrong step, and what it
 * did after, where its verdict locates that step.
 */
export function trainingSequences(
  scored: readonly ScoredGroup[],
  tokenizer: Tokenizer,
  chargeTokens: "step" | "answer" | "all",
  {
    merge = true,
    advantageTokens = "all",
  }: { readonly merge?: boolean; readonly advantageTokens?: "all" | "step" } = {},
): TrainingSequence[] {
  const rollouts = scored.reduce((n, { group }) => n + group.rollouts.length, 0);
  const merged = new Map<
    string,
    {
      tokens: number[];
      targets: Map<
        string,
        { position: number; token: number; coefficient: number; logprob: number }
      >;
    }
  >();
  for (const [g, { group, signals }] of scored.entries())
    for (const [i, rollout] of group.rollouts.entries()) {
      const { advantage, charge, tokens: own } = signals[i]!;
      if (advantage === 0 && charge === 0 && own === undefined) continue;
      for (const [step, action] of rollout.actions.entries()) {
        const charged =
          charge === 0 ? () => false : tokensNamedBy(rollout, step, tokenizer, chargeTokens);
        const blamed =
          advantage < 0 && advantageTokens === "step" && rollout.verdict.firstError !== undefined
            ? tokensNamedBy(rollout, step, tokenizer, "step")
            : () => true;
        const tokens = [...action.prompt, ...action.completion.slice(0, -1)];
        const key = tokens.join(",");
        let sequence = merged.get(key);
        if (sequence === undefined) {
          sequence = { tokens, targets: new Map() };
          merged.set(key, sequence);
        }
        for (const [t, token] of action.completion.entries()) {
          const total =
            (blamed(t) ? advantage : 0) + (charged(t) ? charge : 0) + (own?.[step]?.[t] ?? 0);
          const coefficient = total / rollouts;
          if (coefficient === 0) continue;
          const position = action.prompt.length - 1 + t;
          const place = merge ? `${position},${token}` : `${position},${token},${g},${i}`;
          const target = sequence.targets.get(place);
          if (target !== undefined) target.coefficient += coefficient;
          else
            sequence.targets.set(place, {
              position,
              token,
              coefficient,
              logprob: action.logprobs[t]!,
            });
        }
      }
    }
  return [...merged.values()]
    .map(({ tokens, targets }) => ({
      tokens,
      targets: [...targets.values()]
        .filter((t) => t.coefficient !== 0)
        .map((t) => ({ ...t, component: "policy" as const })),
    }))
    .filter((s) => s.targets.length > 0);
}

/**
 * What a step teaches under an objective: `policy`, its policy-gradient sequences; `clone`, the teacher's
 * traces among its `guided` groups; `dpo`, own right over weak wrong attempts.
 */
export async function sequencesOf(
  objective: Config["objective"],
  step: {
    readonly run: Run;
    readonly setup: Setup;
    readonly policy: readonly TrainingSequence[];
    /** The step's groups before and after the teacher had its say. */
    readonly own: readonly Group[];
    readonly guided: readonly Group[];
    readonly random: Random;
  },
): Promise<readonly TrainingSequence[]> {
  const { run, setup, policy, own, guided, random } = step;
  if (objective === "policy") return policy;
  if (objective === "clone") return cloneSequences(guided);
  const players = { ...setup, partners: run.partners };
  const pairs = await run.ledger.charge("weak", 0, () => preferencePairs(players, own, random));
  return run.ledger.charge("student", 0, () =>
    preferenceSequences(setup.engine, run.state.student, setup.base, pairs),
  );
}

/**
 * The optimizer's part of a step: one AdamW step on the whole batch or, with `optimizer.epochs` and
 * `optimizer.miniBatches`, several under PPO's clip (arXiv:1707.06347), at the scheduled rate.
 * Undefined where there is nothing to learn.
 */
export async function optimize(
  { config, engine }: { readonly config: Config; readonly engine: Engine },
  { step, student, optimizer }: Pick<RunState, "step" | "student" | "optimizer">,
  sequences: readonly TrainingSequence[],
  random: Random,
): Promise<EpochsResult | undefined> {
  if (sequences.length === 0) return undefined;
  const { schedule, warmup, final, epochs, miniBatches } = config.optimizer;
  const { learningRate: peak, steps } = config;
  return trainEpochs(engine, student, optimizer, sequences, {
    learningRate: learningRateAt(step, { shape: schedule, peak, warmup, final, steps }),
    epochs,
    miniBatches: Math.min(miniBatches, sequences.length),
    random,
  });
}

/** Whether every rollout's targets must stay apart: the policy moves within a step. */
export function movesWithinStep({ optimizer }: Pick<Config, "optimizer">): boolean {
  return optimizer.epochs > 1 || optimizer.miniBatches > 1;
}

/**
 * Which tokens of one action `step`, `answer` or `all` names. An empty span at the end of an action is about where
 * it stopped: its stop token is named.
 */
function tokensNamedBy(
  rollout: Rollout,
  step: number,
  tokenizer: Tokenizer,
  named: "step" | "answer" | "all",
): (t: number) => boolean {
  const { firstError } = rollout.verdict;
  const last = rollout.actions.length - 1;
  if (named === "all") return () => true;
  if (named === "answer" || firstError === undefined) return () => step === last;
  if (firstError.step !== step) return () => false;
  const { text, completion } = rollout.actions[step]!;
  const { start, end } = firstError.span;
  if (start === end && start === text.length && stopsOf(tokenizer).includes(completion.at(-1)!))
    return (t) => t === completion.length - 1;
  const covered = tokenizer.spans(completion).map((s) => s.start < end && s.end > start);
  return covered.some(Boolean) ? (t) => covered[t]! : () => true;
}
