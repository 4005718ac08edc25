/** The progress of base models and of training, for people. */
import type { MetricsLine, StepMetrics } from "../metrics.js";
import type { BuildProgress } from "../prepare.js";
import { count, duration, type Terminal } from "./terminal.js";

/** Shows the training of base models: one updating line, or a plain line a model. */
export function showBuild(terminal: Terminal): (progress: BuildProgress) => void {
  let announced = "";
  return ({ model, stage, stages, step, steps, loss }) => {
    if (model !== announced && !terminal.live) terminal.print(`training the base model "${model}"`);
    announced = model;
    const part = stages === 1 ? "" : `, stage ${stage + 1} of ${stages}`;
    terminal.status(
      `training the base model "${model}"${part}: step ${step + 1}/${steps}, loss ${loss.toFixed(3)}`,
    );
    if (stage + 1 === stages && step + 1 === steps) terminal.status("");
  };
}

/** How far one run is, from its metrics lines. */
export class TrainingProgress {
  readonly #steps: number;
  #step: StepMetrics | undefined;
  #accuracy: number | undefined;
  #admitted = 0;
  readonly #groups: number;
  #clock: { readonly at: number; readonly step: number } | undefined;

  /** Of a run of `steps` steps, each of `groups` groups. */
  constructor(steps: number, groups: number) {
    this.#steps = steps;
    this.#groups = groups;
  }

  /** Takes one line in; `admitted` are the mistakes admitted so far. Tells whether it is an evaluation. */
  add(line: MetricsLine, admitted: number = this.#admitted): boolean {
    this.#admitted = admitted;
    if ("eval/accuracy" in line) {
      this.#accuracy = line["eval/accuracy"];
      return true;
    }
    if ("rollout/accuracy" in line) {
      this.#step = line;
      // The first step also collects the weak partners' mistakes: it says nothing of the others.
      this.#clock ??= { at: performance.now(), step: line.step };
    }
    return false;
  }

  /** Steps finished. */
  get done(): number {
    return this.#step === undefined ? 0 : this.#step.step + 1;
  }

  /** Step and accuracy: what fits beside another run's. */
  summary(): string {
    const accuracy = this.#accuracy === undefined ? "" : ` acc ${this.#accuracy.toFixed(2)}`;
    const stuck =
      this.#step === undefined ? "" : ` stuck ${this.#step["group/stuck"]}/${this.#groups}`;
    const mistakes = this.#admitted === 0 ? "" : ` mistakes ${count(this.#admitted)}`;
    return `${this.done}/${this.#steps}${accuracy}${stuck}${mistakes}`;
  }

  /** One line: step, accuracy, reward, stuck groups, mistakes, time left. */
  line(): string {
    const parts = [`step ${this.done}/${this.#steps}`];
    if (this.#accuracy !== undefined) parts.push(`accuracy ${this.#accuracy.toFixed(3)}`);
    if (this.#step !== undefined) {
      parts.push(`reward ${this.#step["reward/mean"].toFixed(3)}`);
      parts.push(`stuck ${this.#step["group/stuck"]}/${this.#groups}`);
      parts.push(`mistakes ${count(this.#admitted)}`);
    }
    const left = this.secondsLeft();
    if (left !== undefined) parts.push(`${duration(left)} left`);
    return parts.join("  ");
  }

  /** Undefined until two steps are done. */
  secondsLeft(): number | undefined {
    if (this.#clock === undefined || this.#step === undefined) return undefined;
    const steps = this.#step.step - this.#clock.step;
    if (steps === 0) return undefined;
    const each = (performance.now() - this.#clock.at) / 1000 / steps;
    return each * (this.#steps - this.done);
  }
}
