/** Which blocks are right: by trying every body where they are few, from a list where they are not. */
import { INITIALS, placeAfter } from "./fragments.js";
import { type Body, simpleBodies } from "./bodies.js";
import { blockOf, interpret, readBody } from "./interpret.js";
import { type Plan, HEADER, referencePlan, writtenBodies } from "./plans.js";
import { casesFor } from "./cases.js";
import { Memory } from "./memory.js";
import { type Requirement, needsCounter, requirementText } from "./requirement.js";

const memory = new Memory<readonly Plan[]>(4096);

/**
 * Every body that, behind the right initial value and bounds, passes the requirement's tests.
 * Exhaustive for blocks with one variable; with a counter, those of `writtenBodies` that pass.
 */
export function rightBodies(requirement: Requirement): readonly Plan[] {
  return memory.get(requirementText(requirement), () => {
    const header = referencePlan(requirement).slice(0, HEADER);
    const cases = casesFor(requirement);
    const bodies = needsCounter(requirement) ? listedBodies(requirement) : simpleBodies();
    return bodies
      .filter(({ statements }) => {
        const block = blockOf(header, statements);
        return cases.every(({ elements, expected }) => block(elements) === expected);
      })
      .map(({ fragments }) => fragments);
  });
}

function listedBodies(requirement: Requirement): readonly Body[] {
  return writtenBodies(requirement)
    .filter((body) => placeAfter(["r=0;", "0", "0", ...body], true)?.legal.length === 0)
    .map((fragments) => ({ fragments, statements: readBody(fragments) }));
}

const initials = new Memory<readonly string[]>(4096);

/** Initial values with which the reference passes: `max` of all digits may begin at 0 as well as at -1. */
export function rightInitials(requirement: Requirement): readonly string[] {
  return initials.get(requirementText(requirement), () => {
    const reference = referencePlan(requirement);
    const cases = casesFor(requirement);
    return INITIALS.filter((initial) => {
      const block = interpret(reference.with(0, initial));
      return cases.every(({ elements, expected }) => block(elements) === expected);
    });
  });
}

/** Whether a block begun like this can still be finished so that it passes. */
export function canBeFinished(fragments: readonly string[], requirement: Requirement): boolean {
  const reference = referencePlan(requirement);
  const [initial, ...bounds] = fragments.slice(0, HEADER);
  if (bounds.some((bound, i) => bound !== reference[i + 1])) return false;
  if (
    initial !== undefined &&
    initial !== reference[0] &&
    !rightInitials(requirement).includes(initial)
  )
    return false;
  const body = fragments.slice(HEADER);
  if (body.every((fragment, i) => fragment === reference[HEADER + i])) return true;
  return rightBodies(requirement).some((right) =>
    body.every((fragment, i) => fragment === right[i]),
  );
}
