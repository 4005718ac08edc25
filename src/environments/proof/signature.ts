/** Which systematic error an attempt shows. */
import { mentionedSide, type Side } from "./procedures.js";
import type { Goal } from "./tactics.js";

interface Choice {
  readonly goal: Goal;
  readonly side: Side;
}

/**
 * The systematic error behind a first error, from the moves up to and including it.
 *
 * A wrong disjunct has three signatures:
 *
 *     wrong-disjunct-left       left, as `left` would
 *     wrong-disjunct-mentioned  the side that a rule speaks of, as `mention` would
 *     wrong-disjunct-right      right, where neither would
 *
 * A wrong `left` that both explain goes to the one that also explains more of the attempt's earlier
 * choices of a side, and to `mention` when they explain equally many: there a `left` expert
 * loses some traces, whereas the traces of `mention` would teach it to look at the rules.
 *
 * Any other family is its own signature; running out of steps and malformed text have none.
 */
export function signatureOf(
  played: readonly { readonly goal: Goal; readonly action: string }[],
  family: string,
): string | undefined {
  if (family === "no-progress" || family === "malformed") return undefined;
  if (family !== "wrong-disjunct") return family;
  const choices = played.flatMap(({ goal, action }): Choice[] =>
    goal.conclusion.kind === "or" && (action === "left" || action === "right")
      ? [{ goal, side: action }]
      : [],
  );
  const wrong = choices.at(-1)!;
  const earlier = choices.slice(0, -1);
  const byLeft = isLeft(wrong);
  const byMention = isMentioned(wrong);
  if (byLeft && byMention) {
    const more = earlier.filter(isLeft).length > earlier.filter(isMentioned).length;
    return more ? "wrong-disjunct-left" : "wrong-disjunct-mentioned";
  }
  if (byMention) return "wrong-disjunct-mentioned";
  return byLeft ? "wrong-disjunct-left" : "wrong-disjunct-right";
}

function isLeft({ side }: Choice): boolean {
  return side === "left";
}

function isMentioned({ goal, side }: Choice): boolean {
  return side === mentionedSide(goal);
}
