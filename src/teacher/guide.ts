/**
 * Guide: how a teacher enters a step, where the student stays stuck without it.
 *
 * Forms, weakest first: `hint`, the student finishes what the teacher began (BREAD, arXiv:2506.17211;
 * Guide-GRPO, arXiv:2506.13923), the given steps untrained; `kl`, the tokens of the student's own
 * first wrong step are pulled towards the teacher's distribution (on-policy distillation,
 * arXiv:2306.13649); `trace`, one attempt of the group is the teacher's (LUFFY, arXiv:2504.14945).
 */
import type { Engine } from "../engine/engine.js";
import type { Environment, Step, Task, Turn } from "../environments/environment.js";
import { stepAt } from "../environments/play-procedure.js";
import type { RolloutSignal, ScoredGroup } from "../learn/sequences.js";
import { actionSequence, writtenAction, type Action, type Model } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import { accuracy, type Fork, type Group, play, repeat, type Rollout } from "../play/play.js";
import type { Random } from "../util/random.js";
import type { TeacherBudget } from "./budget.js";
import type { GuideOptions } from "./options.js";
import type { Demonstration, Teacher } from "./teacher.js";

/** One step's groups after the teacher had its say. */
export interface Guided {
  readonly groups: readonly Group[];
  /** Groups the teacher took part in. */
  readonly calls: number;
  /** Of those, groups with a right attempt because of it. */
  readonly helped: number;
  /** Groups whose tokens `kl` pulls. */
  readonly pulled: ReadonlySet<Group>;
}

/** What {@link guide} works with. */
export interface GuideInput {
  readonly environment: Environment;
  readonly tokenizer: Tokenizer;
  readonly student: Model;
  /** Log-probs of targets under the student, in order. */
  readonly score: (
    sequences: readonly ReturnType<typeof actionSequence>[],
  ) => Promise<Float32Array>;
  readonly teacher: Teacher;
  readonly budget: TeacherBudget;
  /** Visits in a row, before this one, that left the task unsolved. */
  readonly stuckVisits: (task: Task) => number;
  readonly random: Random;
}

/**
 * Asks the teacher about the groups that need it, within its budget. `hint` replaces the second
 * half of a group, `trace` its last attempt; `kl` changes no attempt.
 */
export async function guide(
  groups: readonly Group[],
  input: GuideInput,
  options: GuideOptions,
): Promise<Guided> {
  const { budget, teacher, stuckVisits, random } = input;
  const needy = groups.filter(
    (group) =>
      options.when === "always" ||
      (accuracy(group.rollouts) === 0 && stuckVisits(group.task) >= options.after),
  );
  if (options.form === "kl") {
    const pulled = needy.filter(() => budget.take());
    budget.watchPulls(
      pulled,
      needy.filter((group) => !pulled.includes(group)),
    );
    return { groups, calls: pulled.length, helped: 0, pulled: new Set(pulled) };
  }
  // What a call costs is known after it: where tokens or money are limited, one is asked at a time.
  const limited = Math.min(options.tokens, options.money) < Number.MAX_SAFE_INTEGER;
  const size = limited ? 1 : Math.max(1, needy.length);
  const changed = new Map<Group, Group>();
  let calls = 0;
  for (let at = 0; at < needy.length; at += size) {
    const chosen = needy.slice(at, at + size).filter(() => budget.take());
    if (chosen.length === 0) continue;
    calls += chosen.length;
    const demonstrations = await teacher.demonstrate(
      chosen.map((g) => g.task),
      random,
    );
    for (const [i, group] of chosen.entries()) {
      const shown = demonstrations[i];
      if (shown === undefined) continue;
      const rollouts = await withTeacher(group, shown, input, options.form);
      const took = rollouts.filter((r) => r.guided !== undefined);
      const own = group.rollouts.filter((r) => !r.offPolicy);
      changed.set(group, { task: group.task, rollouts });
      budget.record({
        tokens: shown.tokens,
        money: (shown.tokens * options.price) / 1e6,
        gain: took.length === 0 ? 0 : accuracy(took) - accuracy(own),
      });
    }
  }
  const helped = [...changed].filter(
    ([before, after]) => accuracy(before.rollouts) === 0 && accuracy(after.rollouts) > 0,
  ).length;
  return {
    groups: groups.map((g) => changed.get(g) ?? g),
    calls,
    helped,
    pulled: new Set(),
  };
}

/** The group with the teacher's part; as it was where the teacher's actions cannot be read. */
function withTeacher(
  group: Group,
  shown: Demonstration,
  input: GuideInput,
  form: "hint" | "trace",
): Promise<readonly Rollout[]> {
  return form === "hint" ? hinted(group, shown, input) : withTrace(group, shown, input);
}

/** Undefined where it fails. For what a teacher's words alone can break: the engine takes no part in it. */
const ifReadable = <T>(read: Promise<T>): Promise<T | undefined> => read.catch(() => undefined);

/**
 * The group with its second half played from the teacher's first steps: as many as the median
 * attempt got right, and one more, but never the last.
 */
