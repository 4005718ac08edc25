/** tau-bench's recorded conversations: the user says again what was said then. */
import type { Environment, Split, Trajectory } from "../../environments/environment.js";
import {
  parseRecorded,
  replay,
  type RecordedConversation,
} from "../../environments/support/tau/recorded.js";
import { loadAirline, type TauDomain } from "../../environments/support/tau/load.js";
import { RecordProblem } from "./record.js";

let airline: TauDomain | undefined;

/**
 * Plays a recorded airline conversation again, for `environment` to judge.
 *
 * Its task belongs to the split that tau2-bench gives the task of its number, and to `test` where that
 * is not published: tau2-bench has its airline tasks from tau-bench, in this order.
 * @throws RecordProblem in another domain, or where the record is no conversation.
 */
export function replayConversation(record: unknown, environment: Environment): Trajectory<unknown> {
  if (environment.name !== "tau-airline")
    throw new RecordProblem(
      `conversations of tau-bench are verified by --env tau-airline, not ${environment.name}`,
    );
  const conversation = read(record);
  airline ??= loadAirline();
  const trajectory = replay(conversation, airline, environment.name);
  const twin = `${environment.name}-${conversation.task_id}`;
  const splits: readonly Split[] = ["train", "validation"];
  const split = splits.find((name) => environment.tasks!(name).some(({ id }) => id === twin));
  return { ...trajectory, task: { ...trajectory.task, split: split ?? "test" } };
}

function read(record: unknown): RecordedConversation {
  try {
    return parseRecorded([record], "the record")[0]!;
  } catch (error) {
    throw new RecordProblem((error as Error).message.replaceAll("\n", " "));
  }
}
