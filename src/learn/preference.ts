/** Preferences instead of advantages: the student's right attempt over a weak partner's wrong one. */
import { actionSequence } from "../models/model.js";
import type { Engine, Policy, Target, TrainingSequence } from "../engine/engine.js";
import { playPartners, type Players } from "../partners/partner.js";
import type { Group, Rollout } from "../play/play.js";
import type { Random } from "../util/random.js";

/** Strength of DPO's implicit KL constraint. */
const beta = 0.1;

/** A preferred and a rejected attempt at one task. */
export interface Pair {
  readonly preferred: Rollout;
  readonly rejected: Rollout;
}

/**
 * One pair for each task that the student has solved and a weak partner, asked now, fails: a
 * random right attempt of the one, a random wrong attempt of the other.
 */
export async function preferencePairs(
  players: Players,
  groups: readonly Group[],
  random: Random,
): Promise<Pair[]> {
  const tasks = groups.filter((g) => g.rollouts.some((r) => r.verdict.correct)).map((g) => g.task);
  if (tasks.length === 0) return [];
  const partners = await playPartners(players, players.partners.names, tasks, random);
  const usable = (r: Rollout): boolean => r.failure === undefined;
  return tasks.flatMap((task) => {
    const own = groups.find((g) => g.task === task)!.rollouts;
    const weak = partners.flatMap((p) => p.groups.find((g) => g.task === task)?.rollouts ?? []);
    const right = own.filter((r) => usable(r) && r.verdict.correct);
    const wrong = weak.filter((r) => usable(r) && !r.verdict.correct);
    return right.length === 0 || wrong.length === 0
      ? []
      : [{ preferred: random.pick(right), rejected: random.pick(wrong) }];
  });
}

/**
 * DPO (arXiv:2305.18290) as token coefficients: with the margin
 * m = beta ((l_w - l_w0) - (l_r - l_r0)) of sequence log-probs under the student and its initial
 * weights, the gradient of -log sigmoid(m) is that of -c l_w + c l_r, c = beta sigmoid(-m). Exact
 * for one optimizer step a batch, all that the configuration allows.
 */
export async function preferenceSequences(
  engine: Engine,
  student: Policy,
  reference: Policy,
  pairs: readonly Pair[],
): Promise<TrainingSequence[]> {
  const rollouts = pairs.flatMap(({ preferred, rejected }) => [preferred, rejected]);
  const actions = rollouts.map((r) => r.actions.map(actionSequence));
  const [own, initial] = [
    await engine.logprobs(student, actions.flat()),
    await engine.logprobs(reference, actions.flat()),
  ];
  let at = 0;
  const spans = actions.map((list) => {
    const start = at;
    at += list.reduce((n, a) => n + a.targets.length, 0);
    return { start, end: at };
  });
  const gain = ({ start, end }: { start: number; end: number }): number => {
    let sum = 0;
    for (let t = start; t < end; t++) sum += own[t]! - initial[t]!;
    return sum;
  };
  return actions.flatMap((list, i) => {
    const pair = i - (i % 2);
    const margin = beta * (gain(spans[pair]!) - gain(spans[pair + 1]!));
    const weight = beta / (1 + Math.exp(margin)) / pairs.length;
    let t = spans[i]!.start;
    return list.map(({ tokens, targets }) => ({
      tokens,
      targets: targets.map((target): Target => ({
        ...target,
        component: "policy",
        coefficient: i % 2 === 0 ? weight : -weight,
        logprob: own[t++]!,
      })),
    }));
  });
}
