import { ErrataError } from "../util/error.js";
import { nearest } from "../util/spelling.js";
import { arithmetic } from "./arithmetic/arithmetic.js";
import { coq, coqText } from "./coq/coq.js";
import { code } from "./code/code.js";
import { humaneval, humanevalJs, livecodebench, mbpp } from "./code/datasets/dataset.js";
import type { Environment } from "./environment.js";
import { gsm8k } from "./gsm8k/gsm8k.js";
import { metamath } from "./metamath/metamath.js";
import { minif2f } from "./lean/minif2f.js";
import { deepProof, proof } from "./proof/proof.js";
import { rewriting } from "./rewriting/rewriting.js";
import { support } from "./support/support.js";
import { tau2Retail, tauAirline } from "./support/tau/tau.js";
import type { User } from "./support/tau/user.js";

/** What some environments take. */
export interface EnvironmentOptions {
  /** Plays the user of tau2-bench's conversations. Default: the scripted one. */
  readonly user?: User;
}

const ENVIRONMENTS: Readonly<Record<string, (options: EnvironmentOptions) => unknown>> = {
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
  "proof-deep": () => deepProof(),
  rewriting: () => rewriting(),
  support: () => support(),
  "tau-airline": (options) => tauAirline(options),
  "tau2-retail": (options) => tau2Retail(options),
};

/** Names that {@link environment} knows. */
export const environmentNames: readonly string[] = Object.keys(ENVIRONMENTS);

/** Environments in which somebody converses, as far as a model may play them. */
export const conversations: readonly string[] = ["tau-airline", "tau2-retail"];

/**
 * The environment of a name, with its default options but for the given.
 * @throws ErrataError `ENVIRONMENT_UNKNOWN` when no environment has it; the hint names the nearest.
 */
export function environment(name: string, options: EnvironmentOptions = {}): Environment {
  const make = Object.hasOwn(ENVIRONMENTS, name) ? ENVIRONMENTS[name] : undefined;
  if (make === undefined) {
    const guess = nearest(name.toLowerCase(), environmentNames);
    throw new ErrataError(`there is no environment "${name}"`, {
      code: "ENVIRONMENT_UNKNOWN",
      hint: `${guess === undefined ? "" : `did you mean "${guess}"? `}known: ${environmentNames.join(", ")}`,
    });
  }
  // A state is only ever handed back to the environment it came from, so its type may be forgotten.
  return make(options) as Environment;
}
