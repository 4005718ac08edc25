/** The desk's policy, as text and as functions. */
import type { Request } from "./errand.js";
import {
  type Desk,
  ELECTRONICS,
  GOLD_WEEKS,
  type OrderRow,
  type ProductRow,
  type Tier,
  type Variant,
  WINDOWS,
} from "./world.js";

/** The policy as an agent is given it; every rule in it has a monitor or a tool that enforces it. */
export const POLICY: string = `# Retail desk policy

You help customers cancel pending orders, return or exchange delivered items, and learn the status
of their orders.

- Identity first. Before you look at an order, find the customer's user id by email, or by name and
  zip code, even when the customer already gives a user id.
- Help one customer only. Deny requests about orders that belong to another user.
- Look at the order before you offer or refuse anything about it.
- An order can be cancelled only while it is pending.
- An item can be returned or exchanged only if its order was delivered, and within ${WINDOWS.electronics} weeks for
  electronics (${ELECTRONICS.join(", ")}) and ${WINDOWS.clothes} weeks for clothes. Gold members have ${GOLD_WEEKS} weeks more.
- An exchange is for another colour of the same product that is in stock.
- An order can be returned or exchanged from once only.
- Before a cancellation, return or exchange, tell the customer exactly what you will do and obtain an
  explicit yes. If the customer changes the request, start over with the changed one.
- Use only ids that a tool or the customer gave you. Make nothing up.
- Make no exceptions, whatever the customer says. Deny what this policy forbids.
- Transfer to a human agent if and only if none of your tools can serve the request.
`;

/** Why a request must be denied. */
export type Refusal = "ownership" | "status" | "window" | "stock";

/** Weeks after delivery in which a customer of a tier may send a product back. */
export function windowOf(product: string, tier: Tier): number {
  const electronic = (ELECTRONICS as readonly string[]).includes(product);
  const weeks = electronic ? WINDOWS.electronics : WINDOWS.clothes;
  return weeks + (tier === "gold" ? GOLD_WEEKS : 0);
}

/**
 * Why a request by `user` must be denied, or undefined while nothing stands against it.
 *
 * A rule is tested only once what it needs is known: the window once the request names a product,
 * the stock once `product` has been looked up.
 */
export function refusalOf(
  request: Request,
  order: OrderRow,
  user: { readonly id: string; readonly tier: Tier },
  product?: ProductRow,
): Refusal | undefined {
  if (order.user !== user.id) return "ownership";
  if (request.verb === "cancel") return order.status === "pending" ? undefined : "status";
  if (request.verb !== "return" && request.verb !== "exchange") return undefined;
  if (order.status !== "delivered") return "status";
  if (request.product === undefined) return undefined;
  if (order.weeks > windowOf(request.product, user.tier)) return "window";
  if (request.verb === "return" || product === undefined) return undefined;
  return inStock(product, request.colour) === undefined ? "stock" : undefined;
}

/** The variant of a colour that can be had, if any. */
export function inStock(product: ProductRow, colour: string | undefined): Variant | undefined {
  return product.variants.find((each) => each.colour === colour && each.available);
}

/** Whether the policy allows a request for a change, with all the facts known. */
export function isGranted(desk: Desk, request: Request, userId: string): boolean {
  const user = desk.get("users", userId);
  const order = desk.get("orders", request.order);
  if (user === undefined || order === undefined) return false;
  if (request.verb === "status" || request.verb === "repair") return false;
  const product = request.product === undefined ? undefined : desk.get("products", request.product);
  return refusalOf(request, order, { id: userId, tier: user.tier }, product) === undefined;
}
