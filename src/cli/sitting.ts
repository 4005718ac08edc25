/** One sitting of a run in front of its user: progress while it trains, a report when it ends. */
import type { Config } from "../config/config.js";
import type { GateReport } from "../assess/gate.js";
import { overheadOf, savingLine } from "../watch/ledger.js";
import type { ImportMetrics, MetricsLine } from "../watch/metrics.js";
import type { RunEnd, RunProgress } from "../launch/process.js";
import type { RunRecord } from "../run/record.js";
import { raceOf, verdictOf } from "../play/race.js";
import type { Forecast } from "../watch/forecast.js";
import { exitCodes } from "./exit-codes.js";
import { budgetLines, comparisonLine, forecastLine, withinForecast } from "./forecast-lines.js";
import { TrainingProgress } from "./progress.js";
import { runName } from "./runs.js";
import { count, duration, magnitude, moneyText, paint, share, type Terminal } from "./terminal.js";

/** Shows what a run's process tells. */
export class Sitting {
  readonly #terminal: Terminal;
  readonly #folder: string;
  readonly #config: Config;
  readonly #training: TrainingProgress;
  #started = performance.now();
  #from = 0;
  #before: RunProgress = { admitted: 0, merged: 0, tokens: 0 };
  #progress: RunProgress = this.#before;
  #gate: GateReport | undefined;
  #reported: Promise<void> | undefined;

  constructor(terminal: Terminal, folder: string, config: Config) {
    this.#terminal = terminal;
    this.#folder = folder;
    this.#config = config;
    this.#training = new TrainingProgress(config.steps, config.tasksPerStep);
  }

  /** The gate is about to be measured, or was: warns unless it passes; the run goes on all the same. */
  async gate(measured: GateReport | undefined, tasks: number): Promise<void> {
    this.#gate = measured;
    if (measured === undefined)
      return this.#terminal.status(`measuring the gate on ${tasks} tasks`);
    this.#terminal.status("");
    const { gateLines, gateWarning } = await import("../assess/gate.js");
    const warning = gateWarning(measured);
    if (warning === undefined) return;
    this.#terminal.note(paint.yellow(warning));
    for (const line of gateLines(measured)) this.#terminal.note(`  ${line}`);
  }

