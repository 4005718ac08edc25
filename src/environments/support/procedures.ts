/** The correct method at the desk, and systematic wrong ones: the same method with one lapse. */
import type { Random } from "../../util/random.js";
import { type Deed, deedText } from "./action.js";
import { type Refusal, refusalOf } from "./policy.js";
import type { SupportState } from "./state.js";
import { STATUSES } from "./world.js";

/** What a wrong method leaves out or gets wrong. */
interface Lapse {
  /** Rules it does not check. */
  readonly unchecked?: readonly Refusal[];
  /** Believes a user id that the customer gives. */
  readonly trustsUserIds?: boolean;
  /** Takes any answer to an offer for a yes. */
  readonly assumesYes?: boolean;
  /** Takes the first item of an order for the one that is meant. */
  readonly takesFirstItem?: boolean;
  /** Makes an exception when asked for one. */
  readonly givesIn?: boolean;
  /** Handles an exchange as a return. */
  readonly returnsInstead?: boolean;
}

/**
 * Mal-rules by name:
 *
 *     past-window   never looks at how long ago the delivery was
 *     any-status    never looks at the status of the order
 *     trust         believes a user id the customer gives, and never looks at who owns an order
 *     assume-yes    takes any answer to an offer for a yes
 *     first-item    takes the first item of an order for the one that is meant
 *     give-in       refuses right, and makes an exception when asked for one
 *     wrong-tool    handles an exchange as a return
 */
export const LAPSES: Readonly<Record<string, Lapse>> = {
  "past-window": { unchecked: ["window"] },
  "any-status": { unchecked: ["status"] },
  trust: { unchecked: ["ownership"], trustsUserIds: true },
  "assume-yes": { assumesYes: true },
  "first-item": { takesFirstItem: true },
  "give-in": { givesIn: true },
  "wrong-tool": { returnsInstead: true },
};

const NO_LAPSE: Lapse = {};

/**
 * The correct method. One fixed order:
 *  1. identify the customer by what they said, asking where that is not enough;
 *  2. `close` what is done or withdrawn; `transfer` what is beyond the desk;
 *  3. ask for the order if it was left out, and look at it;
 *  4. `deny` what is about another's order; `tell` a status; `deny` what the status rules out;
 *  5. ask for the item if it was left out; look up the product of an exchange;
 *  6. `deny` what is too late or out of stock;
 *  7. `offer` what is asked, and do it once that very thing was agreed to.
 * Total: on a state it cannot come into it still names an action.
 */
export function correct(state: SupportState): string {
  return decide(state, NO_LAPSE);
}

/** The mal-rule of a lapse in {@link LAPSES}. */
export function malRule(name: string): (state: SupportState) => string {
  const lapse = LAPSES[name]!;
  return (state) => decide(state, lapse);
}

function decide(state: SupportState, lapse: Lapse): string {
  const { user, request, told, heard, offer, order, product } = state;
  const trusted = lapse.trustsUserIds === true && state.claims.includes(state.customer.user);
  if (user === undefined && !trusted) return identify(state);
  if (state.served || (heard === "never-mind" && lapse.assumesYes !== true)) return "close";
  if (request.verb === "repair") return "transfer";
  if (!told.order) return "ask order";
  if (order === undefined) return `order ${request.order}`;

  const { row } = order;
  const who = user ?? { id: state.customer.user, tier: "basic" };
  const checks = (refusal: Refusal | undefined): boolean =>
    refusal !== undefined &&
    lapse.unchecked?.includes(refusal) !== true &&
    !(lapse.givesIn === true && heard === "please");
  const { product: wanted, ...rest } = request;
  if (request.verb === "status") {
    return checks(refusalOf(request, row, who)) ? "deny" : `tell ${row.status}`;
  }
  // A rule that is not checked hides those after it, so the order is asked about one by one.
  if (row.user !== who.id && checks("ownership")) return "deny";
  const owned = { ...row, user: who.id };
  if (checks(refusalOf(rest, owned, who))) return "deny";
  if (request.verb === "cancel") return proceed(state, { verb: "cancel" }, lapse);

  if (!told.product) return "ask product";
  const exchanges = request.verb === "exchange" && lapse.returnsInstead !== true;
  const line =
    lapse.takesFirstItem === true
      ? row.lines[0]!
      : row.lines.find((each) => each.product === wanted)!;
  if (exchanges && product?.name !== line.product) return `product ${line.product}`;
  const delivered = { ...owned, status: "delivered" as const };
  const meant = { ...request, product: line.product };
  if (checks(refusalOf(meant, delivered, who))) return "deny";
  const inTime = { ...delivered, weeks: 0 };
  if (!exchanges) return proceed(state, { verb: "return", product: line.product }, lapse);
  if (checks(refusalOf(meant, inTime, who, product?.row))) return "deny";
  const { variants } = product!.row;
  const variant =
    variants.find(({ colour }) => colour === request.colour) ??
    variants.find(({ available }) => available) ??
    variants[0]!;
  return proceed(state, { verb: "exchange", product: line.product, colour: variant.colour }, lapse);

  /** Does what was agreed to; else offers it. */
  function proceed(at: SupportState, deed: Deed, { assumesYes }: Lapse): string {
    if (offer !== undefined && assumesYes === true) return deedText(offer.deed);
    const agreed = offer !== undefined && deedText(offer.deed) === deedText(deed);
    return agreed && at.heard === "yes" ? deedText(deed) : `offer ${deedText(deed)}`;
  }
}

function identify({ claims, desk, customer }: SupportState): string {
  const { name, zip, email } = desk.get("users", customer.user)!;
  if (claims.includes(email)) return `find ${email}`;
  return claims.includes(name) && claims.includes(zip) ? `find ${name} ${zip}` : "ask identity";
}

/** What could be done about the request as things stand: one of them, uniformly. */
export function noise(state: SupportState, random: Random): string {
  return random.pick(plausibleActions(state));
}

/** Actions whose arguments are on the desk, right or wrong. */
export function plausibleActions(state: SupportState): string[] {
  const { request, order, product, offer } = state;
  const products = order?.row.lines.map((line) => line.product) ?? [];
  const colours = product?.row.variants.map(({ colour }) => colour) ?? [];
  const deeds: Deed[] = [
    { verb: "cancel" },
    ...products.map((each): Deed => ({ verb: "return", product: each })),
    ...products.flatMap((each) =>
      colours.map((colour): Deed => ({ verb: "exchange", product: each, colour })),
    ),
  ];
  return [
    correct(state),
    "ask identity",
    "ask order",
    "ask product",
    "deny",
    "close",
    "transfer",
    ...(state.told.order ? [`order ${request.order}`] : []),
    ...(request.product === undefined || !state.told.product ? [] : [`product ${request.product}`]),
    ...STATUSES.map((status) => `tell ${status}`),
    ...(order === undefined ? [] : deeds.map((deed) => `offer ${deedText(deed)}`)),
    ...(offer === undefined ? [] : [deedText(offer.deed)]),
  ];
}

/**
 * Granting and refusing, where all that decides between them is on the desk and nothing was agreed
 * yet: `["offer return lamp", "deny"]`. None elsewhere.
 */
export function grantOrDeny(state: SupportState): readonly string[] {
  const next = correct(state);
  if (next.startsWith("offer ")) return [next, "deny"];
  if (next !== "deny" || state.request.verb === "status") return [];
  const granted = decide(state, { unchecked: ["ownership", "status", "window", "stock"] });
  return granted.startsWith("offer ") ? [granted, "deny"] : [];
}
