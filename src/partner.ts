/** Weak partners: frozen models whose mistakes teach the student. */
import { inGroups, play, type Group } from "./play.js";
import { PolicyModel } from "./models/model.js";
import type { Random } from "./random.js";
import type { Setup } from "./setup.js";
import type { Task } from "./environments/environment.js";

/** Attempts of a partner at one task: enough to see whether a mistake recurs. */
export const partnerAttempts = 4;

/** What one partner did. */
export interface PartnerPlay {
  /** `weak:<name>`. */
  readonly source: string;
  readonly groups: readonly Group[];
}

/** Every named partner attempts every task {@link partnerAttempts} times. */
export async function playPartners(
  { engine, environment, tokenizer, partners }: Setup,
  names: readonly string[],
  tasks: readonly Task[],
  random: Random,
): Promise<PartnerPlay[]> {
  const repeated = tasks.flatMap((task) => new Array<Task>(partnerAttempts).fill(task));
  const played: PartnerPlay[] = [];
  for (const name of names) {
    const model = new PolicyModel({
      engine,
      tokenizer,
      policy: partners.get(name)!,
      maxActionSymbols: environment.maxActionSymbols,
    });
    const rollouts = await play(environment, model, repeated, random);
    played.push({ source: `weak:${name}`, groups: inGroups(rollouts, partnerAttempts) });
  }
  return played;
}
