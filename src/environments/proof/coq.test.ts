import { describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { coqVersion, runCoq } from "./coq.js";
import { coqScript } from "./export.js";
import { play } from "./forks.js";
import { drawTheorem } from "./generator.js";
import { DEEP, LEVELS } from "./level.js";
import { correct, noise } from "./procedures.js";
import { attemptsWithin } from "./attempts.js";
import { parseSequent, type Sequent, sequentText } from "./sequent.js";
import { ACTIONS, type Goal } from "./tactics.js";

const version = coqVersion();
const title = version ?? "SKIPPED: coqtop is not installed";

const attempts = attemptsWithin(DEEP.steps);

interface Attempt {
  readonly sequent: Sequent;
  readonly actions: readonly string[];
}

describe.skipIf(version === undefined)(`Coq (${title})`, () => {
  test("agrees with the kernel on right, corrupted and random scripts; where not, it accepts more", async ({
    annotate,
  }) => {
    const attempts = drawAttempts();
    const ours = attempts.map(accepted);
    const coqs = await runCoq(attempts.map(coqScript), { timeoutSeconds: 55 });

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
    expect(tally.scripts).toBeGreaterThanOrEqual(500);
    expect(tally.bothAccept).toBeGreaterThan(100);
    expect(tally.bothRefuse).toBeGreaterThan(100);
    expect(tally.kernelAlone).toBe(0);
    expect(tally.coqAlone / tally.scripts).toBeLessThan(0.02);
  }, 60_000);

  test("sees each script alone", async () => {
    const right = coqScript({ sequent: parseSequent("h0 p |- p"), actions: ["exact h0"] });
    const wrong = coqScript({
      sequent: parseSequent("h0 p |- \\/ p q"),
      actions: ["right", "exact h0"],
    });
    const open = coqScript({ sequent: parseSequent("h0 p |- \\/ p q"), actions: ["left"] });
    expect(await runCoq([right, wrong, right, open, right])).toEqual([
      true,
      false,
      true,
      false,
      true,
    ]);
  });

  test("is stopped when it takes too long", async () => {
    const slow =
      "Fixpoint f (n : nat) : bool := match n with 0 => true | S m => andb (f m) (f m) end.\nEval compute in f 60.\n";
    await expect(runCoq([slow], { timeoutSeconds: 0.5 })).rejects.toMatchObject({
      code: "COQ_TIMEOUT",
    });
  });
});

test("a missing coqtop is reported as such", async () => {
  expect(coqVersion("no-such-coqtop")).toBeUndefined();
  await expect(runCoq([""], { executable: "no-such-coqtop" })).rejects.toMatchObject({
    code: "COQ_MISSING",
  });
});

/** For each of 40 theorems a level, 20 of the deep one: the right script, two corrupted ones, two random walks. */
function drawAttempts(): Attempt[] {
  const random = Random.from(4, "coq");
  return [...LEVELS, DEEP].flatMap((level) =>
    Array.from({ length: level === DEEP ? 20 : 40 }, () =>
      drawTheorem({ split: "test", level, random }),
    ).flatMap((sequent) => {
      const actions = play(sequent, correct, { limit: level.tactics[1] }).moves.map(
        ({ action }) => action,
      );
      const corrupted = [1, 2].map(() => attempts.corrupt(sequentText(sequent), actions, random)!);
      const walks = [noise, mostlyRight].map((policy) =>
        play(sequent, policy, { random, limit: level.steps }).moves.map(({ action }) => action),
      );
      return [actions, ...corrupted, ...walks].map((each) => ({ sequent, actions: each }));
    }),
  );
}

/** The correct method, with now and then any action at all, legal or not. */
function mostlyRight(goal: Goal, random: Random): string {
  const chance = random.uniform();
  if (chance < 0.9) return correct(goal);
  return chance < 0.95 ? random.pick(ACTIONS) : noise(goal, random);
}

function accepted({ sequent, actions }: Attempt): boolean {
  return attempts.isSolved(attempts.run(sequentText(sequent), actions));
}
