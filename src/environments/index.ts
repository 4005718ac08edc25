import { ErrataError } from "../error.js";
import { arithmetic } from "./arithmetic/arithmetic.js";
import type { Environment } from "./environment.js";
import { proof } from "./proof/proof.js";

const ENVIRONMENTS: Readonly<Record<string, () => unknown>> = {
  arithmetic: () => arithmetic(),
  proof: () => proof(),
};

/** Names that {@link environment} knows. */
export const environmentNames: readonly string[] = Object.keys(ENVIRONMENTS);

/**
 * The environment of a name, with its default options.
 * @throws ErrataError `ENVIRONMENT_UNKNOWN` when no environment has it; the hint names the nearest.
 */
export function environment(name: string): Environment {
  const make = Object.hasOwn(ENVIRONMENTS, name) ? ENVIRONMENTS[name] : undefined;
  if (make === undefined) {
    throw new ErrataError(`there is no environment "${name}"`, {
      code: "ENVIRONMENT_UNKNOWN",
      hint: `did you mean "${nearest(name)}"? known: ${environmentNames.join(", ")}`,
    });
  }
  // A state is only ever handed back to the environment it came from, so its type may be forgotten.
  return make() as Environment;
}

function nearest(name: string): string {
  const distances = environmentNames.map((known) => editDistance(name.toLowerCase(), known));
  return environmentNames[distances.indexOf(Math.min(...distances))]!;
}

/** Levenshtein distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = above[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, above[j]! + 1, row[j - 1]! + 1));
    }
  }
  return row[to.length]!;
}
