/** Scored groups become token sequences with coefficients. */
import type { TrainingSequence } from "../engine/engine.js";
import { stopsOf, type Tokenizer } from "../models/tokenizer.js";
import type { Group, Rollout } from "../play/play.js";

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
