/** Negative hints: the prompt says which answers were wrong (LTE, arXiv:2510.26109). */
import type { Engine, Policy } from "../engine/engine.js";
import type { Message } from "../environments/environment.js";
import type { Action, Model } from "../models/model.js";
import type { Prompt, Tokenizer } from "../models/tokenizer.js";
import type { Random } from "../util/random.js";

/** Most wrong answers named, and most characters of each. */
const mostAnswers = 4;
const mostCharacters = 400;

/** `prompt` with the wrong answers named at its end. */
export function withNegativeHint(
  { observation, messages }: Prompt,
  wrong: readonly string[],
): Prompt {
  if (wrong.length === 0) return { observation, ...(messages === undefined ? {} : { messages }) };
  const listed = wrong.slice(0, mostAnswers).map((text) => `- ${text.slice(0, mostCharacters)}`);
  const hint = `These answers are wrong. Do not give them again:\n${listed.join("\n")}`;
  const conversation: readonly Message[] = messages ?? [{ role: "user", content: observation }];
  return { observation, messages: [...conversation, { role: "user", content: hint }] };
}

/**
 * A student that sees the hint while it acts and is trained without it: actions carry the prompt
 * as it was, pi without the hint, and mu with it.
 */
export class NegativeHintModel implements Model {
  readonly #student: Model;
  readonly #engine: Engine;
  readonly #policy: Policy;
  readonly #tokenizer: Tokenizer;
  readonly #wrong: readonly string[];

  constructor(options: {
    readonly student: Model;
    readonly engine: Engine;
    readonly policy: Policy;
    readonly tokenizer: Tokenizer;
    readonly wrong: readonly string[];
  }) {
    this.#student = options.student;
    this.#engine = options.engine;
    this.#policy = options.policy;
    this.#tokenizer = options.tokenizer;
    this.#wrong = options.wrong;
  }

  async act(prompts: readonly Prompt[], random: Random): Promise<Action[]> {
    const hinted = prompts.map((prompt) => withNegativeHint(prompt, this.#wrong));
    const actions = await this.#student.act(hinted, random);
    const plain = prompts.map((prompt) => this.#tokenizer.encodePrompt(prompt));
    const logprobs = await this.#engine.logprobs(
      this.#policy,
      actions.map(({ completion }, i) => ({
        tokens: [...plain[i]!, ...completion.slice(0, -1)],
        targets: completion.map((token, t) => ({ position: plain[i]!.length - 1 + t, token })),
      })),
    );
    let at = 0;
    return actions.map((action, i) => ({
      ...action,
      prompt: plain[i]!,
      logprobs: Array.from(logprobs.subarray(at, (at += action.completion.length))),
    }));
  }
}
