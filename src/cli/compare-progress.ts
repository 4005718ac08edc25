/** How far a study is: one updating line with the time left, and a line for each run. */
import type { ArmRun } from "../study/runs/measure.js";
import type { Job } from "../study/runs/runner.js";
import type { MetricsLine } from "../watch/metrics.js";
import { duration, share, type Terminal } from "./terminal.js";
import { meanOf } from "../util/statistics/sums.js";

/** Watches a study being run. */
export class CompareProgress {
  readonly #terminal: Terminal;
  readonly #workers: number;
  readonly #active = new Map<string, { step: number; steps: number }>();
  /** Seconds of runs that were trained from their start. */
  readonly #seconds: number[] = [];
  readonly #started = new Map<string, number>();
  #done = 0;
  #total = 0;

  constructor(terminal: Terminal, workers: number) {
    this.#terminal = terminal;
    this.#workers = workers;
  }

  plan(done: number, total: number): void {
    [this.#done, this.#total] = [done, total];
    this.#show();
  }

  line({ label, config }: Job, line: MetricsLine): void {
    if (!this.#started.has(label)) this.#started.set(label, performance.now());
    this.#active.set(label, { step: line.step, steps: config.steps });
    this.#show();
  }

  run({ label }: Job, { curve, diverged }: ArmRun): void {
    this.#active.delete(label);
    const started = this.#started.get(label);
    if (started !== undefined) this.#seconds.push((performance.now() - started) / 1000);
    this.#terminal.print(
      `${label}: held-out accuracy ${share(curve[0]?.[1])} -> ${share(curve.at(-1)?.[1])}` +
        `${diverged ? ", then not finite" : ""}; ${this.#done} of ${this.#total} runs${this.#left()}`,
    );
    this.#show();
  }

  /** From the mean of the runs so far; no runs, no guess. */
  #left(): string {
    if (this.#seconds.length === 0 || this.#done >= this.#total) return "";
    const mean = meanOf(this.#seconds);
    const begun = [...this.#active.values()].reduce((n, { step, steps }) => n + step / steps, 0);
    const runs = Math.max(0, this.#total - this.#done - begun);
    return `, about ${duration((mean * runs) / this.#workers)} left`;
  }

  #show(): void {
    const active = [...this.#active].map(([label, { step, steps }]) => `${label} ${step}/${steps}`);
    this.#terminal.status(
      [`${this.#done}/${this.#total} runs${this.#left()}`, ...active].join("  "),
    );
  }
}
