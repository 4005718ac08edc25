/** What tests share: a tiny environment, scripted models and hand-made policies. Not part of the package. */
import { shapeFor } from "../students/recipe.js";
import type { ConfigInput } from "../config/config.js";
import { parseConfig } from "../config/parse.js";
import { LocalEngine } from "../engine/local.js";
import { localPolicy, type LocalPolicy } from "../engine/local-policy.js";
import { parameterCount, parameterLayout, type ModelShape } from "../engine/shape.js";
import type {
  Environment,
  Split,
  Task,
  Trajectory,
  Turn,
  Verdict,
} from "../environments/environment.js";
import type { Action, Model } from "../models/model.js";
import { LexiconTokenizer, type Prompt } from "../models/tokenizer.js";
import type { Group, Rollout } from "../play/play.js";
import type { Preset } from "../students/presets/presets.js";
import { hashText, type Random } from "../util/random.js";
import type { Setup } from "../run/setup.js";
import { runTasks } from "../launch/tasks.js";

export interface CueState {
  readonly cues: string;
  readonly answer: string;
  readonly malformed: boolean;
}

export interface CueEnvironment extends Environment<CueState> {
  start(task: Task): Turn<CueState>;
  step(state: CueState, action: string): Turn<CueState>;
  judge(trajectory: Trajectory<CueState>): Verdict;
}

const rightAction: Readonly<Record<string, string>> = { a: "x", b: "y", c: "x", d: "y" };

/** The right answer to a row of cues. */
export const rightAnswer = (cues: string): string =>
  cues.replaceAll(/[a-d]/g, (cue) => rightAction[cue]!);

const lengths: Readonly<Record<string, number>> = { short: 2, long: 4 };

/** The task of a row of cues. */
export function cueTask(cues: string, split: Split = "train"): Task {
  const level = cues.length === lengths["short"] ? "short" : "long";
  return { id: cues, domain: "cues", level, split, data: cues };
}

function cueTurn(state: CueState): Turn<CueState> {
  const { cues, answer, malformed } = state;
  const terminated = malformed || answer.length === cues.length;
  return {
    state,
    observation: terminated ? "" : cues.charAt(answer.length),
    terminated,
    truncated: false,
  };
}

function judgeCues({ steps, end }: Trajectory<CueState>): Verdict {
  const { cues, answer, malformed } = end.state;
  const right = rightAnswer(cues);
  if (answer === right) return { correct: true, answer, stop: "solved" };
  const step = [...answer].findIndex((action, i) => action !== right[i]);
  const at = step === -1 ? answer.length : step;
  const located =
    at >= steps.length
      ? {}
      : {
          firstError: {
            step: at,
            span: { start: 0, end: steps[at]!.action.length },
            evidence: "test",
            confidence: 1,
            family: "choice",
            detail: "",
            expected: right.charAt(at),
          } as const,
        };
  if (malformed) return { correct: false, answer: "", stop: "malformed", ...located };
  if (answer.length < cues.length)
    return { correct: false, answer: "", stop: "truncated", ...located };
  const signature = ["x", "y"].find((action) => answer === action.repeat(cues.length));
  return {
    correct: false,
    answer,
    stop: "wrong",
    ...located,
    ...(signature === undefined ? {} : { signature: `always-${signature}` }),
  };
}

/**
 * Rows of cues, seen one at a time: `a` and `c` ask for `x`, `b` and `d` for `y`; `z` is always wrong
 * and anything else cannot be read. A wrong action does not end an attempt. The mal-rules `always-x`
 * and `always-y` ignore the cue.
 */
export const cues: CueEnvironment = {
  name: "cues",
  lexicon: { symbols: ["a", "b", "c", "d", "x", "y", "z"], separator: "" },
  levels: ["short", "long"],
  maxSteps: 4,
  maxActionSymbols: 1,
  maxObservationSymbols: 1,
  draw({ split, level, random }) {
    for (;;) {
      const text = Array.from({ length: lengths[level]! }, () => random.pick([..."abcd"])).join("");
      const splits: readonly Split[] = ["train", "train", "validation", "test"];
      if (splits[hashText(text) % 4] === split) return cueTask(text, split);
    }
  },
  start: ({ data }) => cueTurn({ cues: data as string, answer: "", malformed: false }),
  step: (state, action) =>
    cueTurn(
      /^[xyz]$/.test(action)
        ? { ...state, answer: state.answer + action }
        : { ...state, malformed: true },
    ),
  judge: judgeCues,
  procedures: {
    correct: ({ cues: row, answer }) => rightAnswer(row).charAt(answer.length),
    "always-x": () => "x",
    "always-y": () => "y",
    noise: (_state, random) => random.pick(["x", "y", "z"]),
  },
  choices: () => ["x", "y"],
  corrupt: (_task, actions) => ["z", ...actions.slice(1)],
};

export const cueTokenizer: LexiconTokenizer = new LexiconTokenizer(cues.lexicon!);

/** One action of `text` on `observation`, every token with the given log-probabilities. */
export function scriptedAction(
  observation: string,
  text: string,
  {
    tokenizer = cueTokenizer,
    logprob = -1,
    behaviourLogprob = logprob,
    stop = false,
  }: {
    readonly tokenizer?: LexiconTokenizer;
    readonly logprob?: number;
    readonly behaviourLogprob?: number;
    readonly stop?: boolean;
  } = {},
): Action {
  const completion = [...tokenizer.encode(text), ...(stop ? [1] : [])];
  return {
    text,
    prompt: tokenizer.encode(observation),
    completion,
    logprobs: completion.map(() => logprob),
    behaviourLogprobs: completion.map(() => behaviourLogprob),
  };
}

