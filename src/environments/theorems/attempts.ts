/** Attempts at theorems by tactics: what `proof` and `rewriting` have in common. */
import { ErrataError } from "../../util/error.js";
import type { Random } from "../../util/random.js";
import type { Json, StepVerdict, Trajectory, Turn, Verdict } from "../environment.js";

/** Confidence that the last step of an attempt that lost nothing and went nowhere is its error. */
export const NO_PROGRESS_CONFIDENCE = 0.3;

/** Why a tactic was refused. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** A proof under way, with its open goals; tactics act on the first. Immutable. */
export interface ProofUnderWay<G> {
  readonly goals: readonly G[];
}

/** One attempt as the environment sees it. Immutable: keeping an old state is a fork. */
export interface AttemptState<D> {
  readonly development: D;
  /** Actions taken, refused ones included. */
  readonly steps: number;
  readonly refusal?: Refusal;
}

/** A goal and the action taken on it. */
export interface TacticMove<G> {
  readonly goal: G;
  readonly action: string;
}

/** A logic with its tactics T, goals G and proofs under way D. */
export interface Calculus<G, D extends ProofUnderWay<G>, T> {
  /** The environment's. */
  readonly name: string;
  /** Most tactics in one attempt. */
  readonly maxSteps: number;
  /** All actions. */
  readonly actions: readonly string[];
  /** The proof before the first tactic of a theorem given as text. */
  develop(text: string): D;
  parse(action: string): T | undefined;
  apply(development: D, tactic: T): D | Refusal;
  /** Whether nothing is open and the kernel agrees. */
  isProved(development: D): boolean;
  /** What a policy sees of the first open goal. */
  observe(development: D, goal: G): string;
  /** Actions that apply to a goal. */
  legal(goal: G, development: D): readonly string[];
  /** The decision procedure. */
  isProvable(goal: G, development: D): boolean;
  /** What is said of a move after which `lost` is open and cannot be proved. */
  blame(move: TacticMove<G>, lost: G): Pick<StepVerdict, "family" | "detail">;
  /** What the correct method plays, where that loses nothing. */
  expected(goal: G, development: D): string | undefined;
  /** The systematic error behind a first error of a family, which the last of the moves made. */
  signature(moves: readonly TacticMove<G>[], family: string): string | undefined;
}

/** Plays, grades and corrupts attempts in a calculus. */
export class TacticAttempts<G, D extends ProofUnderWay<G>, T> {
  readonly #calculus: Calculus<G, D, T>;

  constructor(calculus: Calculus<G, D, T>) {
    this.#calculus = calculus;
  }

