/** Anything that can act on observations: *student*, *weak partner* and *teacher* are roles a model plays. */
import type { Bill } from "../util/bill.js";
import type { Random } from "../util/random.js";
import type { Engine, Policy } from "../engine/engine.js";
import type { Steering } from "../engine/steering.js";
import type { Finish } from "../environments/environment.js";
import { stopsOf, type Prompt, type Tokenizer } from "./tokenizer.js";

/** One action, with the tokens it was sampled as. */
export interface Action {
  readonly text: string;
  /** Tokens of the observation. */
  readonly prompt: readonly number[];
  /** Tokens of the action; T of them, the stop token included where there is one. */
  readonly completion: readonly number[];
  /** log pi [T] under the model itself. */
  readonly logprobs: readonly number[];
  /** log mu [T] under the distribution really sampled from. */
  readonly behaviourLogprobs: readonly number[];
  /** Tokens read and written that a remote model is paid for. */
  readonly paidTokens?: number;
  /** How the text ended, where that is known. */
  readonly finish?: Finish;
  /** Why this is no action at all, where a server answered otherwise: the attempt counts for nothing. */
  readonly failure?: string;
}

/** One action as the engine scores it: every token of the completion is a target. */
export function actionSequence({ prompt, completion }: Pick<Action, "prompt" | "completion">): {
  tokens: number[];
  targets: { position: number; token: number }[];
} {
  return {
    tokens: [...prompt, ...completion.slice(0, -1)],
    targets: completion.map((token, t) => ({ position: prompt.length - 1 + t, token })),
  };
}

/** The tokens of an action as a policy writes it: its text's, and the stop token unless actions are one symbol. */
export function encodeAction(
  text: string,
  tokenizer: Pick<Tokenizer, "encode" | "stop">,
  maxActionSymbols: number,
): number[] {
  const tokens = tokenizer.encode(text);
  return maxActionSymbols === 1 ? tokens : [...tokens, tokenizer.stop];
}

/** An action that somebody else wrote, in a policy's tokens; its log-probs are not known and 0. */
export function writtenAction(
  text: string,
  prompt: Prompt,
  tokenizer: Tokenizer,
  maxActionSymbols: number,
): Action {
  const completion = encodeAction(text, tokenizer, maxActionSymbols);
  const logprobs = completion.map(() => 0);
  return {
    text,
    prompt: tokenizer.encodePrompt(prompt),
    completion,
    logprobs,
    behaviourLogprobs: logprobs,
  };
}

export interface Model {
  /** What it is paid for so far, where it is asked behind a URL. */
  readonly bill?: Bill | undefined;
  /** One action for each prompt. */
  act(prompts: readonly Prompt[], random: Random): Promise<Action[]>;
}

export interface PolicyModelOptions {
  readonly engine: Engine;
  readonly policy: Policy;
  readonly tokenizer: Tokenizer;
  /** Longest action in symbols; actions of one symbol have no stop token. */
  readonly maxActionSymbols: number;
  readonly temperature?: number;
  /** Always the most probable token. */
  readonly greedy?: boolean;
  /** Tokens after which an action is cut short. Default: what `maxActionSymbols` allows. */
  readonly maxTokens?: number;
  readonly steering?: { readonly expert: Policy } & Steering;
}

/** A model that samples from an engine's policy. */
export class PolicyModel implements Model {
  readonly #options: PolicyModelOptions;

  constructor(options: PolicyModelOptions) {
    this.#options = options;
  }

  async act(prompts: readonly Prompt[], random: Random): Promise<Action[]> {
    const { engine, policy, tokenizer, maxActionSymbols, temperature, steering } = this.#options;
    const single = maxActionSymbols === 1;
    const encoded = prompts.map((prompt) => tokenizer.encodePrompt(prompt));
    const completions = await engine.sample(policy, {
      prompts: encoded,
      maxTokens: this.#options.maxTokens ?? (single ? 1 : maxActionSymbols + 1),
      ...(single ? {} : { stopTokens: stopsOf(tokenizer) }),
      ...(temperature === undefined ? {} : { temperature }),
      ...(this.#options.greedy === true ? { topK: 1 } : {}),
      ...(steering === undefined ? {} : { steering }),
      random,
    });
    return completions.map(({ tokens, logprobs, behaviourLogprobs, stopped }, i) => {
      const text = tokenizer.decode(tokens);
      const opened = !single && opensReasoning(tokenizer.decode(encoded[i]!.slice(-PROMPT_END)));
      const finish =
        opened && !text.includes("</think>") ? "reasoning" : stopped || single ? "stop" : "length";
      return { text, prompt: encoded[i]!, completion: tokens, logprobs, behaviourLogprobs, finish };
    });
  }
}

/** Tokens at the end of a prompt that may open a model's reasoning. */
const PROMPT_END = 8;

/** Whether a chat template ends a prompt within the model's reasoning. */
function opensReasoning(end: string): boolean {
  return /<think>\s*$/.test(end);
}
