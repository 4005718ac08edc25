/** Everything the page asks of one run, each part read when it is first asked for. */
import { join } from "node:path";
import { costRoles, type CostRole } from "../../watch/ledger.js";
import { money } from "../../watch/prices.js";
import type { Change, CostReport, GroupDetail, LogPage, MistakeMap, RunSummary } from "../api.js";
import { cardOf } from "./card.js";
import { Follower } from "./follower.js";
import { GroupIndex } from "./group-index.js";
import { Metrics } from "./metrics.js";
import { domainOf, mapEntries, mapTotals, partnersAt, withCorpus } from "./mistakes.js";
import { ReviewDesk } from "./review-desk.js";
import type { RolloutLine } from "./rollout-line.js";
import {
  changedAt,
  checkpointState,
  configOf,
  pricesOf,
  rawConfig,
  readJson,
  sizeOf,
  stateOf,
} from "./run-files.js";

/** Most lines of the log that are kept. */
const mostLogLines = 2000;

export class RunReader {
  readonly name: string;
  readonly folder: string;
  readonly metrics: Metrics;
  readonly groups: GroupIndex;
  readonly reviews: ReviewDesk;
  readonly #log: Follower;
  #logLines: LogPage["lines"][number][] = [];
  #logTotal = 0;
  #domain: string | undefined;

  constructor(name: string, folder: string) {
    this.name = name;
    this.folder = folder;
    this.metrics = new Metrics(folder);
    this.groups = new GroupIndex(folder, () => configOf(folder));
    this.reviews = new ReviewDesk(folder, this.metrics);
    this.#log = new Follower(join(folder, "log.jsonl"));
  }

  /** The run in one row of a list. */
  summary(): RunSummary {
    this.metrics.refresh();
    const config = rawConfig(this.folder);
    const { accuracies, steps } = this.metrics;
    const environment = config["environment"];
    return {
      name: this.name,
      state: stateOf(this.folder),
      preset: textOf(config["preset"]),
      environment: typeof environment === "string" ? environment : null,
      seed: Number(config["seed"] ?? 0),
      step: (steps.at(-1) ?? -1) + 1,
      steps: configOf(this.folder).steps,
      accuracy: {
        first: accuracies[0]?.accuracy ?? null,
        last: accuracies.at(-1)?.accuracy ?? null,
      },
      mistakes: this.metrics.last("corpus/size") ?? 0,
      flops: this.metrics.last("cost/flops") ?? 0,
      changed: changedAt(join(this.folder, "metrics.jsonl")),
    };
  }

  /** Sizes of the files that change while a run trains. */
  change(): Change {
    const size = (name: string): number => sizeOf(join(this.folder, name));
    return {
      state: stateOf(this.folder),
      metrics: size("metrics.jsonl"),
      arrivals: size("arrivals.jsonl"),
      reviews: size("reviews.jsonl"),
      log: size("log.jsonl"),
    };
  }

  /** One group side by side, or undefined where there is none. */
  async group(step: number, index: number): Promise<GroupDetail | undefined> {
    const found = await this.groups.group(step, index);
    if (found === undefined) return undefined;
    const { summary, lines } = found;
    this.#domain ??= withCorpus(this.folder, domainOf);
    const domain = this.#domain ?? "";
    return {
      summary,
      prompt: lines[0]?.prompt ?? null,
      attempts: lines.map((line) => attemptOf(domain, line)),
      partners: withCorpus(this.folder, (database) => partnersAt(database, summary.task)) ?? [],
    };
  }

  /** The kinds of mistakes and how the student's share of each goes over training. */
  async map(): Promise<MistakeMap> {
    const whole = this.groups.refresh();
    await Promise.race([whole, new Promise((resolve) => setTimeout(resolve, 150))]);
    const steps = this.groups.shares();
    const found = withCorpus(this.folder, (database) => ({
      entries: mapEntries(database),
      ...mapTotals(database),
    }));
    return {
      entries: (found?.entries ?? []).map((entry) => ({
        ...entry,
        share: steps.map(({ own, signatures }) =>
          own === 0 ? null : (signatures[entry.signature] ?? 0) / own,
        ),
      })),
      statuses: found?.statuses ?? {},
      sources: found?.sources ?? {},
      steps: steps.map(({ step }) => step),
      complete: this.groups.complete,
    };
  }

