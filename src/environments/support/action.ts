/** What an agent can do at the desk, in compact form: a tool call or a message, one to four symbols. */
import type { ToolCall } from "./tool.js";
import { EMAILS, ITEMS, NAMES, ORDERS, PRODUCTS, type Status, STATUSES, ZIPS } from "./world.js";

/** A change of the order on the desk. */
export type Deed =
  | { readonly verb: "cancel" }
  | { readonly verb: "return"; readonly item: string }
  | { readonly verb: "exchange"; readonly item: string; readonly replacement: string };

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

/** Most symbols of an action: `offer exchange <item> <item>`. */
export const MAX_ACTION_SYMBOLS = 4;

/**
 * Reads an action, or undefined where it has none of these forms:
 *
 *     find <name> <zip>     find_user_id_by_name_zip
 *     find <email>          find_user_id_by_email
 *     order <order>         get_order_details
 *     product <product>     get_product_details
 *     cancel                cancel_pending_order, of the order on the desk
 *     return <item>         return_delivered_order_item, of the order on the desk
 *     exchange <item> <new> exchange_delivered_order_item, of the order on the desk
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

function parseDeed(verb?: string, item?: string, replacement?: string): Deed | undefined {
  if (verb === "cancel" && item === undefined) return { verb };
  if (!among(ITEMS, item)) return undefined;
  if (verb === "return" && replacement === undefined) return { verb, item };
  if (verb === "exchange" && among(ITEMS, replacement)) return { verb, item, replacement };
  return undefined;
}

/** The deed as an action writes it: `exchange #3 #7`. */
export function deedText(deed: Deed): string {
  switch (deed.verb) {
    case "cancel":
      return "cancel";
    case "return":
      return `return ${deed.item}`;
    case "exchange":
      return `exchange ${deed.item} ${deed.replacement}`;
  }
}

/** The tool call of an action on the order `order`; undefined for a message. */
export function toolCallOf(action: Action, order: string | undefined): ToolCall | undefined {
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
      return writeCall(action.deed, order ?? "");
    default:
      return undefined;
  }
}

/** The tool call that carries out a deed on an order. */
export function writeCall(deed: Deed, order_id: string): ToolCall {
  switch (deed.verb) {
    case "cancel":
      return call("cancel_pending_order", { order_id });
    case "return":
      return call("return_delivered_order_item", { order_id, item_id: deed.item });
    case "exchange":
      return call("exchange_delivered_order_item", {
        order_id,
        item_id: deed.item,
        new_item_id: deed.replacement,
      });
  }
}

function call(name: string, args: ToolCall["arguments"]): ToolCall {
  return { name, arguments: args };
}

function among<T extends string>(words: readonly T[], word: string | undefined): word is T {
  return (words as readonly (string | undefined)[]).includes(word);
}
