/** Weak partners: frozen models whose mistakes teach the student. */
import type { Engine, Policy } from "../engine/engine.js";
import { ErrataError } from "../util/error.js";
import type { Environment, Task } from "../environments/environment.js";
import { PolicyModel } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import { type Group, inGroups, play, repeat, type Rollout } from "../play/play.js";
import type { Random } from "../util/random.js";
import type { RemotePartner } from "./remote.js";

/** Attempts of a partner at one task: enough to see whether a mistake recurs. */
export const partnerAttempts = 4;

/** Who plays beside the student: partners that run here, some of which may join later, and those behind a URL. */
export class Partners {
  readonly #here: Map<string, Policy>;
  /** Those that answer in text alone, by name. */
  readonly remote: ReadonlyMap<string, RemotePartner>;

  constructor({
    partners,
    remotePartners = new Map(),
  }: {
    readonly partners: ReadonlyMap<string, Policy>;
    readonly remotePartners?: ReadonlyMap<string, RemotePartner>;
  }) {
    this.#here = new Map(partners);
    this.remote = remotePartners;
  }

  /** All of them: those that run here, then those behind a URL. */
  get names(): string[] {
    return [...this.#here.keys(), ...this.remote.keys()];
  }

  /** The policy of one that runs here; undefined behind a URL. */
  policy(name: string): Policy | undefined {
    return this.#here.get(name);
  }

  /** One more that runs here: it plays from now on. */
  join(name: string, policy: Policy): void {
    this.#here.set(name, policy);
  }
}

/**
 * Refuses to be steered by a partner that has no likelihoods here.
 * @throws ErrataError `PARTNER_UNKNOWN`, or `PARTNER_TEXT` for one behind a URL.
 */
export function noPartner(
  name: string,
  { names, remote }: Pick<Partners, "names" | "remote">,
): never {
  if (remote.has(name))
    throw new ErrataError(`explore.steerBy=weak:${name}: "${name}" answers in text alone`, {
      code: "PARTNER_TEXT",
      hint: "steering needs a partner's likelihoods for the student's own tokens: take one that runs here, or explore.steerBy=probe, which fits an expert to its mistakes",
    });
  const here = names.filter((other) => !remote.has(other));
  throw new ErrataError(
    `explore.steerBy=weak:${name}: no weak partner "${name}" plays in this run`,
    {
      code: "PARTNER_UNKNOWN",
      hint:
        here.length === 0
          ? "partners.names is empty: name the partner there, or take explore.steerBy=past-self, which needs none"
          : `partners that play: ${here.join(", ")}`,
    },
  );
}

/** Who plays, and with what. */
export interface Players {
  readonly engine: Engine;
  readonly environment: Environment;
  readonly tokenizer: Tokenizer;
  readonly partners: Partners;
}

/** What one partner did. */
export interface PartnerPlay {
  /** `weak:<name>`. */
  readonly source: string;
  readonly groups: readonly Group[];
}

/** What a rollout failed on whose text the student has no tokens for: nothing can be learned from it. */
export const unreadable = "the student has no tokens for what the partner wrote";

/**
 * Every named partner attempts every task {@link partnerAttempts} times. One behind a URL that may not
 * be asked any more plays nothing.
 */
export async function playPartners(
  { engine, environment, tokenizer, partners }: Players,
  names: readonly string[],
  tasks: readonly Task[],
  random: Random,
): Promise<PartnerPlay[]> {
  const repeated = repeat(tasks, partnerAttempts);
  const played: PartnerPlay[] = [];
  for (const name of names) {
    const remote = partners.remote.get(name);
    const model =
      remote ??
      new PolicyModel({
        engine,
        tokenizer,
        policy: partners.policy(name)!,
        maxActionSymbols: environment.maxActionSymbols,
      });
    const asked = remote?.spent === true ? [] : repeated;
    const rollouts = await play(environment, model, asked, random);
    const readable = remote === undefined ? rollouts : rollouts.map(markUnreadable);
    played.push({ source: `weak:${name}`, groups: inGroups(readable, partnerAttempts) });
  }
  return played;
}

function markUnreadable(rollout: Rollout): Rollout {
  const isRead = rollout.actions.every(({ completion }) => completion.length > 0);
  return isRead || rollout.failure !== undefined ? rollout : { ...rollout, failure: unreadable };
}
