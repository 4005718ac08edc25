/** The progress of base models and of training, for people. */
import type { MetricsLine, StepMetrics } from "../watch/metrics.js";
import type { BuildProgress } from "../students/models.js";
import type { RunProgress } from "../launch/process.js";
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
  #tokens = 0;
  readonly #groups: number;
  #clock: { readonly at: number; readonly step: number; readonly tokens: number } | undefined;

  /** Of a run of `steps` steps, each of `groups` groups. */
  constructor(steps: number, groups: number) {
    this.#steps = steps;
    this.#groups = groups;
  }

  /** Takes one line in, with what was done so far. Tells whether it is an evaluation. */
  add(line: MetricsLine, { admitted, tokens }: Pick<RunProgress, "admitted" | "tokens">): boolean {
    this.#admitted = admitted;
    this.#tokens = tokens;
    if ("eval/accuracy" in line) {
      this.#accuracy = line["eval/accuracy"];
      return true;
    }
    if ("rollout/accuracy" in line) {
      this.#step = line;
      // The first step also collects the weak partners' mistakes: it says nothing of the others.
      this.#clock ??= { at: performance.now(), step: line.step, tokens };
    }
    return false;
  }

  /** Steps finished. */
  get done(): number {
    return this.#step === undefined ? 0 : this.#step.step + 1;
  }

  /** How far the run is as a bar of 20 places, what it can do, and before its first step what it waits for. */
  bar(): string {
    const full = Math.round((20 * this.done) / this.#steps);
    const accuracy =
      this.#accuracy === undefined ? "" : `  solves ${Math.round(100 * this.#accuracy)}%`;
    const waits =
      this.#accuracy === undefined ? "  testing the untrained student" : "  playing its first step";
    return (
      `${"█".repeat(full)}${"░".repeat(20 - full)} ${String(this.done).padStart(String(this.#steps).length)}/${this.#steps}` +
      `${accuracy}${this.done === 0 ? waits : ""}`
    );
  }

  /**
   * One line: step, accuracy, reward, stuck groups, mistakes, tokens a second of all roles, time left.
   * Where they do not fit into `width` columns, the least needed are left out whole.
   */
  line(width: number = Infinity): string {
    const parts: { readonly text: string; readonly need: number }[] = [
      { text: `step ${this.done}/${this.#steps}`, need: 7 },
    ];
    if (this.#accuracy !== undefined)
      parts.push({ text: `accuracy ${this.#accuracy.toFixed(3)}`, need: 5 });
    if (this.#step !== undefined) {
      parts.push({ text: `reward ${this.#step["reward/mean"].toFixed(3)}`, need: 3 });
      parts.push({ text: `stuck ${this.#step["group/stuck"]}/${this.#groups}`, need: 4 });
      parts.push({ text: `mistakes ${count(this.#admitted)}`, need: 2 });
    }
    const pace = this.#pace();
    if (pace !== undefined) {
      parts.push({ text: `${count(Math.round(pace.tokens))} tokens/s`, need: 1 });
      parts.push({ text: `${duration(this.secondsLeft()!)} left`, need: 6 });
    }
    const join = (): string => parts.map(({ text }) => text).join("  ");
    while (parts.length > 1 && join().length > width) {
      const least = parts.reduce((a, b) => (b.need < a.need ? b : a));
      parts.splice(parts.indexOf(least), 1);
    }
    return join();
  }

  /** Undefined until two steps are done. */
  secondsLeft(): number | undefined {
    const pace = this.#pace();
    return pace === undefined ? undefined : (this.#steps - this.done) / pace.steps;
  }

  /** Steps and tokens a second since the first step; undefined until two steps are done. */
  #pace(): { steps: number; tokens: number } | undefined {
    if (this.#clock === undefined || this.#step === undefined) return undefined;
    const steps = this.#step.step - this.#clock.step;
    if (steps === 0) return undefined;
    const seconds = (performance.now() - this.#clock.at) / 1000;
    return { steps: steps / seconds, tokens: (this.#tokens - this.#clock.tokens) / seconds };
  }
}
