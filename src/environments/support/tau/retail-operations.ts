/**
 * What the tools of tau2-bench's retail domain do to its database, written after
 * https://github.com/sierra-research/tau2-bench (src/tau2/domains/retail/tools.py, MIT).
 */
import type { Json } from "../../environment.js";
import type { Database } from "../database.js";
import { type Arguments, listArgument, textArgument, ToolError, type ToolResult } from "../tool.js";

type Address = { readonly [key: string]: Json };

type Payment = {
  readonly transaction_type: "payment" | "refund";
  readonly amount: number;
  readonly payment_method_id: string;
};

type PaymentMethod = { readonly source: string; readonly id: string; readonly balance?: number };

/** A user. */
export type User = {
  readonly user_id: string;
  readonly name: { readonly first_name: string; readonly last_name: string };
  readonly address: Address;
  readonly email: string;
  readonly payment_methods: { readonly [id: string]: PaymentMethod };
};

type Item = {
  readonly product_id: string;
  readonly item_id: string;
  readonly price: number;
  readonly options: Json;
};

/** An order. */
export type Order = {
  readonly order_id: string;
  readonly user_id: string;
  readonly address: Address;
  readonly items: readonly Item[];
  readonly status: string;
  readonly payment_history: readonly Payment[];
};

type Variant = {
  readonly item_id: string;
  readonly available: boolean;
  readonly price: number;
  readonly options: Json;
};

/** A product with its variants. */
export type Product = {
  readonly product_id: string;
  readonly name: string;
  readonly variants: { readonly [id: string]: Variant };
};

/** The row type of each table. */
export type RetailTables = {
  readonly users: User;
  readonly orders: Order;
  readonly products: Product;
};

/** The database of the retail domain. */
export type RetailDatabase = Database<RetailTables>;

/** Parts of an address, as tools name them. */
export const ADDRESS_FIELDS = ["address1", "address2", "city", "state", "country", "zip"] as const;

type Result = ToolResult<RetailDatabase>;

/**
 * Cancels a pending order and refunds what was paid.
 * @throws ToolError when it refuses.
 */
export function cancelOrder(database: RetailDatabase, args: Arguments): Result {
  const order = orderOf(database, args);
  if (order.status !== "pending") throw new ToolError("Non-pending order cannot be cancelled");
  const reason = textArgument(args, "reason");
  if (reason !== "no longer needed" && reason !== "ordered by mistake") {
    throw new ToolError("Invalid reason");
  }
  let after = database;
  const refunds = order.payment_history.map(({ amount, payment_method_id: method }): Payment => {
    after = addBalance(after, order.user_id, method, amount);
    return { transaction_type: "refund", amount, payment_method_id: method };
  });
  const cancelled = {
    ...order,
    status: "cancelled",
    cancel_reason: reason,
    payment_history: [...order.payment_history, ...refunds],
  };
  return saveOrder(after, cancelled);
}

/**
 * Exchanges items of a delivered order.
 * @throws ToolError when it refuses.
 */
export function exchangeItems(database: RetailDatabase, args: Arguments): Result {
  const order = orderOf(database, args);
  if (order.status !== "delivered") throw new ToolError("Non-delivered order cannot be exchanged");
  const { items, replacements, difference } = replaced(database, order, args, {
    sameAllowed: true,
  });
  const amount = cents(difference);
  const method = methodFor(database, order, args, amount);
  return saveOrder(database, {
    ...order,
    status: "exchange requested",
    exchange_items: [...items].sort(),
    exchange_new_items: replacements.map((each) => each.item_id).sort(),
    exchange_payment_method_id: method.id,
    exchange_price_difference: amount,
  } as Order);
}

/**
 * Changes items of a pending order.
 * @throws ToolError when it refuses.
 */
