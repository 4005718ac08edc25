/** `errata train --dry-run`: the configuration, the most that a run can cost, and what it will take here. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../config/config.js";
import { openKeys } from "../config/keys.js";
import { mostTeacherAttempts } from "../launch/forecasting.js";
import { fewestSteps, type Forecast, type Range } from "../watch/forecast.js";
import { estimateCost, type CostEstimate } from "./estimate.js";
import { budgetLines, forecastLine } from "./forecast-lines.js";
import { Interrupt } from "./interrupt.js";
import { showBuild } from "./progress.js";
import { count, magnitude, table, type Terminal } from "./terminal.js";

/** Prints what a run would be; with `measure`, after its first steps were taken in a folder that is thrown away. */
export async function dryRun(terminal: Terminal, config: Config, measure: boolean): Promise<void> {
  const estimate = await estimateCost(config);
  if (!terminal.json) printPlan(terminal, config, estimate);
  const short = config.steps < fewestSteps;
  const measured = measure && !short ? await measureSteps(terminal, config) : undefined;
  const made = measured === undefined ? undefined : withTeacher(measured, config, estimate);
  terminal.result({ config, estimate, ...(made === undefined ? {} : { forecast: made }) });
  if (made !== undefined) {
    terminal.print(forecastLine(made, config.prices));
    for (const line of budgetLines(made, config.budget)) terminal.print(line);
  } else if (short)
    terminal.print(`a run of fewer than ${fewestSteps} steps is not estimated: take them`);
}

function printPlan(terminal: Terminal, config: Config, estimate: readonly CostEstimate[]): void {
  terminal.print(
    JSON.stringify(config, (_, v: unknown) => (v === Number.MAX_SAFE_INTEGER ? "unlimited" : v), 2),
  );
  terminal.print("\nNot set:");
  for (const [key, meaning] of openKeys(config)) terminal.print(`  ${key.padEnd(26)} ${meaning}`);
  const total = estimate.reduce((sum, e) => sum + e.flops, 0);
  terminal.print(
    "\nAt most, roughly: as if every rollout taught, every expert and partner were needed at every chance, and\nno two prompts were equal; the actual cost is usually well below.",
  );
  const rows = estimate.map((e) => [
    e.work,
    count(e.rollouts),
    count(e.tokens),
    magnitude(e.flops),
  ]);
  for (const line of table([
    ["", "rollouts", "tokens", "FLOPs"],
    ...rows,
    ["total, at most", "", "", magnitude(total)],
  ]))
    terminal.print(`  ${line}`);
}

/** The forecast of a run whose first steps are taken and thrown away; nobody behind a URL is asked. */
async function measureSteps(terminal: Terminal, config: Config): Promise<Forecast | undefined> {
  const { trainInProcess } = await import("../launch/process.js");
  const asked = [
    ...(/^https?:/.test(config.teacher.source) ? ["teacher"] : []),
    ...Object.keys(config.partners.remote).map((name) => `partner ${name}`),
    ...(config.user.source === "scripted" ? [] : ["user"]),
  ];
  terminal.print(
    `\ntaking the first steps here and throwing them away${asked.length === 0 ? "" : `; not asked, as they cost money: ${asked.join(", ")}`}`,
  );
  const folder = mkdtempSync(join(tmpdir(), "errata-dry-run-"));
  const interrupt = new Interrupt(terminal);
  const enough = new AbortController();
  let made: Forecast | undefined;
  interrupt.signal.addEventListener("abort", () => enough.abort());
  try {
    await trainInProcess({
      config: {
        ...config,
        track: [],
        saveEvery: config.steps,
        saveSeconds: Number.MAX_SAFE_INTEGER,
        teacher: { ...config.teacher, ...(asked.includes("teacher") ? { source: "none" } : {}) },
        partners: { ...config.partners, remote: {} },
        user: { ...config.user, source: "scripted" },
      },
      folder: join(folder, "run"),
      hurry: enough.signal,
      onBuild: showBuild(terminal),
      onLine: (line) => {
        if ("rollout/accuracy" in line)
          terminal.status(`${line.step + 1} of ${config.steps} steps taken`);
      },
      onForecast: (forecast) => {
        made = forecast;
        enough.abort();
      },
    });
  } finally {
    terminal.status("");
    interrupt.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return made;
}

/** The most that a teacher behind a URL may add, which was not asked: attempts twice as long as a right one. */
function withTeacher(
  made: Forecast,
  { teacher, steps, tasksPerStep, prices }: Config,
  estimate: readonly CostEstimate[],
): Forecast {
  const [plays] = estimate;
  if (!/^https?:/.test(teacher.source) || plays === undefined) return made;
  const attempts = mostTeacherAttempts({ teacher, steps, tasksPerStep });
  const tokens = Math.min(teacher.tokens, (2 * attempts * plays.tokens) / plays.rollouts);
  const price = prices.models?.[teacher.model]?.output ?? prices.teacher ?? 0;
  const more = ({ low, high }: Range, by: number): Range => ({ low, high: high + by });
  return {
    ...made,
    tokens: more(made.tokens, tokens),
    money: more(made.money, (tokens / 1e6) * price),
  };
}
