/**
 * Degradations: how a deliberately weakened partner is made from a model.
 *
 * Temperature, lag, noise, dropped context, quantisation, dropped layers and heads spoil a model in
 * ways that look like noise; truncated actions and mal-rules make systematic mistakes. Whether what
 * they make is worth learning from is decided by recurrence, not by the name of the operator.
 */
import { degradationKinds, type Capabilities, type Policy } from "../engine/engine.js";
import type { Model } from "../models/model.js";
import { PolicyModel, type PolicyModelOptions } from "../models/model.js";
import type { Prompt, Tokenizer } from "../models/tokenizer.js";
import type { Random } from "../util/random.js";

/** Every degradation of a model; `mal-rule` (self-play.ts) replaces the model by a scripted procedure. */
export const degradations = [
  "mal-rule",
  "layers",
  "heads",
  "truncation",
  "context",
  "quantisation",
  "noise",
  "lag",
  "temperature",
] as const;
export type Degradation = (typeof degradations)[number];

/** Whether an engine can degrade its policies so; what a policy is asked or allowed needs no engine. */
export function canDegrade(
  { degradations: own }: Pick<Capabilities, "degradations">,
  operator: Degradation,
): boolean {
  const kind = degradationKinds.find((k) => k === operator);
  return kind === undefined || own.includes(kind);
}

/** What a degradation starts from. */
export interface DegradeInput extends Omit<PolicyModelOptions, "policy" | "temperature"> {
  readonly policy: Policy;
  /** The student before training: `lag` moves towards it. */
  readonly initial: Policy;
  /** Chooses what is dropped or disturbed. */
  readonly random: Random;
}

/**
 * The model that `policy` becomes when degraded by `degree` in [0, 1]; 0 leaves it as it is.
 *
 *     temperature   T = 1 + 3 degree
 *     context       every prompt token but the last is dropped with probability degree / 2
 *     truncation    actions end after (1 - degree) of the longest length
 *     all others    as the engine spoils its weights (`Engine.degrade`)
 */
export function degraded(operator: Degradation, degree: number, input: DegradeInput): Model {
  const { policy, initial, random, maxActionSymbols, ...rest } = input;
  const model = (changed: Policy, options: Partial<PolicyModelOptions> = {}): Model =>
    new PolicyModel({ ...rest, maxActionSymbols, policy: changed, ...options });
  if (degree === 0) return model(policy);
  switch (operator) {
    case "temperature":
      return model(policy, { temperature: 1 + 3 * degree });
    case "context":
      return model(policy, { tokenizer: forgetful(rest.tokenizer, degree / 2, random) });
    case "truncation": {
      const longest = Math.max(1, Math.round((1 - degree) * maxActionSymbols));
      return model(policy, { maxTokens: longest });
    }
    case "mal-rule":
      throw new RangeError("degraded: a mal-rule replaces a model and is played by selfPlay");
    default:
      return model(rest.engine.degrade(policy, { kind: operator, degree, initial, random }));
  }
}

/** A tokenizer that loses prompt tokens. */
function forgetful(tokenizer: Tokenizer, rate: number, random: Random): Tokenizer {
  return {
    size: tokenizer.size,
    stop: tokenizer.stop,
    ...(tokenizer.stops === undefined ? {} : { stops: tokenizer.stops }),
    encode: (text) => tokenizer.encode(text),
    decode: (tokens) => tokenizer.decode(tokens),
    spans: (tokens) => tokenizer.spans(tokens),
    encodePrompt: (prompt: Prompt) => {
      const tokens = tokenizer.encodePrompt(prompt);
      return tokens.filter((_, i) => i === tokens.length - 1 || random.uniform() >= rate);
    },
  };
}
