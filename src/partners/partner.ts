/** Weak partners: frozen models whose mistakes teach the student. */
import { type Group, inGroups, play, repeat, type Rollout } from "../play/play.js";
import { PolicyModel } from "../models/model.js";
import type { Random } from "../util/random.js";
import type { Setup } from "../run/setup.js";
import type { Task } from "../environments/environment.js";

/** Attempts of a partner at one task: enough to see whether a mistake recurs. */
export const partnerAttempts = 4;

/** What one partner did. */
export interface PartnerPlay {
  /** `weak:<name>`. */
  readonly source: string;
  readonly groups: readonly Group[];
}

/** The names of all partners: those that run here, then those behind a URL. */
export function partnerNames({
  partners,
  remotePartners,
}: Pick<Setup, "partners" | "remotePartners">): string[] {
  return [...partners.keys(), ...(remotePartners?.keys() ?? [])];
}

/** What a rollout failed on whose text the student has no tokens for: nothing can be learned from it. */
export const unreadable = "the student has no tokens for what the partner wrote";

/**
 * Every named partner attempts every task {@link partnerAttempts} times. One behind a URL that may not
 * be asked any more plays nothing.
 */
export async function playPartners(
  setup: Setup,
  names: readonly string[],
  tasks: readonly Task[],
  random: Random,
): Promise<PartnerPlay[]> {
  const { engine, environment, tokenizer, partners, remotePartners } = setup;
  const repeated = repeat(tasks, partnerAttempts);
  const played: PartnerPlay[] = [];
  for (const name of names) {
    const remote = remotePartners?.get(name);
    const model =
      remote ??
      new PolicyModel({
        engine,
        tokenizer,
        policy: partners.get(name)!,
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
