/** Which systematic error an attempt shows. */
import type { Move } from "./forks.js";
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
 * A wrong `left` that both would have played goes to the one that also explains more of the earlier
 * choices of a side in the attempt. A tie goes to `mention`, whose attempts are then never filed
 * elsewhere, and which would have made the same choices; the price is that part of what `left`
 * does wrong is filed under `mention`.
 *
 * Any other family is its own signature; running out of steps and malformed text have none.
 */
export function signatureOf(played: readonly Move[], family: string): string | undefined {
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
