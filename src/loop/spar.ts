/** Self-play's part in a step. Where it is off it draws nothing and changes nothing: the run is the same, byte for byte. */
import { selfPlay, type SelfPlayRound } from "../partners/self-play.js";
import { studentModel } from "../play/explore.js";
import type { Group } from "../play/play.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";
import type { Random } from "../util/random.js";
import { charged } from "./charged.js";

/** How many of a step's groups self-play takes. */
export function sparringGroups({ selfPlay: { share }, tasksPerStep }: Setup["config"]): number {
  return Math.round(share * tasksPerStep);
}

/** A round against the degraded partner; undefined where self-play is off. */
export async function spar(
  run: Run,
  setup: Setup,
  groups: readonly Group[],
  random: Random,
): Promise<SelfPlayRound | undefined> {
  const { config, environment, engine, tokenizer, base } = setup;
  const count = sparringGroups(config);
  if (count === 0) return undefined;
  const { student } = run.state;
  const round = await run.ledger.charge("weak", 0, () =>
    selfPlay(
      {
        environment,
        engine,
        tokenizer,
        maxActionSymbols: environment.maxActionSymbols,
        policy: student,
        initial: base,
        student: charged(run, studentModel(setup, student)),
        groups,
        groupSize: config.groupSize,
        count,
        random,
      },
      run.state.selfPlay,
      config.selfPlay,
    ),
  );
  const rollouts = (list: readonly Group[]): number =>
    list.reduce((n, g) => n + g.rollouts.length, 0);
  run.ledger.addRollouts("weak", rollouts(round.partner));
  run.ledger.addRollouts("student", rollouts(round.groups) + rollouts(round.critic));
  return round;
}
