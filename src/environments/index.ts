import { ErrataError } from "../error.js";
import { nearest } from "../spelling.js";
import { arithmetic } from "./arithmetic/arithmetic.js";
import { coq, coqText } from "./coq/coq.js";
import { code } from "./code/code.js";
import { humaneval, humanevalJs, livecodebench, mbpp } from "./code/datasets/dataset.js";
import type { Environment } from "./environment.js";
import { gsm8k } from "./gsm8k/gsm8k.js";
import { metamath } from "./metamath/metamath.js";
import { minif2f } from "./lean/minif2f.js";
import { proof } from "./proof/proof.js";
import { rewriting } from "./rewriting/rewriting.js";
import { support } from "./support/support.js";
import { tau2Retail, tauAirline } from "./support/tau/tau.js";

const ENVIRONMENTS: Readonly<Record<string, () => unknown>> = {
  arithmetic: () => arithmetic(),
  code: () => code(),
  coq: () => coq(),
  "coq-text": () => coqText(),
  gsm8k: () => gsm8k(),
  humaneval: () => humaneval(),
  "humaneval-js": () => humanevalJs(),
  livecodebench: () => livecodebench(),
  mbpp: () => mbpp(),
  metamath: () => metamath(),
  minif2f: () => minif2f(),
  proof: () => proof(),
  rewriting: () => rewriting(),
  support: () => support(),
  "tau-airline": () => tauAirline(),
  "tau2-retail": () => tau2Retail(),
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
