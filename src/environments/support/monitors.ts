/** The policy as monitors: each looks at a state and an action and says whether a rule is broken. */
import { type Action, type Deed, deedText } from "./action.js";
import { refusalOf } from "./policy.js";
import type { Breach, Rule, SupportState } from "./state.js";

/** The tag that tau2-bench's reviewers would give to each broken rule. */
export const TAGS: Readonly<Record<Rule, string>> = {
  identity: "wrong_sequence",
  confirmation: "wrong_sequence",
  investigation: "wrong_sequence",
  grounding: "hallucination",
  transfer: "premature_termination",
  ownership: "guideline_violation",
  status: "guideline_violation",
  window: "guideline_violation",
  stock: "guideline_violation",
  once: "guideline_violation",
  malformed: "tool_call_schema_error",
};

/**
 * The first rule that an action breaks, or undefined.
 *
 *     identity       looks at an order, offers, writes, tells or refuses before the customer is found
 *     grounding      uses an id or value that neither the customer nor a tool has given
 *     investigation  offers, refuses or tells something before the facts it rests on were looked up
 *     ownership, status, window, stock   offers or does what the policy forbids
 *     once           returns or exchanges from an order a second time
 *     confirmation   writes without a yes to exactly this
 *     transfer       transfers although a tool can serve the request
 */
export function breachOf(state: SupportState, action: Action): Breach | undefined {
  const { user, order, request, told, claims } = state;
  const breach = (rule: Rule, detail: string): Breach => ({ rule, detail });
  switch (action.kind) {
    case "find":
      return claims.includes(action.name) && claims.includes(action.zip)
        ? undefined
        : breach("grounding", `the customer has not said ${action.name} and ${action.zip}`);
    case "email":
      return claims.includes(action.email)
        ? undefined
        : breach("grounding", `the customer has not said ${action.email}`);
    case "product":
    case "ask":
    case "close":
      return undefined;
    case "transfer":
      return request.verb === "repair"
        ? undefined
        : breach("transfer", `${request.verb} is within the scope of the tools`);
    default:
  }
  if (user === undefined) return breach("identity", "the customer has not been identified");
  if (action.kind === "order") {
    return told.order && action.order === request.order
      ? undefined
      : breach("grounding", `the customer has not asked about ${action.order}`);
  }
  if (order === undefined) return breach("investigation", "no order has been looked at");
  if (action.kind === "deny") return unfounded(state);
  if (order.row.user !== user.id)
    return breach("ownership", `${order.id} belongs to ${order.row.user}`);
  if (action.kind === "tell") return undefined;
  const forbidden = forbiddenDeed(state, action.deed);
  if (forbidden !== undefined || action.kind === "offer") return forbidden;
  const { offer, heard } = state;
  const agreed = offer !== undefined && deedText(offer.deed) === deedText(action.deed);
  return agreed && heard === "yes"
    ? undefined
    : breach("confirmation", `no yes to ${deedText(action.deed)}, but ${heard}`);
}

/** A deed the policy forbids, or about something that no tool has shown. */
function forbiddenDeed(state: SupportState, deed: Deed): Breach | undefined {
  const { row, id } = state.order!;
  const line =
    deed.verb === "cancel" ? undefined : row.lines.find(({ product }) => product === deed.product);
  if (deed.verb !== "cancel" && line === undefined) {
    return { rule: "grounding", detail: `${deed.product} is not in ${id}` };
  }
  if (deed.verb !== "cancel" && !state.told.product) {
    return { rule: "grounding", detail: "the customer has not said which item" };
  }
  const variant =
    deed.verb === "exchange" && state.product?.name === deed.product
      ? state.product.row.variants.find(({ colour }) => colour === deed.colour)
      : undefined;
  if (deed.verb === "exchange" && variant === undefined) {
    return { rule: "grounding", detail: `a ${deed.colour} ${deed.product} was not seen` };
  }
  if (row.returned !== undefined) {
    return { rule: "once", detail: `${id} has had a return or exchange` };
  }
  const request = {
    verb: deed.verb,
    order: id,
    ...(line === undefined ? {} : { product: line.product }),
    ...(variant === undefined ? {} : { colour: variant.colour }),
  };
  const rule = refusalOf(request, row, state.user!, state.product?.row);
  return rule && { rule, detail: `${deedText(deed)} on ${id} is against the policy: ${rule}` };
}

/** A refusal that the facts looked up so far neither support nor exclude. */
function unfounded(state: SupportState): Breach | undefined {
  const { request, order, told, user, product } = state;
  if (request.verb !== "return" && request.verb !== "exchange") return undefined;
  const { product: wanted, ...rest } = request;
  const known = told.product ? request : rest;
  const seen = product?.name === wanted ? product?.row : undefined;
  if (refusalOf(known, order!.row, user!, seen) !== undefined) return undefined;
  if (!told.product)
    return { rule: "investigation", detail: "refused without asking for the item" };
  return request.verb === "exchange" && seen === undefined
    ? { rule: "investigation", detail: `refused without looking at the ${wanted}s in stock` }
    : undefined;
}
