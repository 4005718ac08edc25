/** What is known and said in a conversation at the desk. */
import { type Deed } from "./action.js";
import type { Customer, Request } from "./errand.js";
import type { Desk, OrderRow, ProductRow, Tier } from "./world.js";

/** After so many needless or mistaken messages the customer leaves. */
export const PATIENCE = 3;

/** What the agent heard last that bears on the request: from the customer, or from a tool. */
export type Heard = "hello" | "yes" | "no" | "please" | "never-mind" | "waiting" | "done" | "error";

/** A rule of the policy that monitors watch, or `malformed`: no action at all. */
export type Rule =
  | "identity"
  | "grounding"
  | "investigation"
  | "ownership"
  | "status"
  | "window"
  | "stock"
  | "once"
  | "confirmation"
  | "transfer"
  | "malformed";

/** A broken rule. It ends the conversation. */
export interface Breach {
  readonly rule: Rule;
  readonly detail: string;
}

/** Something after which the task can no longer be served right, though no rule was broken. */
export interface Loss {
  readonly step: number;
  /** Step of the offer that was agreed to, where that is to blame. */
  readonly offer?: number;
  readonly family: string;
  readonly detail: string;
}

/** Immutable: keeping an old state is a fork. */
export interface SupportState {
  readonly desk: Desk;
  readonly customer: Customer;
  /** Actions taken. */
  readonly steps: number;
  /** Index of the current errand. */
  readonly errand: number;
  /** The request as the customer now wants it. */
  readonly request: Request;
  /** What the customer has said of the request, beside the verb. */
  readonly told: { readonly order: boolean; readonly product: boolean };
  /** What the customer has said of their identity. */
  readonly claims: readonly string[];
  /** The customer, once found. */
  readonly user?: { readonly id: string; readonly tier: Tier };
  /** The order on the desk, as the tool last showed it. */
  readonly order?: { readonly id: string; readonly row: OrderRow };
  /** The product last looked up for this errand. */
  readonly product?: { readonly name: string; readonly row: ProductRow };
  readonly offer?: { readonly deed: Deed; readonly step: number };
  readonly heard: Heard;
  /** How often the customer has been kept waiting or misunderstood; at {@link PATIENCE} they leave. */
  readonly annoyance: number;
  readonly pushed: boolean;
  readonly changed: boolean;
  /** A write was made for the current errand. */
  readonly served: boolean;
  /** How the conversation ended: the customer was done, lost patience, or was transferred. */
  readonly end?: "stop" | "left" | "transfer";
  readonly breach?: Breach;
  /** The first loss. */
  readonly loss?: Loss;
}

/** Whether a deed on the order on the desk is what the customer now wants. */
export function isWanted({ request, heard }: SupportState, deed: Deed): boolean {
  if (heard === "never-mind" || deed.verb !== request.verb) return false;
  if (deed.verb === "cancel") return true;
  if (deed.product !== request.product) return false;
  return deed.verb === "return" || deed.colour === request.colour;
}

/** The request as far as the customer has told it: `exchange #W4 lamp red`. */
export function requestText({ request, told }: SupportState): string {
  const { verb, order, product, colour } = request;
  const words: string[] = [verb, told.order ? order : "?"];
  if (product !== undefined) words.push(told.product ? product : "?");
  if (colour !== undefined) words.push(colour);
  return words.join(" ");
}