/** A model that acts as `choose` says. */
export function scriptedModel(choose: (observation: string, random: Random) => string): Model {
  return {
    act: (prompts, random) =>
      Promise.resolve(
        prompts.map(({ observation }) => scriptedAction(observation, choose(observation, random))),
      ),
  };
}

/** Observations as prompts. */
export function promptsOf(...observations: string[]): Prompt[] {
  return observations.map((observation) => ({ observation }));
}

/** The attempt at `task` that takes these actions, one character each. */
export function attempt(
  task: Task,
  actions: string,
  options: {
    readonly offPolicy?: boolean;
    readonly logprob?: number;
    readonly behaviourLogprob?: number;
    readonly verdict?: Partial<Verdict>;
    readonly failure?: string;
  } = {},
): Rollout {
  let turn = cues.start(task);
  const steps: { state: CueState; observation: string; action: string }[] = [];
  for (const action of actions) {
    const { state, observation } = turn;
    steps.push({ state, observation, action });
    turn = cues.step(state, action);
  }
  const { offPolicy = false, failure, verdict, ...logprobs } = options;
  return {
    task,
    steps,
    actions: steps.map((s) => scriptedAction(s.observation, s.action, logprobs)),
    verdict: { ...cues.judge({ task, steps, end: turn }), ...verdict },
    offPolicy,
    ...(failure === undefined ? {} : { failure }),
  };
}

/** Attempts at the row of cues, as a group. */
export function groupOf(row: string, attempts: readonly string[]): Group {
  const task = cueTask(row);
  return { task, rollouts: attempts.map((actions) => attempt(task, actions)) };
}

/** Probabilities of actions after each cue; what is left out has next to none. */
export type CueTable = Readonly<Record<string, Readonly<Record<string, number>>>>;

/**
 * A policy made by hand: attention and feed-forward blocks of zeros, so the next token depends on
 * the last one alone, with the probabilities of `table`.
 */
export function cuePolicy(table: CueTable): LocalPolicy {
  const width = 16;
  const shape: ModelShape = shapeFor(cues as Environment, cueTokenizer, {
    width,
    layers: 1,
    heads: 1,
    feedForward: 8,
  });
  const weights = new Float32Array(parameterCount(shape));
  const layout = new Map(parameterLayout(shape).map((p) => [p.name, p]));
  for (const { shape: dimensions, offset, size } of layout.values())
    if (dimensions.length === 1) weights.fill(1, offset, offset + size); // norm gains
  const embedding = layout.get("model.embed_tokens.weight")!;
  const unembedding = layout.get("lm_head.weight")!;
  const scale = Math.sqrt(1 / width + shape.normEpsilon); // one over what a unit vector is normalised to
  for (let token = 0; token < shape.vocabulary; token++)
    weights[embedding.offset + token * width + token] = 1;
  for (const [cue, actions] of Object.entries(table)) {
    const from = cueTokenizer.encode(cue)[0]!;
    for (let token = 0; token < shape.vocabulary; token++) {
      const probability = actions[cueTokenizer.decode([token])] ?? 0;
      const logit = probability > 0 ? Math.log(probability) : -30;
      weights[unembedding.offset + token * width + from] = logit * scale;
    }
  }
  return localPolicy(shape, weights);
}

/** A table that gives every cue the same distribution. */
export function regardless(actions: Readonly<Record<string, number>>): CueTable {
  return Object.fromEntries([..."abcd"].map((cue) => [cue, actions]));
}

/** A table that takes each cue's right action with probability `p`, and else the other of x and y. */
export function rightWith(p: number): CueTable {
  return Object.fromEntries(
    [..."abcd"].map((cue) => [
      cue,
      { [rightAction[cue]!]: p, [rightAction[cue] === "x" ? "y" : "x"]: 1 - p },
    ]),
  );
}

/** A run's setup with hand-made models. */
export function cueSetup(options: {
  readonly student: CueTable;
  readonly partners?: Readonly<Record<string, CueTable>>;
  readonly config?: ConfigInput;
  readonly preset?: Partial<Preset>;
}): Setup {
  const environment = cues as Environment;
  const recipe = { size: { width: 16, layers: 1, heads: 1, feedForward: 8 }, seed: 1, stages: [] };
  const preset: Preset = {
    name: "cues",
    description: "",
    environment: () => environment,
    levels: ["long"],
    kind: "injected",
    bug: "always-x",
    student: recipe,
    partners: Object.fromEntries(Object.keys(options.partners ?? {}).map((name) => [name, recipe])),
    config: {},
    ...options.preset,
  };
  const config = parseConfig({ evaluationTasks: 10, pool: 100, ...options.config });
  return {
    config,
    preset,
    environment,
    engine: new LocalEngine(),
    tokenizer: cueTokenizer,
    base: cuePolicy(options.student),
    partners: new Map(
      Object.entries(options.partners ?? {}).map(([name, table]) => [name, cuePolicy(table)]),
    ),
    ...runTasks({ environment, preset, config }),
  };
}
