/**
 * Keys whose benefit no study has shown: the one list from which the label "Experimental" comes, in the
 * documentation's tables and in the schema for editors. A group stands for all of its keys.
 *
 * A key leaves the list with a study in `experiments/` that finds a benefit.
 */
export const experimentalKeys: readonly string[] = [
  "contrast",
  "selfPlay",
  "curriculum",
  "advantage.estimator",
  "explore.kappa",
  "partners.collection",
  "reward.diverge",
  "reward.floor",
];

/** What the label says. */
export const experimentalLabel = "Experimental:";

/** A key's meaning, with the label where it has one. */
export function labelled(key: string, meaning: string): string {
  return experimentalKeys.includes(key)
    ? `${experimentalLabel} ${meaning[0]!.toLowerCase()}${meaning.slice(1)}`
    : meaning;
}
