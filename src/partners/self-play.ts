/**
 * Asymmetric self-play: the student plays beside a deliberately degraded copy of itself.
 *
 * The partner *solves* tasks of the step; its mistakes go to the corpus. From them come groups for
 * the student: as *diverger* it starts where the partner is about to make its first mistake and must
 * finish right; as *junior's senior* it takes over at a random earlier turn (multi-turn domains);
 * as *critic* it points to the partner's first wrong step. Each such group has its own baseline.
 *
 * The partner is frozen: no arms race, no collusion. A controller keeps the student winning three
 * times in four of the tasks that exactly one of them solves.
 */
import { z } from "zod";
import { degradations, degraded, type DegradeInput } from "./degrade.js";
import { criticOf, critique, critiqueTurns } from "../environments/critic.js";
import type { Environment, Task } from "../environments/environment.js";
import { playProcedure } from "../environments/play-procedure.js";
import { writtenAction, type Model } from "../models/model.js";
import { partnerAttempts } from "./partner.js";
import {
  accuracy,
  type Fork,
  type Group,
  inGroups,
  play,
  repeat,
  type Rollout,
} from "../play/play.js";
import { amount, share, type Options } from "../util/options.js";
import type { SelfPlayState } from "./self-play-state.js";

/** What the student does with the partner's mistakes. */
export const selfPlayRoles = ["diverger", "junior", "critic"] as const;
export type SelfPlayRole = (typeof selfPlayRoles)[number];

/** The keys `selfPlay.*`. */
export const selfPlaySchema = z.strictObject({
  share: share.default(0).describe("Share of a step's groups that self-play takes; 0 is off."),
  operators: z
    .array(z.enum(degradations))
    .min(1)
    .default(["mal-rule", "layers", "noise", "temperature"])
    .describe("Degradations of the partner, in the order in which the controller tries them."),
  roles: z
    .array(z.enum(selfPlayRoles))
    .min(1)
    .default(["diverger"])
    .describe("What the student does with the partner's mistakes, taken in turn."),
  target: share.default(0.75).describe("Win rate of the student that the controller aims at."),
  rate: amount
    .default(0.05)
    .describe("Step of the controller: how far the degree of degradation moves at once."),
  malRule: z
    .string()
    .optional()
    .describe("Procedure of the `mal-rule` operator, by name; one at random by default."),
});

/** How self-play is played. */
export type SelfPlayOptions = Options<typeof selfPlaySchema>;

export interface SelfPlayInput extends DegradeInput {
  readonly environment: Environment;
  readonly student: Model;
  /** This step's ordinary groups: the student's side of the comparison. */
  readonly groups: readonly Group[];
  /** Attempts the student makes from each fork. */
  readonly groupSize: number;
  /** How many groups self-play adds. */
  readonly count: number;
}

/** One round of self-play. */
export interface SelfPlayRound {
  /** The partner's attempts, by task: for the corpus. */
  readonly partner: readonly Group[];
  /** The student's groups at forks and as critic: for learning. */
  readonly groups: readonly Group[];
  readonly critic: readonly Group[];
  readonly state: SelfPlayState;
  /** Of the source in the corpus: `weak:self-play:<operator>`. */
  readonly source: string;
}

/** The partner attempts up to `count` of the step's tasks; the student answers its mistakes. */
export async function selfPlay(
  input: SelfPlayInput,
  state: SelfPlayState,
  options: SelfPlayOptions,
): Promise<SelfPlayRound> {
  const { environment, student, groups, groupSize, count, random } = input;
  const operator = options.operators[state.operator % options.operators.length]!;
  const chosen = random.shuffle(groups).slice(0, count);
  const tasks = repeat(
    chosen.map((g) => g.task),
    partnerAttempts,
  );
  const attempts =
    operator === "mal-rule"
      ? await malRuleAttempts(tasks, input, state.degree, options.malRule)
      : await play(environment, degraded(operator, state.degree, input), tasks, random);
  const partner = inGroups(attempts, partnerAttempts);
  const next = control(state, chosen, partner, options);

  const forks: Fork[] = [];
  const faults: Rollout[] = [];
  for (const [i, { rollouts }] of partner.entries()) {
    const role = options.roles[i % options.roles.length]!;
    const wrong = rollouts.find((r) => r.verdict.firstError !== undefined);
    const fault = wrong?.verdict.firstError;
    if (wrong === undefined || fault === undefined) continue;
    if (role === "critic") {
      if (fitsContext(wrong, input)) faults.push(wrong);
    } else {
      const at = role === "diverger" ? fault.step : 1 + random.below(Math.max(1, fault.step));
      const fork = await replay(environment, wrong, at);
      if (fork !== undefined) forks.push(fork);
    }
  }
  const played = inGroups(
    await play(environment, student, repeat(forks, groupSize), random),
    groupSize,
  );
  const critic = criticOf(environment);
  const judged = inGroups(
    await play(
      critic,
      student,
      repeat(
        faults.map((r) => critique(environment, r)),
        groupSize,
      ),
      random,
    ),
    groupSize,
  );
  return {
    partner,
    groups: played,
    critic: judged,
    state: next,
    source: `weak:self-play:${operator}`,
  };
}