async function hinted(
  group: Group,
  { actions }: Demonstration,
  { environment, student, random }: GuideInput,
): Promise<Rollout[]> {
  const half = group.rollouts.length / 2;
  const wrong = group.rollouts.flatMap((r) => r.verdict.firstError?.step ?? []);
  const median = wrong.sort((a, b) => a - b)[Math.floor(wrong.length / 2)] ?? 0;
  const length = Math.min(median + 1, actions.length - 1);
  // What is solved in one action leaves nothing to begin.
  const fork =
    length < 1
      ? undefined
      : await ifReadable(forkAt(environment, group.task, actions.slice(0, length)));
  const own = group.rollouts.slice(0, half);
  if (fork === undefined) return [...group.rollouts];
  const played = await play(
    environment,
    student,
    repeat([fork], group.rollouts.length - half),
    random,
  );
  return [...own, ...played.map((r): Rollout => ({ ...r, guided: "hint" }))];
}

/** Where a task stands after `actions`; undefined when the episode is over by then. */
export async function forkAt(
  environment: Environment,
  task: Task,
  actions: readonly string[],
): Promise<Fork | undefined> {
  const steps: Step<unknown>[] = [];
  let turn: Turn<unknown> = environment.start(task);
  for (const action of actions) {
    if (turn.terminated || turn.truncated) return undefined;
    steps.push(stepAt(turn, action));
    turn = await environment.step(turn.state, action);
  }
  return turn.terminated || turn.truncated ? undefined : { task, steps, turn };
}

/** The group with its last attempt replaced by the teacher's, in the student's tokens. */
async function withTrace(
  group: Group,
  { actions }: Demonstration,
  { environment, tokenizer, score, random }: GuideInput,
): Promise<Rollout[]> {
  let next = 0;
  const scripted: Model = {
    act: async (prompts) =>
      prompts.map((prompt) =>
        writtenAction(actions[next++] ?? "", prompt, tokenizer, environment.maxActionSymbols),
      ),
  };
  const played = await ifReadable(
    play(environment, scripted, [group.task], random, { offPolicy: true }),
  );
  const trace = played?.[0];
  if (trace === undefined) return [...group.rollouts];
  const logprobs = await score(trace.actions.map(actionSequence));
  let at = 0;
  const scored = trace.actions.map((action): Action => {
    const own = Array.from(logprobs.subarray(at, (at += action.completion.length)));
    return { ...action, logprobs: own, behaviourLogprobs: own };
  });
  return [...group.rollouts.slice(0, -1), { ...trace, actions: scored, guided: "trace" }];
}

/** LUFFY's gamma, and the largest pull of one token. */
const shaping = 0.1;
const largestPull = 5;

/**
 * Signals with the teacher's part: a trace's tokens weigh A gamma pi / (pi + gamma)^2, the gradient of
 * LUFFY's A pi / (pi + gamma); pulled groups get `weight (log q - log pi)` on the sampled tokens, the
 * one-sample gradient of the reverse KL to the teacher's q.
 */
export async function teacherSignals(
  scored: readonly ScoredGroup[],
  { engine, teacher }: { readonly engine: Engine; readonly teacher: Teacher },
  pulled: ReadonlySet<Group>,
  options: Pick<GuideOptions, "weight" | "pulls">,
): Promise<ScoredGroup[]> {
  const pulling = await pullTokens(scored, engine, teacher, pulled, options);
  return scored.map(({ group, signals }) => ({
    group,
    signals: signals.map((signal, i): RolloutSignal => {
      const rollout = group.rollouts[i]!;
      const pull = pulling.get(rollout);
      if (pull !== undefined) return { ...signal, tokens: pull };
      if (rollout.guided !== "trace") return signal;
      const tokens = rollout.actions.map(({ logprobs }) =>
        logprobs.map((l) => {
          const p = Math.exp(l);
          return (signal.advantage * shaping * p) / (p + shaping) ** 2;
        }),
      );
      return { advantage: 0, charge: 0, tokens };
    }),
  }));
}

async function pullTokens(
  scored: readonly ScoredGroup[],
  engine: Engine,
  teacher: Teacher,
  pulled: ReadonlySet<Group>,
  { weight, pulls }: Pick<GuideOptions, "weight" | "pulls">,
): Promise<Map<Rollout, number[][]>> {
  const pulling = new Map<Rollout, number[][]>();
  const { policyFor } = teacher;
  if (pulled.size === 0 || policyFor === undefined) return pulling;
  const places = scored.flatMap(({ group }) =>
    pulled.has(group)
      ? group.rollouts.flatMap((rollout) =>
          rollout.actions.flatMap((action, step) =>
            action.completion.length > 0 &&
            (pulls === "all" || rollout.verdict.firstError?.step === step)
              ? [{ rollout, action, step }]
              : [],
          ),
        )
      : [],
  );
  const policies = places.map(({ rollout }) => policyFor(rollout.task));
  for (const policy of new Set(policies)) {
    const taught = places.filter((_, i) => policies[i] === policy);
    const logprobs = await engine.logprobs(
      policy,
      taught.map(({ action }) => actionSequence(action)),
    );
    let at = 0;
    for (const { rollout, action, step } of taught) {
      const pull = action.logprobs.map((l) => {
        const gap = Math.max(-largestPull, Math.min(largestPull, logprobs[at++]! - l));
        return weight * gap;
      });
      const own = pulling.get(rollout) ?? rollout.actions.map(() => []);
      own[step] = pull;
      pulling.set(rollout, own);
    }
  }
  return pulling;
}