  /** What the run cost by role, as of its last checkpoint, against its budget. */
  cost(): CostReport {
    const { budget, teacherCap } = configOf(this.folder);
    const { prices, provider } = pricesOf(this.folder);
    const state = checkpointState(this.folder);
    const seconds = readJson(join(this.folder, "seconds.json")) ?? {};
    const roles = costRoles
      .map((role: CostRole) => {
        const cost = state?.ledger[role] ?? { flops: 0, tokens: 0, rollouts: 0 };
        return {
          role,
          flops: cost.flops,
          tokens: cost.tokens,
          rollouts: cost.rollouts,
          seconds: Number(seconds[role] ?? 0),
          money: money({ [role]: cost }, prices),
        };
      })
      .filter(({ flops, tokens, rollouts }) => flops + tokens + rollouts > 0);
    const sum = (key: "flops" | "tokens" | "seconds"): number =>
      roles.reduce((total, role) => total + role[key], 0);
    const { calls = 0, visits = 0 } = state?.teacher ?? {};
    return {
      roles,
      spent: {
        flops: sum("flops"),
        tokens: sum("tokens"),
        money: money(state?.ledger ?? {}, prices, {
          bills: state?.bills ?? [],
          seconds: sum("seconds"),
          provider,
        }),
        seconds: sum("seconds"),
      },
      budget,
      teacher:
        teacherCap === null
          ? null
          : { calls, cap: teacherCap, share: visits === 0 ? 0 : calls / visits },
      step: state?.step ?? 0,
    };
  }

  /** The latest lines of the log. */
  log(): LogPage {
    this.#log.read(
      (text) => {
        this.#logTotal++;
        const line = logLine(text);
        if (line !== undefined) this.#logLines.push(line);
        if (this.#logLines.length > mostLogLines) this.#logLines.shift();
      },
      () => {
        this.#logLines = [];
        this.#logTotal = 0;
      },
    );
    return { lines: this.#logLines, total: this.#logTotal };
  }

  close(): void {
    this.reviews.close();
  }
}

function attemptOf(domain: string, line: RolloutLine): GroupDetail["attempts"][number] {
  const { firstError, actions = [], conversation, prompt, answer = "", stop = "" } = line;
  const by =
    line.guided !== undefined
      ? "teacher"
      : line.offPolicy || line.steeredBy !== undefined
        ? "steered"
        : "student";
  return {
    by,
    correct: line.correct,
    answer,
    stop,
    actions,
    ...(line.steeredBy === undefined ? {} : { steeredBy: line.steeredBy }),
    ...(line.guided === undefined ? {} : { guided: line.guided }),
    ...(firstError === undefined
      ? {}
      : {
          wrongStep: firstError.step,
          family: firstError.family,
          detail: firstError.detail,
          evidence: firstError.evidence,
          ...(firstError.expected === undefined ? {} : { expected: firstError.expected }),
        }),
    ...(line.signature === undefined ? {} : { signature: line.signature }),
    ...(line.advantage === undefined ? {} : { advantage: line.advantage }),
    ...(line.charge === undefined ? {} : { charge: line.charge }),
    ...(line.failure === undefined ? {} : { failure: line.failure }),
    ...(line.sha256 === undefined ? {} : { hidden: line.length ?? 0 }),
    card: cardOf({
      domain,
      task: line.task,
      actions,
      prompt,
      conversation,
      wrongStep: firstError?.step,
      expected: firstError?.expected,
      detail: firstError?.detail,
      answer,
      correct: line.correct,
      stop,
    }),
  };
}

function logLine(text: string): LogPage["lines"][number] | undefined {
  try {
    const { level, time, msg, ...rest } = JSON.parse(text) as Record<string, unknown>;
    const more = Object.entries(rest)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([key, value]) => `${key} ${textOf(value)}`);
    return {
      time: Number(time),
      level: Number(level),
      text: [textOf(msg), ...more].join("  "),
    };
  } catch {
    return undefined;
  }
}

/** A value as text: JSON unless it is one. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}
