/**
 * Weak partners behind a URL. They are text alone: what they get wrong feeds the corpus, the experts
 * fitted to it and negative hints; of their own likelihoods nothing is known, so none is used.
 */
import { z } from "zod";
import type { Environment } from "../environments/environment.js";
import { ErrataError } from "../util/error.js";
import type { Action, Model } from "../models/model.js";
import type { Prompt, Tokenizer } from "../models/tokenizer.js";
import { amount, count, limit, positive, type Options } from "../util/options.js";
import type { Bill } from "../util/bill.js";
import type { Random } from "../util/random.js";

/** The keys `partners.remote.NAME.*`. */
export const remotePartnerSchema = z.strictObject({
  url: z.string().describe("URL of an OpenAI-compatible server, up to and including /v1."),
  model: z.string().describe("Name of the model there."),
  keyVariable: z
    .string()
    .default("OPENAI_API_KEY")
    .describe("Environment variable that holds the key."),
  temperature: amount.default(1).describe("Sampling temperature."),
  maxTokens: count
    .optional()
    .describe("Longest answer, in the model's tokens; the server's own limit by default."),
  timeout: positive.default(120).describe("Seconds that one answer may take, retries included."),
  calls: limit.describe("Most answers of a run, looked at before each round of attempts."),
});

/** Where a weak partner answers, and how often it may be asked. */
export type RemotePartnerOptions = Options<typeof remotePartnerSchema>;

/** A weak partner that answers in text, with what it was asked and paid so far. */
export class RemotePartner implements Model {
  readonly #model: Model;
  readonly #limit: number;
  #calls = 0;
  #tokens = 0;

  /** `limit`: most answers, over all sittings of a run. */
  constructor(model: Model, limit: number = Infinity) {
    this.#model = model;
    this.#limit = limit;
  }

  /** Answers so far, over all sittings of a run. */
  get calls(): number {
    return this.#calls;
  }

  /** Tokens paid for in this sitting. */
  get tokens(): number {
    return this.#tokens;
  }

  /** What it is paid for in this sitting. */
  get bill(): Bill | undefined {
    return this.#model.bill;
  }

  /** Whether it may be asked no more. */
  get spent(): boolean {
    return this.#calls >= this.#limit;
  }

  /** Carries on from the answers of earlier sittings. */
  resume(calls: number): void {
    this.#calls = calls;
  }

  async act(prompts: readonly Prompt[], random: Random): Promise<Action[]> {
    const actions = await this.#model.act(prompts, random);
    this.#calls += actions.length;
    this.#tokens += actions.reduce((n, { paidTokens = 0 }) => n + paidTokens, 0);
    return actions;
  }
}

/** The partners of a configuration, and what they are used for, as the run says it. */
export interface RemotePartners {
  readonly partners: ReadonlyMap<string, RemotePartner>;
  readonly notices: readonly string[];
}

/**
 * The weak partners behind URLs that a configuration names.
 * @throws ErrataError `PARTNER_NAME` where a partner that runs here has the name, `REMOTE_ADDRESS`.
 */
export async function remotePartners(
  remote: Readonly<Record<string, RemotePartnerOptions>>,
  player: { readonly environment: Environment; readonly tokenizer: Tokenizer },
  local: { has(name: string): boolean },
): Promise<RemotePartners> {
  const partners = new Map<string, RemotePartner>();
  const notices: string[] = [];
  if (Object.keys(remote).length === 0) return { partners, notices };
  const { remoteModel } = await import("../models/remote.js");
  for (const [name, options] of Object.entries(remote)) {
    if (local.has(name))
      throw new ErrataError(`partners.remote.${name}: a partner of the preset has this name`, {
        code: "PARTNER_NAME",
        hint: "give the remote partner another name",
      });
    const { url, model, keyVariable, temperature, maxTokens, timeout, calls } = options;
    const asked = remoteModel(
      { url, model, keyVariable },
      {
        tokenizer: player.tokenizer,
        maxActionSymbols: player.environment.maxActionSymbols,
        temperature,
        timeout,
        ...(maxTokens === undefined ? {} : { maxTokens }),
      },
    );
    partners.set(name, new RemotePartner(asked, calls));
    notices.push(
      `partner "${name}" at ${url} is text alone: its attempts feed the corpus, experts fitted to them, preferences, overlap and negative hints; its likelihoods are not used, and a resumed run asks it anew`,
    );
  }
  return { partners, notices };
}
