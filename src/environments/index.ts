import { ErrataError } from "../error.js";
import { nearest } from "../spelling.js";
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
    const guess = nearest(name.toLowerCase(), environmentNames);
    throw new ErrataError(`there is no environment "${name}"`, {
      code: "ENVIRONMENT_UNKNOWN",
      hint: `${guess === undefined ? "" : `did you mean "${guess}"? `}known: ${environmentNames.join(", ")}`,
    });
  }
  // A state is only ever handed back to the environment it came from, so its type may be forgotten.
  return make() as Environment;
}
