/** Which systematic error an attempt shows. */
import { lawsFor, type Order } from "./law.js";
import { goalRedex } from "./tactics.js";

/**
 * The systematic error behind a first error, from the goal it was made on.
 *
 *     ignored-condition    the law of ordinary algebra, its side condition unprovable: as `ignore`
 *     presumed-exception   the other law, its side condition unprovable: as `exception`
 *
 * Any other family is its own signature; running out of steps and malformed text have none.
 */
export function signatureOf(goal: Order, action: string, family: string): string | undefined {
  if (family === "no-progress" || family === "malformed") return undefined;
  if (family !== "missing-side-condition") return family;
  const [first] = lawsFor(goalRedex(goal)!);
  return action === `to ${first!.result.text}` ? "ignored-condition" : "presumed-exception";
}
