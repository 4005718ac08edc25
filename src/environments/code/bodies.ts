/** Bodies to try: all that a block with one variable can have, and a sample of those with a counter. */
import { Random } from "../../util/random.js";
import { placeAfter } from "./fragments.js";
import { type Statement, readBody } from "./interpret.js";

/** A body, and the same ready to run. */
export interface Body {
  readonly fragments: readonly string[];
  readonly statements: readonly Statement[];
}

/** How many bodies with a counter are sampled. */
const SAMPLE = 1000;

/** All with one variable: a statement, or a condition with a statement or a guard. */
export const simpleBodies = once(() => enumerate([]));

/** A sample of those with a counter, every fragment uniform among those that may stand. */
export const counterBodies = once(sampleBodies);

/** Read when they are first asked for: a fifth of a second that other environments need not wait. */
function once(list: () => readonly (readonly string[])[]): () => readonly Body[] {
  let bodies: readonly Body[] | undefined;
  return () =>
    (bodies ??= list().map((fragments) => ({ fragments, statements: readBody(fragments) })));
}

function sampleBodies(): readonly (readonly string[])[] {
  const random = Random.from(0, "code-counter-bodies");
  return Array.from({ length: SAMPLE }, () => {
    let body: readonly string[] = [];
    for (;;) {
      const { legal } = placeAfter(["r=0;", "0", "0", ...body], true)!;
      if (legal.length === 0) return body;
      body = [...body, random.pick(legal)];
    }
  });
}

function enumerate(begun: readonly string[]): readonly (readonly string[])[] {
  const { legal } = placeAfter(["r=0;", "0", "0", ...begun], false)!;
  return legal.length === 0 ? [begun] : legal.flatMap((next) => enumerate([...begun, next]));
}