  /** Training begins, after `step` steps of earlier sittings. */
  begin(step: number, progress: RunProgress, resumed: boolean): void {
    this.#from = step;
    this.#before = progress;
    this.#progress = progress;
    this.#started = performance.now();
    this.#terminal.print(
      `${paint.bold(this.#folder)}: ${resumed ? `resumed at step ${step}` : "started"}`,
    );
  }

  /** What the whole run will take, after its first steps. */
  forecast(made: Forecast): void {
    const { prices, budget } = this.#config;
    this.#terminal.print(forecastLine(made, prices));
    for (const line of budgetLines(made, budget)) this.#terminal.print(line);
  }

  /** A line of the run's metrics. */
  line(line: MetricsLine, progress: RunProgress): void {
    this.#progress = progress;
    if ("import/files" in line) this.#terminal.print(arrivalsLine(line));
    if ("race/chosen" in line) {
      const verdict = verdictOf(raceOf(line));
      if (verdict !== undefined) this.#terminal.print(verdict);
    }
    const evaluated = this.#training.add(line, progress);
    this.#terminal.status(this.#training.line(this.#terminal.width));
    if (evaluated && !this.#terminal.live) this.#terminal.print(this.#training.line());
  }

  /** The run has ended; said once, whoever asks. */
  report(end: RunEnd): Promise<void> {
    return (this.#reported ??= this.#report(end));
  }

  async #report(end: RunEnd): Promise<void> {
    this.#terminal.status("");
    if (end.step === undefined) {
      this.#terminal.note("interrupted before the run began: there is nothing to resume");
      this.#terminal.result({ run: null, interrupted: true });
      process.exitCode = exitCodes.interrupted;
      return;
    }
    const { learningCurve, readRun } = await import("../run/record.js");
    const record = readRun(this.#folder);
    const accuracies = learningCurve(record.lines).map(([, accuracy]) => accuracy);
    const seconds = (performance.now() - this.#started) / 1000;
    const told = { ...end, step: end.step, record, accuracies, seconds };
    if (this.#terminal.json) this.#json(told);
    else this.#print(told);
    if (!end.finished && end.exceeded === undefined) process.exitCode = exitCodes.interrupted;
  }

  #json({ step, finished, exceeded, record, accuracies, seconds, ...told }: Told): void {
    const { forecast, taken } = told;
    const { preset, environment, seed, steps } = this.#config;
    const { admitted, merged, tokens } = this.#progress;
    const stopped = finished ? undefined : exceeded;
    this.#terminal.result({
      run: this.#folder,
      preset,
      ...(environment === undefined ? {} : { environment }),
      seed,
      step,
      steps,
      finished,
      interrupted: !finished && exceeded === undefined,
      ...(stopped === undefined ? {} : { stopped }),
      seconds,
      accuracy: { first: accuracies[0] ?? null, last: accuracies.at(-1) ?? null },
      corpus: { admitted, merged },
      tokens,
      tokensPerSecond: (tokens - this.#before.tokens) / seconds,
      money: record.money,
      cost: record.cost,
      ...(forecast === undefined || taken === undefined
        ? {}
        : { forecast, taken, withinForecast: withinForecast(forecast, taken) }),
      ...(this.#gate === undefined ? {} : { gate: this.#gate }),
      ...(finished ? {} : { resume: this.#resume() }),
    });
  }

  #print({ step, finished, exceeded, record, accuracies, seconds, ...told }: Told): void {
    const { steps, evaluationTasks, prices } = this.#config;
    const print = (line: string): void => this.#terminal.print(line);
    if (!finished && exceeded !== undefined) {
      const { section = "budget", limit, spent, budget } = exceeded;
      print(
        `stopped and saved at step ${step} of ${steps}: ${section}.${limit} is spent (${magnitude(spent)} of ${magnitude(budget)})${section === "user" ? "" : `; carry on with: ${this.#resume()} --set budget.${limit}=<more>`}`,
      );
    } else if (!finished)
      print(`interrupted and saved at step ${step} of ${steps}; carry on with: ${this.#resume()}`);
    else if (step === this.#from)
      print(
        `${this.#folder} was already finished; extend it with: ${this.#resume()} --steps <more>`,
      );
    else {
      const { admitted, merged } = this.#progress;
      print(
        `held-out accuracy ${share(accuracies[0])} -> ${share(accuracies.at(-1))} on ${evaluationTasks} tasks, ` +
          `${step} steps${this.#from === 0 ? "" : `, ${step - this.#from} of them now,`} in ${duration(seconds)}, ${count(admitted)} mistakes admitted, ${count(merged)} merged`,
      );
    }
    if (step === this.#from) return;
    const warning = noGradientWarning(record.lines);
    if (warning !== undefined) this.#terminal.note(paint.yellow(warning));
    const { tokens } = this.#progress;
    const flops = Object.values(record.cost).reduce((n, cost) => n + cost.flops, 0);
    print(
      `cost of the run, evaluation included: ${count(tokens)} tokens, ${magnitude(flops)}FLOPs${record.money === 0 ? "" : `, ${moneyText(record.money, prices)} at the configured prices`}; ` +
        `${count(Math.round((tokens - this.#before.tokens) / seconds))} tokens a second`,
    );
    const { forecast, taken } = told;
    if (finished && forecast !== undefined && taken !== undefined)
      print(comparisonLine(forecast, taken, prices));
    for (const line of savingSummary(record)) print(line);
    if (finished) print(`${this.#folder}: metrics.jsonl, rollouts/, corpus.db, checkpoints/`);
  }

  #resume(): string {
    return `errata train --name ${runName(this.#folder)} --resume`;
  }
}

/** What is to be said of a run in which no step had a gradient; undefined of any other. */
export function noGradientWarning(lines: readonly MetricsLine[]): string | undefined {
  const norms = lines.flatMap((line) =>
    "rollout/accuracy" in line ? [line["loss/gradientNorm"] ?? 0] : [],
  );
  if (norms.length === 0 || norms.some((norm) => norm !== 0)) return undefined;
  return `warning: no group had a gradient in ${norms.length} steps, so nothing was learned: every attempt of a group was right, or every one wrong. Try easier or harder tasks, a larger groupSize, or explore.form`;
}

/** What a run took at a refit, as a line of text. */
export function arrivalsLine(line: ImportMetrics): string {
  const counts = (["attempts", "admitted", "merged", "rejected", "unreadable"] as const).map(
    (what) => `${count(line[`import/${what}`])} ${what === "attempts" ? "attempts read" : what}`,
  );
  const partners = line["import/partners"];
  const parts = [
    ...(line["import/files"] > partners.length ? [counts.join(", ")] : []),
    ...(partners.length === 0 ? [] : [`weak partner ${partners.join(", ")}`]),
    ...(line["import/verdicts"] === 0 ? [] : [`${count(line["import/verdicts"])} verdicts`]),
  ];
  return `arrived at step ${line.step}: ${parts.join("; ")}`;
}

/**
 * What a run with a teacher says about a saving over teacher-only training: the identity with the run's
 * own teacher share and overhead, at equal steps; how many steps that needs, `errata compare` measures.
 */
export function savingSummary({ cost, teacherShare }: RunRecord): string[] {
  if (teacherShare === 0) return [];
  const terms = { steps: 1, teacherShare, overhead: overheadOf(cost) };
  return [
    "over teacher-only training, at equal steps (steps s and teacher cost k are not this run's to know):",
    ...[0.5, 1, 2].map((teacherCost) => `  ${savingLine({ ...terms, teacherCost })}`),
  ];
}

/** What a report is made of. */
interface Told extends RunEnd {
  readonly step: number;
  readonly record: RunRecord;
  readonly accuracies: readonly number[];
  readonly seconds: number;
}
