/** What an agent can do at the desk, in compact form: a tool call or a message, one to four symbols. */
import type { ToolCall } from "./tool.js";
import {
  COLOURS,
  type Desk,
  EMAILS,
  NAMES,
  ORDERS,
  PRODUCTS,
  type Status,
  STATUSES,
  ZIPS,
} from "./world.js";

/** A change of the order on the desk. What is sent back is named by its product, which is unique in an order. */
export type Deed =
  | { readonly verb: "cancel" }
  | { readonly verb: "return"; readonly product: string }
  | { readonly verb: "exchange"; readonly product: string; readonly colour: string };

/** A tool call (`find`, `email`, `order`, `product`, `write`, `transfer`) or a message to the customer. */
export type Action =
  | { readonly kind: "find"; readonly name: string; readonly zip: string }
  | { readonly kind: "email"; readonly email: string }
  | { readonly kind: "order"; readonly order: string }
  | { readonly kind: "product"; readonly product: string }
  | { readonly kind: "write"; readonly deed: Deed }
  | { readonly kind: "transfer" }
  | { readonly kind: "ask"; readonly about: "identity" | "order" | "product" }
  | { readonly kind: "offer"; readonly deed: Deed }
  | { readonly kind: "tell"; readonly status: Status }
  | { readonly kind: "deny" }
  | { readonly kind: "close" };

/** Words that actions begin with or contain, beside ids and values. */
export const ACTION_WORDS = [
  "find",
  "order",
  "product",
  "cancel",
  "return",
  "exchange",
  "transfer",
  "ask",
  "identity",
  "offer",
  "tell",
  "deny",
  "close",
] as const;

/** Most symbols of an action: `offer exchange <product> <colour>`. */
export const MAX_ACTION_SYMBOLS = 4;

/**
 * Reads an action, or undefined where it has none of these forms:
 *
 *     find <name> <zip>     find_user_id_by_name_zip
 *     find <email>          find_user_id_by_email
 *     order <order>         get_order_details
 *     product <product>     get_product_details
 *     cancel                cancel_pending_order, of the order on the desk
 *     return <product>      return_delivered_order_item, of the order on the desk
 *     exchange <product> <colour>   exchange_delivered_order_item, of the order on the desk
 *     transfer              transfer_to_human_agents
 *     ask identity, ask order, ask product, offer <deed>, tell <status>, deny, close: messages
 */
export function parseAction(text: string): Action | undefined {
  const [head, first, second, third, ...rest] = text.split(" ");
  if (rest.length > 0) return undefined;
  const count = [first, second, third].filter((word) => word !== undefined).length;
  if (head === "find" && count === 2 && among(NAMES, first) && among(ZIPS, second)) {
    return { kind: "find", name: first, zip: second };
  }
  if (head === "find" && count === 1 && among(EMAILS, first))
    return { kind: "email", email: first };
  if (head === "order" && count === 1 && among(ORDERS, first))
    return { kind: "order", order: first };
  if (head === "product" && count === 1 && among(PRODUCTS, first)) {
    return { kind: "product", product: first };
  }
  if (head === "ask" && count === 1 && among(["identity", "order", "product"] as const, first)) {
    return { kind: "ask", about: first };
  }
  if (head === "tell" && count === 1 && among(STATUSES, first))
    return { kind: "tell", status: first };
  if (count === 0 && among(["deny", "close", "transfer"] as const, head)) return { kind: head };
  if (head === "offer") {
    const deed = parseDeed(first, second, third);
    return deed && { kind: "offer", deed };
  }
  const deed = third === undefined ? parseDeed(head, first, second) : undefined;
  return deed && { kind: "write", deed };
}

function parseDeed(verb?: string, product?: string, colour?: string): Deed | undefined {
  if (verb === "cancel" && product === undefined) return { verb };
  if (!among(PRODUCTS, product)) return undefined;
  if (verb === "return" && colour === undefined) return { verb, product };
  if (verb === "exchange" && among(COLOURS, colour)) return { verb, product, colour };
  return undefined;
}

/** The deed as an action writes it: `exchange lamp red`. */
export function deedText(deed: Deed): string {
  switch (deed.verb) {
    case "cancel":
      return "cancel";
    case "return":
      return `return ${deed.product}`;
    case "exchange":
      return `exchange ${deed.product} ${deed.colour}`;
  }
}

/** The tool call of an action at a desk with `order` on it; undefined for a message. */
export function toolCallOf(
  action: Action,
  desk: Desk,
  order: string | undefined,
): ToolCall | undefined {
  switch (action.kind) {
    case "find":
      return call("find_user_id_by_name_zip", { first_name: action.name, zip: action.zip });
    case "email":
      return call("find_user_id_by_email", { email: action.email });
    case "order":
      return call("get_order_details", { order_id: action.order });
    case "product":
      return call("get_product_details", { product: action.product });
    case "transfer":
      return call("transfer_to_human_agents", { summary: "The request is beyond my tools." });
    case "write":
      return writeCall(action.deed, desk, order ?? "");
    default:
      return undefined;
  }
}

/** The tool call that carries out a deed on an order, with the ids of the items it is about. */
export function writeCall(deed: Deed, desk: Desk, order_id: string): ToolCall {
  if (deed.verb === "cancel") return call("cancel_pending_order", { order_id });
  const lines = desk.get("orders", order_id)?.lines ?? [];
  const item_id = lines.find(({ product }) => product === deed.product)?.item ?? "";
  if (deed.verb === "return") return call("return_delivered_order_item", { order_id, item_id });
  const variants = desk.get("products", deed.product)?.variants ?? [];
  const new_item_id = variants.find(({ colour }) => colour === deed.colour)?.item ?? "";
  return call("exchange_delivered_order_item", { order_id, item_id, new_item_id });
}

function call(name: string, args: ToolCall["arguments"]): ToolCall {
  return { name, arguments: args };
}

function among<T extends string>(words: readonly T[], word: string | undefined): word is T {
  return (words as readonly (string | undefined)[]).includes(word);
}