/**
 * Whether the student can read and judge every step of an attempt: a critic sees an action beside an
 * observation, more than the context of a model made for observations need hold.
 */
function fitsContext(
  fault: Rollout,
  { environment, tokenizer, policy, maxActionSymbols }: SelfPlayInput,
): boolean {
  const answer = maxActionSymbols === 1 ? 0 : maxActionSymbols;
  return critiqueTurns(environment, fault).every(
    (turn) => tokenizer.encodePrompt(turn).length + answer <= policy.shape.context,
  );
}

/** Where the attempt stood before its action `at`; undefined at the very start, which is no fork. */
async function replay(
  environment: Environment,
  { task, steps }: Rollout,
  at: number,
): Promise<Fork | undefined> {
  if (at === 0 || at >= steps.length) return undefined;
  const last = steps[at - 1]!;
  const turn = await environment.step(last.state, last.action);
  return turn.terminated || turn.truncated ? undefined : { task, steps: steps.slice(0, at), turn };
}

/** Each attempt follows a mal-rule with probability `degree`, and the student's policy otherwise. */
async function malRuleAttempts(
  tasks: readonly Task[],
  { environment, student, tokenizer, maxActionSymbols, random }: SelfPlayInput,
  degree: number,
  malRule: string | undefined,
): Promise<Rollout[]> {
  const rules = Object.keys(environment.procedures).filter((name) => name !== "correct");
  const spoilt = tasks.map(() => random.uniform() < degree && rules.length > 0);
  const own = await play(
    environment,
    student,
    tasks.filter((_, i) => !spoilt[i]),
    random,
  );
  const scripted: Rollout[] = [];
  for (const task of tasks.filter((_, i) => spoilt[i])) {
    const trajectory = await playProcedure(
      environment,
      task,
      malRule ?? random.pick(rules),
      random,
    );
    scripted.push({
      task,
      steps: trajectory.steps,
      actions: trajectory.steps.map((step) =>
        writtenAction(step.action, step, tokenizer, maxActionSymbols),
      ),
      verdict: await environment.judge(trajectory),
      offPolicy: false,
    });
  }
  return tasks.map((_, i) => (spoilt[i] ? scripted.shift()! : own.shift()!));
}

/** Weight of one round in the averages, and rounds before a partner may be given up. */
const averaging = 0.2;
const patience = 10;

/** Bounds within which a partner is worth playing against. */
const usefulAccuracy = [0.15, 0.85] as const;
const leastSystematic = 0.3;

/**
 * The controller: degree <- clip(degree - eta (w - w*), 0, 1), w the average of
 * P(student solves, partner fails | exactly one solves). A partner whose accuracy leaves
 * [.15, .85], or whose mistakes do not recur, gives way to the next operator.
 */
function control(
  state: SelfPlayState,
  student: readonly Group[],
  partner: readonly Group[],
  { target, rate, operators }: SelfPlayOptions,
): SelfPlayState {
  if (partner.length === 0) return state;
  let [wins, decided, right, repeats, wrongPairs] = [0, 0, 0, 0, 0];
  for (const [i, { rollouts }] of partner.entries()) {
    // One that the environment failed on is not solved.
    const s = accuracy(student[i]!.rollouts.filter((r) => !r.offPolicy && r.guided === undefined));
    const p = accuracy(rollouts);
    wins += s * (1 - p);
    decided += s * (1 - p) + p * (1 - s);
    right += p / partner.length;
    const wrong = rollouts.filter((r) => !r.verdict.correct);
    for (const a of wrong)
      for (const b of wrong)
        if (a !== b) {
          wrongPairs++;
          repeats += Number(a.verdict.answer === b.verdict.answer);
        }
  }
  const blend = (old: number, fresh: number): number => old + averaging * (fresh - old);
  const winRate = decided === 0 ? state.winRate : blend(state.winRate, wins / decided);
  const next: SelfPlayState = {
    ...state,
    winRate,
    degree: Math.min(1, Math.max(0, state.degree - rate * (winRate - target))),
    partnerAccuracy: blend(state.partnerAccuracy, right),
    systematic: wrongPairs === 0 ? state.systematic : blend(state.systematic, repeats / wrongPairs),
    rounds: state.rounds + 1,
  };
  const [low, high] = usefulAccuracy;
  const useless =
    next.partnerAccuracy < low || next.partnerAccuracy > high || next.systematic < leastSystematic;
  if (next.rounds < patience || !useless) return next;
  return { ...next, operator: (next.operator + 1) % operators.length, rounds: 0, degree: 0.5 };
}
