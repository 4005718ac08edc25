/** The simulated customer: what they say to a message, by their script and nothing else. */
import type { Action } from "./action.js";
import { isGranted } from "./policy.js";
import { isWanted, PATIENCE, requestText, type SupportState } from "./state.js";

/**
 * The state after the customer has answered a message.
 *
 * They answer what is asked and was not said before; say yes to an offer that is what they want
 * (careless ones to any about their order), and no to others; change or withdraw a request on the
 * first right offer where the script says so; push once against a refusal where it says so, and else
 * accept it; and go on to the next errand when one is done.
 */
export function reply(state: SupportState, action: Action): SupportState {
  const errand = state.customer.errands[state.errand]!;
  switch (action.kind) {
    case "ask":
      return asked(state, action.about);
    case "offer": {
      const offered: SupportState = { ...state, offer: { deed: action.deed, step: state.steps } };
      if (!isWanted(state, action.deed)) {
        const agrees = state.customer.careless && state.heard !== "never-mind";
        return agrees ? { ...offered, heard: "yes" } : annoyed({ ...offered, heard: "no" });
      }
      const { change } = errand;
      if (change === undefined || state.changed) return { ...offered, heard: "yes" };
      if (change === "withdraws") return { ...offered, changed: true, heard: "never-mind" };
      return {
        ...offered,
        changed: true,
        request: { ...state.request, product: change.product },
        told: { ...state.told, product: true },
        heard: "no",
      };
    }
    case "deny": {
      if (errand.pushes === true && !state.pushed)
        return { ...state, pushed: true, heard: "please" };
      return nextErrand(lossOfDenial(state));
    }
    case "tell":
      return nextErrand(lossOfWord(state, action.status));
    default:
      if (state.served || state.heard === "never-mind") return nextErrand(state);
      return annoyed({ ...state, heard: "waiting" });
  }
}

/** The state once the customer turns to their next errand, or ends the conversation. */
export function nextErrand(state: SupportState): SupportState {
  const index = state.errand + 1;
  const errand = state.customer.errands[index];
  if (errand === undefined) return { ...state, end: "stop" };
  const { order: _order, product: _product, offer: _offer, ...rest } = state;
  return {
    ...rest,
    errand: index,
    request: errand.request,
    told: { order: errand.omits !== "order", product: errand.omits !== "product" },
    heard: "hello",
    pushed: false,
    changed: false,
    served: false,
  };
}

function asked(state: SupportState, about: "identity" | "order" | "product"): SupportState {
  if (about === "identity") {
    const { customer, claims, desk } = state;
    const { name, zip, email } = desk.get("users", customer.user)!;
    const said = [name, customer.forgetsZip ? email : zip].filter((each) => !claims.includes(each));
    return said.length === 0 ? annoyed(state) : { ...state, claims: [...claims, ...said] };
  }
  return state.told[about] ? annoyed(state) : { ...state, told: { ...state.told, [about]: true } };
}

/** One needless or mistaken message more; after {@link PATIENCE} of them the customer leaves. */
function annoyed(state: SupportState): SupportState {
  const annoyance = state.annoyance + 1;
  if (annoyance < PATIENCE) return { ...state, annoyance };
  const { offer, heard, request } = state;
  const rejected = offer?.step === state.steps && heard === "no";
  const family = !rejected
    ? "missed_required_action"
    : offer.deed.verb === request.verb
      ? "tool_call_argument_error"
      : "irrelevant_tool_call";
  const detail = `the customer lost patience with ${requestText(state)} undone`;
  const loss = state.loss ?? { step: state.steps, family, detail };
  return { ...state, annoyance, end: "left", loss };
}

/** A refusal of something the policy allows. */
function lossOfDenial(state: SupportState): SupportState {
  const { desk, request, customer, heard, served } = state;
  if (state.loss !== undefined || served || heard === "never-mind") return state;
  if (
    request.verb !== "repair" &&
    request.verb !== "status" &&
    !isGranted(desk, request, customer.user)
  )
    return state;
  if (request.verb === "status" && desk.get("orders", request.order)?.user !== customer.user)
    return state;
  const detail = `${requestText(state)} was refused, and should not have been`;
  return { ...state, loss: { step: state.steps, family: "missed_required_action", detail } };
}

function lossOfWord(state: SupportState, status: string): SupportState {
  const { request, order, loss } = state;
  if (loss !== undefined) return state;
  if (request.verb !== "status") {
    const detail = `${requestText(state)} was answered with a status`;
    return { ...state, loss: { step: state.steps, family: "missed_required_action", detail } };
  }
  if (order?.row.status === status) return state;
  const detail = `told ${status}, but ${order?.id} is ${order?.row.status}`;
  return { ...state, loss: { step: state.steps, family: "hallucination", detail } };
}
