import { ErrataError } from "../../util/error.js";
import { LONGEST_OPERAND, type ProblemKind } from "./problem.js";

/** What a level name stands for. `digits` is undefined for expressions. */
export interface Level {
  readonly kind: ProblemKind;
  readonly digits: number | undefined;
  /** Only sums in which no column carries: what a rule about carries changes nothing on. */
  readonly carryFree?: boolean;
}

/**
 * Reads a level name: `addition`, `subtraction` and `expressions`, `addition-<n>` and
 * `subtraction-<n>` for operands of n digits, n in 1..12 (a length the policy was not trained on), or
 * `no-carry` and `no-carry-<n>` for sums without carries, on which dropping them is right.
 * @throws ErrataError `ENVIRONMENT_LEVEL` on any other name, or a kind not among `kinds`.
 */
export function parseLevel(
  name: string,
  { kinds, digits }: { readonly kinds: readonly string[]; readonly digits: number },
): Level {
  const match = /^(?:(addition|subtraction|no-carry)(?:-([1-9][0-9]?))?|(expressions))$/.exec(name);
  const carryFree = match?.[1] === "no-carry";
  const named = match?.[1] ?? match?.[3];
  const kind = (carryFree ? "addition" : named) as ProblemKind | undefined;
  const length = match?.[2] === undefined ? digits : Number(match[2]);
  if (kind === undefined || !kinds.includes(kind) || length > LONGEST_OPERAND) {
    const lengths = kinds.filter((known) => known !== "expressions").map((known) => `${known}-<n>`);
    throw new ErrataError(`arithmetic has no level "${name}"`, {
      code: "ENVIRONMENT_LEVEL",
      hint: `use one of ${[...kinds, ...lengths].join(", ")} (n in 1..${LONGEST_OPERAND})`,
    });
  }
  return {
    kind,
    digits: kind === "expressions" ? undefined : length,
    ...(carryFree ? { carryFree } : {}),
  };
}
