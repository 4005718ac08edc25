import { describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { coqVersion, runCoq } from "../proof/coq.js";
import { attempts as engine } from "./attempts.js";
import { coqPreamble, coqScript } from "./export.js";
import { drawTheorem } from "./generator.js";
import { LEVELS } from "./level.js";
import { correct, ignore, noise } from "./procedures.js";
import { type Sequent, sequentText } from "./sequent.js";
import { play } from "./walk.js";

const version = coqVersion();
const title = version ?? "SKIPPED: coqtop is not installed";

interface Attempt {
  readonly sequent: Sequent;
  readonly actions: readonly string[];
}

describe.skipIf(version === undefined)(`Coq (${title})`, () => {
  test("proves every law, and agrees with the kernel on right, corrupted and wrong scripts", async ({
    annotate,
  }) => {
    const attempts = drawAttempts();
    const ours = attempts.map(({ sequent, actions }) =>
      engine.isSolved(engine.run(sequentText(sequent), actions)),
    );
    // Without a law's lemma the script that uses it fails, so bothAccept covers them all.
    const coqs = await runCoq(attempts.map(coqScript), {
      preamble: coqPreamble(),
      timeoutSeconds: 55,
    });
    const count = (want: (mine: boolean, coq: boolean) => boolean): number =>
      ours.filter((mine, i) => want(mine, coqs[i]!)).length;
    const tally = {
      scripts: attempts.length,
      bothAccept: count((mine, coq) => mine && coq),
      bothRefuse: count((mine, coq) => !mine && !coq),
      coqAlone: count((mine, coq) => !mine && coq),
      kernelAlone: count((mine, coq) => mine && !coq),
    };
    await annotate(JSON.stringify(tally));
    expect(tally.kernelAlone).toBe(0);
    expect(tally.coqAlone).toBe(0);
    expect(tally.bothAccept).toBeGreaterThan(35);
    expect(tally.bothRefuse).toBeGreaterThan(50);
  }, 60_000);
});

/** For each of 20 theorems a level: the right script, a corrupted one, a mal-rule's, a random walk. */
function drawAttempts(): Attempt[] {
  const random = Random.from(4, "rewriting-coq");
  return LEVELS.flatMap((level) =>
    Array.from({ length: 20 }, () => drawTheorem({ split: "train", level, random })).flatMap(
      (sequent) => {
        const script = (policy: typeof noise): string[] =>
          play(sequent, policy, 16, random).moves.map(({ action }) => action);
        const right = script(correct);
        const corrupted = engine.corrupt(sequentText(sequent), right, random)!;
        return [right, corrupted, script(ignore), script(noise)].map((actions) => ({
          sequent,
          actions,
        }));
      },
    ),
  );
}
