/** What a customer wants, and how they go about it: the script of the simulated user. */
import { ErrataError } from "../../util/error.js";
import type { Json } from "../environment.js";
import { Database, type Tables } from "./database.js";
import type { Desk, DeskTables } from "./world.js";

/** What is asked for. `repair` is beyond the desk: only a human agent can help. */
export type Verb = "cancel" | "return" | "exchange" | "status" | "repair";

/** A request in full. */
export type Request = {
  readonly verb: Verb;
  readonly order: string;
  /** For a return or an exchange: what to send back. */
  readonly product?: string;
  /** For an exchange: the colour wanted instead. */
  readonly colour?: string;
};

/** One request and the customer's ways with it. */
export type Errand = {
  readonly request: Request;
  /** What is left out until it is asked for. */
  readonly omits?: "order" | "product";
  /** On the first right offer: another product of the same order, or nothing at all after all. */
  readonly change?: { readonly product: string } | "withdraws";
  /** Asks for an exception once when refused. */
  readonly pushes?: boolean;
};

/** The customer of a task. */
export type Customer = {
  readonly user: string;
  /** What is said of one's identity at first. */
  readonly opening: "nothing" | "name-and-zip" | "email" | "user-id";
  /** Does not know the zip code: identifies by mail address. */
  readonly forgetsZip: boolean;
  /** Says yes to an offer without checking the item, if it is about the right order. */
  readonly careless: boolean;
  readonly errands: readonly Errand[];
};

/** A task of the desk, as its `data` holds it. */
export type DeskTask = {
  readonly tables: Tables;
  readonly customer: Customer;
  /** Actions of another agent, after which the conversation is taken over. */
  readonly history?: readonly string[];
};

/** What a task's data stands for. */
export interface OpenTask {
  readonly desk: Desk;
  readonly customer: Customer;
  readonly history: readonly string[];
}

const opened = new WeakMap<object, OpenTask>();

/**
 * The database and customer of a task's data. Equal data objects share one database.
 * @throws ErrataError `SUPPORT_TASK` when it holds neither.
 */
export function openTask(data: Json): OpenTask {
  const task = data as DeskTask | null;
  if (typeof task !== "object" || task?.tables === undefined || task.customer === undefined) {
    throw new ErrataError(
      `a support task holds tables and a customer, not ${JSON.stringify(data)}`,
      {
        code: "SUPPORT_TASK",
        hint: "take tasks from support().draw",
      },
    );
  }
  let known = opened.get(task);
  if (known === undefined) {
    const { tables, customer, history = [] } = task;
    known = { desk: Database.of<DeskTables>(tables), customer, history };
    opened.set(task, known);
  }
  return known;
}