  /**
   * The state before the first tactic of a theorem.
   * @throws ErrataError `PROOF_TASK`, with the domain's name in place of `PROOF`, when `data` is no text;
   *   what the domain throws when it is no theorem.
   */
  start(data: Json): AttemptState<D> {
    const { name } = this.#calculus;
    if (typeof data === "string") return { development: this.#calculus.develop(data), steps: 0 };
    throw new ErrataError(`a ${name} task holds a sequent as text, not ${JSON.stringify(data)}`, {
      code: `${name.toUpperCase()}_TASK`,
      hint: `take tasks from ${name}().draw or ${name}Task`,
    });
  }

  /** The state after an action; a state that is over stays as it is. */
  act(state: AttemptState<D>, action: string): AttemptState<D> {
    if (this.isOver(state)) return state;
    const { development } = state;
    const steps = state.steps + 1;
    const tactic = this.#calculus.parse(action);
    if (tactic === undefined) {
      const message = `${JSON.stringify(action)} is no tactic`;
      return { development, steps, refusal: { code: "malformed", message } };
    }
    const next = this.#calculus.apply(development, tactic);
    return "code" in next ? { development, steps, refusal: next } : { development: next, steps };
  }

  /** The state after a whole script. */
  run(data: Json, actions: readonly string[]): AttemptState<D> {
    return actions.reduce((state, action) => this.act(state, action), this.start(data));
  }

  /** Proved, refused or out of steps. */
  isOver({ development, steps, refusal }: AttemptState<D>): boolean {
    const { maxSteps } = this.#calculus;
    return refusal !== undefined || development.goals.length === 0 || steps >= maxSteps;
  }

  /** Whether nothing is open and the kernel agrees. */
  isSolved({ development, refusal }: AttemptState<D>): boolean {
    return refusal === undefined && this.#calculus.isProved(development);
  }

  /** What a policy sees of a state. */
  turnAt(state: AttemptState<D>): Turn<AttemptState<D>> {
    const { development, refusal } = state;
    const [goal] = development.goals;
    const terminated = refusal !== undefined || goal === undefined;
    const over = this.isOver(state);
    return {
      state,
      observation: over ? "" : this.#calculus.observe(development, goal!),
      terminated,
      truncated: !terminated && over,
    };
  }

  /**
   * Grades by replaying the actions on the task alone: correct only if no goal is left and the kernel
   * accepts the proof of the task's theorem.
   *
   * The first error is the first step that is refused (evidence `kernel`) or leaves a goal that
   * cannot be proved (evidence `oracle`, by the decision procedure), whichever comes first. An attempt
   * that lost nothing and was cut off has its last step blamed, with evidence `heuristic`.
   *
   * `answer` holds the actions up to the first error, `expected` what the correct method plays there.
   * On a theorem that cannot be proved, which is never drawn, only a refused step is an error.
   */
  judge({ task, steps }: Pick<Trajectory<unknown>, "task" | "steps">): Verdict {
    let state = this.start(task.data);
    const provable = state.development.goals.every((goal) =>
      this.#calculus.isProvable(goal, state.development),
    );
    const moves: TacticMove<G>[] = [];
    let firstError: StepVerdict | undefined;
    for (const { action } of steps) {
      if (this.isOver(state)) break;
      const before = state.development;
      state = this.act(state, action);
      if (firstError !== undefined) continue;
      moves.push({ goal: before.goals[0]!, action });
      firstError = this.#refused(moves, state);
      if (provable) firstError ??= this.#fatal(moves, state, before.goals.length - 1);
    }

    const answer = moves.map(({ action }) => action).join("; ");
    if (this.isSolved(state)) return { correct: true, answer, stop: "solved" };
    if (provable) firstError ??= this.#last(moves, state);
    const signature = firstError && this.#calculus.signature(moves, firstError.family);
    return {
      correct: false,
      answer,
      stop: stopOf(state),
      ...(firstError === undefined ? {} : { firstError }),
      ...(signature === undefined ? {} : { signature }),
    };
  }

  /** The error of the last move, if it was refused. */
  #refused(moves: readonly TacticMove<G>[], state: AttemptState<D>): StepVerdict | undefined {
    if (state.refusal === undefined) return undefined;
    const { code: family, message: detail } = state.refusal;
    return { ...this.#located(moves, state), evidence: "kernel", confidence: 1, family, detail };
  }

  /** The error of the last move, if it opened a goal that cannot be proved; `others` were open before. */
  #fatal(
    moves: readonly TacticMove<G>[],
    state: AttemptState<D>,
    others: number,
  ): StepVerdict | undefined {
    const { goals } = state.development;
    const opened = goals.slice(0, goals.length - others);
    const lost = opened.find((goal) => !this.#calculus.isProvable(goal, state.development));
    if (lost === undefined) return undefined;
    const said = this.#calculus.blame(moves.at(-1)!, lost);
    return { ...this.#located(moves, state), evidence: "oracle", confidence: 1, ...said };
  }

  /** An attempt that lost nothing: blame its last step, without conviction. */
  #last(moves: readonly TacticMove<G>[], state: AttemptState<D>): StepVerdict | undefined {
    if (moves.length === 0) return undefined;
    return {
      ...this.#located(moves, state),
      evidence: "heuristic",
      confidence: NO_PROGRESS_CONFIDENCE,
      family: "no-progress",
      detail: `every goal could still be proved after ${moves.length} tactics, but the attempt ended`,
    };
  }

  #located(
    moves: readonly TacticMove<G>[],
    { development }: AttemptState<D>,
  ): Pick<StepVerdict, "step" | "span" | "expected"> {
    const { goal, action } = moves.at(-1)!;
    const expected = this.#calculus.expected(goal, development);
    return {
      step: moves.length - 1,
      span: { start: 0, end: action.length },
      ...(expected === undefined ? {} : { expected }),
    };
  }

  /**
   * The script with one action replaced such that it no longer proves the theorem, tried out on the
   * engine. A place is tried with every other tactic that applies there, in random order, before a
   * refused one. Undefined for a script that proves nothing.
   */
  corrupt(data: Json, script: readonly string[], random: Random): string[] | undefined {
    const { actions } = this.#calculus;
    const states = [this.start(data)];
    for (const action of script) states.push(this.act(states.at(-1)!, action));
    if (!this.isSolved(states.at(-1)!)) return undefined;
    for (const place of random.shuffle(script.map((_, index) => index))) {
      const { development } = states[place]!;
      const [goal] = development.goals;
      if (goal === undefined) continue; // an action after the end
      const fitting = this.#calculus.legal(goal, development);
      const refused = actions.filter((action) => !fitting.includes(action));
      for (const action of [...random.shuffle(fitting), ...random.shuffle(refused)]) {
        if (action === script[place]) continue;
        const changed = script.with(place, action);
        const rest = changed.slice(place);
        const end = rest.reduce((state, each) => this.act(state, each), states[place]!);
        if (!this.isSolved(end)) return changed;
      }
    }
    return undefined;
  }
}

function stopOf<G>({ development, refusal }: AttemptState<ProofUnderWay<G>>): Verdict["stop"] {
  if (refusal !== undefined) return refusal.code === "malformed" ? "malformed" : "rejected";
  return development.goals.length === 0 ? "wrong" : "truncated";
}