export function modifyItems(database: RetailDatabase, args: Arguments): Result {
  const order = orderOf(database, args);
  if (order.status !== "pending") throw new ToolError("Non-pending order cannot be modified");
  const { items, replacements, difference } = replaced(database, order, args, {
    sameAllowed: false,
  });
  const method = methodFor(database, order, args, difference);
  const payment: Payment = {
    transaction_type: difference > 0 ? "payment" : "refund",
    amount: Math.abs(difference),
    payment_method_id: method.id,
  };
  const after = addBalance(database, order.user_id, method.id, -difference);
  // The reference implementation gives every changed item the price and options of the last one.
  const last = replacements.at(-1);
  const changed = [...order.items];
  items.forEach((item, i) => {
    const at = changed.findIndex((each) => each.item_id === item);
    if (at < 0) throw new ToolError(`Item ${item} not found`);
    const { price, options } = last!;
    changed[at] = { ...changed[at]!, item_id: replacements[i]!.item_id, price, options };
  });
  return saveOrder(after, {
    ...order,
    items: changed,
    status: "pending (item modified)",
    payment_history: [...order.payment_history, payment],
  });
}

/**
 * Changes the payment method of a pending order.
 * @throws ToolError when it refuses.
 */
export function modifyPayment(database: RetailDatabase, args: Arguments): Result {
  const order = pendingOrder(database, args);
  const method = methodOf(database, order.user_id, textArgument(args, "payment_method_id"));
  const [payment] = order.payment_history;
  if (order.payment_history.length !== 1 || payment?.transaction_type !== "payment") {
    throw new ToolError("There should be exactly one payment for a pending order");
  }
  const { amount, payment_method_id: old } = payment;
  if (old === method.id) {
    throw new ToolError("The new payment method should be different from the current one");
  }
  if (isGiftCard(method) && method.balance! < amount) {
    throw new ToolError("Insufficient gift card balance to pay for the order");
  }
  const paid = addBalance(database, order.user_id, method.id, -amount);
  return saveOrder(addBalance(paid, order.user_id, old, amount), {
    ...order,
    payment_history: [
      payment,
      { transaction_type: "payment", amount, payment_method_id: method.id },
      { transaction_type: "refund", amount, payment_method_id: old },
    ],
  });
}

/**
 * Returns items of a delivered order.
 * @throws ToolError when it refuses.
 */
export function returnItems(database: RetailDatabase, args: Arguments): Result {
  const order = orderOf(database, args);
  if (order.status !== "delivered") throw new ToolError("Non-delivered order cannot be returned");
  const method = methodOf(database, order.user_id, textArgument(args, "payment_method_id"));
  if (!isGiftCard(method) && method.id !== order.payment_history[0]?.payment_method_id) {
    throw new ToolError("Payment method should be the original payment method");
  }
  const items = listArgument<string>(args, "item_ids");
  mustHold(order, items);
  return saveOrder(database, {
    ...order,
    status: "return requested",
    return_items: [...items].sort(),
    return_payment_method_id: method.id,
  } as Order);
}

interface Replacement {
  readonly items: readonly string[];
  readonly replacements: readonly Variant[];
  /** Price of the new items less that of the old. */
  readonly difference: number;
}

/** The items of a call and the available variants that are to replace them. */
function replaced(
  database: RetailDatabase,
  order: Order,
  args: Arguments,
  { sameAllowed }: { readonly sameAllowed: boolean },
): Replacement {
  const items = listArgument<string>(args, "item_ids");
  const wanted = listArgument<string>(args, "new_item_ids");
  mustHold(order, items);
  if (items.length !== wanted.length) {
    throw new ToolError("The number of items to be exchanged should match");
  }
  let difference = 0;
  const replacements = items.map((item, i) => {
    if (!sameAllowed && item === wanted[i]) {
      throw new ToolError("The new item id should be different from the old item id");
    }
    const old = order.items.find((each) => each.item_id === item);
    if (old === undefined) throw new ToolError(`Item ${item} not found`);
    const { variants } = productOf(database, old.product_id);
    const variant = Object.hasOwn(variants, wanted[i]!) ? variants[wanted[i]!] : undefined;
    if (variant === undefined) throw new ToolError("Variant not found");
    if (!variant.available) throw new ToolError(`New item ${wanted[i]} not found or available`);
    difference += variant.price - old.price;
    return variant;
  });
  return { items, replacements, difference };
}

