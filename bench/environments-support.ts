/** Verdicts a second on conversations: the retail desk, tau2-bench's retail, tau-bench's airline. */
import { readFileSync } from "node:fs";
import { findData } from "../src/environments/data-folder.js";
import type { Environment } from "../src/environments/environment.js";
import { playProcedure } from "../src/environments/play-procedure.js";
import { support } from "../src/environments/support/support.js";
import { parseRecorded, replay } from "../src/environments/support/tau/recorded.js";
import { loadAirline } from "../src/environments/support/tau/load.js";
import { judgeTau, tau2Retail } from "../src/environments/support/tau/tau.js";
import { Random } from "../src/util/random.js";

/** What was measured of one kind of conversation. */
export interface ConversationBenchmark {
  readonly what: string;
  readonly conversations: number;
  /** Conversations played to their end a second, without a model. */
  readonly playedPerSecond: number;
  readonly verdictsPerSecond: number;
}

async function measure<S>(
  what: string,
  environment: Environment<S>,
  procedure: string,
  count: number,
): Promise<ConversationBenchmark> {
  const random = Random.from(0, "bench");
  const level = environment.levels.at(-1)!;
  const tasks =
    environment.tasks?.("train").slice(0, count) ??
    Array.from({ length: count }, () => environment.draw({ split: "train", level, random }));
  await environment.judge(await playProcedure(environment, tasks[0]!, procedure, random)); // reads what is read once
  const started = performance.now();
  const played = [];
  for (const task of tasks) played.push(await playProcedure(environment, task, procedure, random));
  const judging = performance.now();
  for (const trajectory of played) await environment.judge(trajectory);
  const perSecond = (milliseconds: number): number =>
    Math.round((tasks.length * 1000) / milliseconds);
  return {
    what,
    conversations: tasks.length,
    playedPerSecond: perSecond(judging - started),
    verdictsPerSecond: perSecond(performance.now() - judging),
  };
}

/** Runs the benchmark; data sets that are absent are left out. */
export async function run(): Promise<readonly ConversationBenchmark[]> {
  const results = [
    await measure("support: right", support(), "correct", 2000),
    await measure("support: wrong, localised", support(), "past-window", 2000),
  ];
  if (findData("tau2/retail") !== undefined) {
    results.push(await measure("tau2-bench retail: references", tau2Retail(), "correct", 500));
  }
  const recordings = findData("tau-bench/gpt-4o-airline-trajectories.json");
  if (recordings !== undefined && findData("tau-bench/airline") !== undefined) {
    const domain = loadAirline();
    domain.database.digest();
    const conversations = parseRecorded(JSON.parse(readFileSync(recordings, "utf8")), recordings);
    const started = performance.now();
    const played = conversations.map((each) => replay(each, domain));
    const judging = performance.now();
    for (const trajectory of played) judgeTau(trajectory, domain);
    const perSecond = (milliseconds: number): number =>
      Math.round((played.length * 1000) / milliseconds);
    results.push({
      what: "tau-bench airline: recorded conversations replayed",
      conversations: played.length,
      playedPerSecond: perSecond(judging - started),
      verdictsPerSecond: perSecond(performance.now() - judging),
    });
  }
  return results;
}
