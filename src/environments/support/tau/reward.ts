/** tau2-bench's reward: the product of the components that a task declares and a program can judge. */
import type { Json } from "../../environment.js";
import type { Database } from "../database.js";
import { canonicalJson } from "../digest.js";
import { type Arguments, callTool } from "../tool.js";
import { dialogue, type TauState, type Tools } from "./conversation.js";
import {
  communicateInfo,
  type ReferenceAction,
  referenceActions,
  rewardBasis,
  type TauTask,
} from "./task.js";

/** The reward of a conversation. */
export interface TauReward {
  /** 1 if every judged component holds, else 0. */
  readonly reward: 0 | 1;
  /** The judged components: `DB`, `COMMUNICATE`, `ACTION`. */
  readonly components: Readonly<Record<string, boolean>>;
  /** Declared components that need a language model or a program of their own: not judged. */
  readonly skipped: readonly string[];
  /** What was to be said and was not. */
  readonly unsaid: readonly string[];
}

/** The database after the reference calls. A call that fails changes nothing, as in tau2-bench. */
export function referenceDatabase(task: TauTask, database: Database, tools: Tools): Database {
  return referenceActions(task).reduce(
    (db, action) => callTool(tools, db, action).database,
    database,
  );
}

/** Grades a conversation that started from `start`; one that did not end has lost. */
export function tauReward(state: TauState, start: Database, tools: Tools): TauReward {
  const { task, database, end } = state;
  const said = dialogue(state)
    .filter(({ role }) => role === "assistant")
    .map(({ content }) => content.toLowerCase().replaceAll(",", ""));
  const unsaid = communicateInfo(task).filter(
    (info) => !said.some((text) => text.includes(info.toLowerCase())),
  );
  const judges: Readonly<Record<string, () => boolean>> = {
    DB: () => database.digest() === referenceDatabase(task, start, tools).digest(),
    COMMUNICATE: () => unsaid.length === 0,
    ACTION: () =>
      referenceActions(task).every((action) =>
        state.calls.some(({ call }) => agrees(action, call)),
      ),
  };
  const basis = rewardBasis(task);
  const components: Record<string, boolean> = {};
  for (const name of basis) if (Object.hasOwn(judges, name)) components[name] = judges[name]!();
  const won = end !== undefined && Object.values(components).every(Boolean);
  const skipped = basis.filter((name) => !Object.hasOwn(judges, name));
  return { reward: won ? 1 : 0, components, skipped, unsaid };
}

/** Whether a call is the reference's, in the arguments that are to be compared. */
export function agrees(
  { name, arguments: wanted, compare_args: compared }: ReferenceAction,
  call: { readonly name: string; readonly arguments: Arguments },
): boolean {
  if (name !== call.name) return false;
  const keys = compared ?? [...new Set([...Object.keys(wanted), ...Object.keys(call.arguments)])];
  return differing(wanted as Arguments, call.arguments, keys).length === 0;
}

/** Those of `keys` in which two lists of arguments differ. */
export function differing(one: Arguments, other: Arguments, keys: readonly string[]): string[] {
  const text = (value: Json | undefined): string =>
    value === undefined ? "" : canonicalJson(value);
  return keys.filter((key) => text(one[key]) !== text(other[key]));
}