/** Refuses items that an order does not hold as often as they are named. */
function mustHold(order: Order, items: readonly string[]): void {
  const count = (all: readonly string[], item: string): number =>
    all.filter((each) => each === item).length;
  const held = order.items.map((each) => each.item_id);
  const missing = items.find((item) => count(items, item) > count(held, item));
  if (missing !== undefined) throw new ToolError(`Number of ${missing} not found.`);
}

/**
 * The id of the first user that passes a test.
 * @throws ToolError when it refuses.
 */
export function userBy(database: RetailDatabase, test: (user: User) => boolean): string {
  for (const [key, user] of database.rows("users")) if (test(user)) return key;
  throw new ToolError("User not found");
}

/**
 * The user of an id.
 * @throws ToolError when it refuses.
 */
export function userOf(database: RetailDatabase, key: string): User {
  const user = database.get("users", key);
  if (user === undefined) throw new ToolError("User not found");
  return user;
}

/**
 * The order that a call names.
 * @throws ToolError when it refuses.
 */
export function orderOf(database: RetailDatabase, args: Arguments): Order {
  const order = database.get("orders", textArgument(args, "order_id"));
  if (order === undefined) throw new ToolError("Order not found");
  return order;
}

/** An order whose status contains `pending`: its items may have been changed already. */
export function pendingOrder(database: RetailDatabase, args: Arguments): Order {
  const order = orderOf(database, args);
  if (!order.status.includes("pending"))
    throw new ToolError("Non-pending order cannot be modified");
  return order;
}

/**
 * The product of an id.
 * @throws ToolError when it refuses.
 */
export function productOf(database: RetailDatabase, key: string): Product {
  const product = database.get("products", key);
  if (product === undefined) throw new ToolError("Product not found");
  return product;
}

function methodOf(database: RetailDatabase, userId: string, method: string): PaymentMethod {
  const { payment_methods: methods } = userOf(database, userId);
  if (!Object.hasOwn(methods, method)) throw new ToolError("Payment method not found");
  return methods[method]!;
}

/** The payment method of a call, which must cover `amount` if it is a gift card. */
function methodFor(
  database: RetailDatabase,
  order: Order,
  args: Arguments,
  amount: number,
): PaymentMethod {
  const method = methodOf(database, order.user_id, textArgument(args, "payment_method_id"));
  if (isGiftCard(method) && method.balance! < amount) {
    throw new ToolError("Insufficient gift card balance to pay for the price difference");
  }
  return method;
}

function isGiftCard({ source }: PaymentMethod): boolean {
  return source === "gift_card";
}

/** Adds to the balance of a gift card; other payment methods have none. */
function addBalance(
  database: RetailDatabase,
  userId: string,
  method: string,
  amount: number,
): RetailDatabase {
  const user = userOf(database, userId);
  const card = methodOf(database, userId, method);
  if (!isGiftCard(card)) return database;
  const payment_methods = {
    ...user.payment_methods,
    [method]: { ...card, balance: cents(card.balance! + amount) },
  };
  return database.with("users", userId, { ...user, payment_methods });
}

/**
 * The address that a call gives.
 * @throws ToolError when it refuses.
 */
export function addressFrom(args: Arguments): Address {
  return Object.fromEntries(ADDRESS_FIELDS.map((key) => [key, args[key]!]));
}

/**
 * The result of a tool that leaves an order so.
 * @throws ToolError when it refuses.
 */
export function saveOrder(database: RetailDatabase, order: Order): Result {
  return { database: database.with("orders", order.order_id, order), content: order };
}

function cents(amount: number): number {
  return Number(amount.toFixed(2));
}
