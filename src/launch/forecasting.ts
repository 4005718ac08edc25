/** What a run says of its cost: a forecast after its first steps, kept in its folder, and what it has taken. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.js";
import { usesMistakes } from "../config/uses.js";
import { partnerAttempts } from "../partners/partner.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";
import { replaceFile } from "../util/replace-file.js";
import {
  forecast,
  forecastSchema,
  isEnough,
  type Forecast,
  type Plan,
  type Quantity,
  type Taken,
} from "../watch/forecast.js";

/** The file in a run's folder. */
export const forecastFile = "forecast.json";

/** What a run has taken, memory of this sitting alone. */
export type Truth = Readonly<Record<Quantity, number>>;

/** Watches the first steps of a run and says then what all of it will take. */
export class Forecasting {
  readonly #run: Run;
  readonly #plan: Plan;
  #watches: boolean;
  readonly #processor = processorSeconds();
  readonly #taken: Taken[] = [];

  constructor(run: Run, { config, heldOut }: Pick<Setup, "config" | "heldOut">) {
    this.#run = run;
    this.#plan = planOf(config, heldOut.length, run.partners.names.length);
    this.#watches = run.state.step === 0;
  }

  /** A step has ended: the forecast, if it is time for it. */
  step(): Forecast | undefined {
    if (!this.#watches) return undefined;
    const { ledger } = this.#run;
    this.#taken.push({
      costs: ledger.totals,
      seconds: ledger.seconds,
      bills: ledger.bills,
      processor: processorSeconds() - this.#processor,
      memory: mostMemory(),
    });
    if (!isEnough(this.#taken, this.#plan.steps)) return undefined;
    this.#watches = false;
    const made = forecast(this.#taken, this.#plan);
    replaceFile(join(this.#run.folder, forecastFile), `${JSON.stringify(made, null, 2)}\n`);
    return made;
  }

  /** What the run has taken until now. */
  get truth(): Truth {
    return {
      ...this.#run.ledger.spent(this.#plan.prices, this.#plan.provider),
      memory: mostMemory(),
    };
  }
}

/** The forecast of a run that was begun with so many steps; undefined where there is none that can be read. */
export function readForecast(folder: string, steps: number): Forecast | undefined {
  let text: unknown;
  try {
    text = JSON.parse(readFileSync(join(folder, forecastFile), "utf8"));
  } catch {
    return undefined; // nothing but a comparison at the end depends on it
  }
  const made = forecastSchema.safeParse(text).data;
  return made?.steps === steps ? made : undefined;
}

function planOf(config: Config, heldOut: number, partners: number): Plan {
  const { steps, tasksPerStep, teacher, corpus } = config;
  const collects = usesMistakes(config) && corpus.sources !== "student";
  return {
    steps,
    heldOut,
    evaluateEvery: config.evaluateEvery,
    probeEvery: config.probe.every,
    refitEvery: config.expert.refitEvery,
    partnersEvery: config.partners.every,
    partnerAttempts: collects ? partners * tasksPerStep * partnerAttempts : 0,
    teacherAttempts: mostTeacherAttempts(config),
    ...(/^https?:/.test(teacher.source) ? { teacherModel: teacher.model } : {}),
    prices: config.prices,
    provider: config.engine.provider,
  };
}

/** The most that a teacher may be asked in a run. */
export function mostTeacherAttempts({
  teacher,
  steps,
  tasksPerStep,
}: Pick<Config, "teacher" | "steps" | "tasksPerStep">): number {
  const { source, cap, decayUntil, calls } = teacher;
  if (source === "none") return 0;
  return Math.min(calls, cap * (decayUntil === "never" ? 1 : decayUntil) * steps * tasksPerStep);
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** The most memory that this process had so far, in bytes. */
const mostMemory = (): number => process.resourceUsage().maxRSS * 1024;
