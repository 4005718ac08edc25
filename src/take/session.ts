/** One task at a time: the student acts, somebody may act in its place, the environment judges. */
import { LocalEngine } from "../engine/local.js";
import type { Environment, Split, Step, Task, Turn, Verdict } from "../environments/environment.js";
import { stepAt } from "../environments/play-procedure.js";
import { PolicyModel, type Action } from "../models/model.js";
import { Random } from "../util/random.js";
import type { Taken, TakenRun } from "./source.js";

/** A task being played. */
export class TaskSession {
  readonly task: Task;
  readonly #environment: Environment;
  readonly #model: PolicyModel;
  readonly #random: Random;
  readonly #steps: Step<unknown>[] = [];
  #turn: Turn<unknown>;

  constructor(environment: Environment, model: PolicyModel, task: Task, random: Random) {
    this.task = task;
    this.#environment = environment;
    this.#model = model;
    this.#random = random;
    this.#turn = environment.start(task);
  }

  /** What the student sees; empty when the task is over. */
  get observation(): string {
    return this.over ? "" : this.#turn.observation;
  }

  get over(): boolean {
    return this.#turn.terminated || this.#turn.truncated;
  }

  /** Actions taken so far. */
  get length(): number {
    return this.#steps.length;
  }

  /** What the student would do now; each call draws anew. */
  async propose(): Promise<Action> {
    const [action] = await this.#model.act([this.#turn], this.#random);
    return action!;
  }

  /** Takes an action, whoever thought of it. */
  async take(action: string): Promise<void> {
    this.#steps.push(stepAt(this.#turn, action));
    this.#turn = await this.#environment.step(this.#turn.state, action);
  }

  verdict(): Verdict | Promise<Verdict> {
    return this.#environment.judge({ task: this.task, steps: this.#steps, end: this.#turn });
  }
}

/** Tasks of a run's environment, for its student. */
export class TaskSource {
  readonly #run: TakenRun;
  readonly #model: PolicyModel;
  readonly #split: Split;
  readonly #seed: number;
  #count = 0;

  constructor(
    taken: Taken,
    run: TakenRun,
    {
      split,
      seed,
      temperature,
    }: { readonly split: Split; readonly seed: number; readonly temperature: number },
  ) {
    this.#run = run;
    this.#split = split;
    this.#seed = seed;
    this.#model = new PolicyModel({
      engine: new LocalEngine(),
      policy: taken.policy,
      tokenizer: taken.words.tokenizer,
      maxActionSymbols: run.environment.maxActionSymbols,
      ...(temperature === 0 ? { greedy: true } : { temperature }),
    });
  }

  /** A task, of one of the levels that the run trains on. */
  next(): TaskSession {
    const { environment, levels } = this.#run;
    const random = Random.from(this.#seed, `chat:${this.#count++}`);
    const task = environment.draw({ split: this.#split, level: random.pick(levels), random });
    return new TaskSession(environment, this.#model, task, random);
  }
}
