/**
 * The fifteen tools of tau2-bench's retail domain, on its database unchanged.
 *
 * Written after https://github.com/sierra-research/tau2-bench (src/tau2/domains/retail/tools.py, MIT),
 * behaviour for behaviour, including which variant's price a change of several items leaves behind.
 */
import type { Json } from "../../environment.js";
import type { Database } from "../database.js";
import {
  type Arguments,
  type JsonSchema,
  listArgument,
  parameters,
  textArgument,
  type Tool,
  ToolError,
  toolMap,
  type ToolResult,
} from "../tool.js";
import { calculate } from "./arithmetic.js";

type Address = { readonly [key: string]: Json };

type Payment = {
  readonly transaction_type: "payment" | "refund";
  readonly amount: number;
  readonly payment_method_id: string;
};

type PaymentMethod = { readonly source: string; readonly id: string; readonly balance?: number };

type User = {
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

type Order = {
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

type Product = {
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

const id = (description: string): JsonSchema => ({ type: "string", description });
const ids = (description: string): JsonSchema => ({
  type: "array",
  description,
  items: { type: "string" },
});

const order_id = id("The order id, such as '#W0000000'. Mind the '#' at the beginning.");
const user_id = id("The user id, such as 'sara_doe_496'.");
const item_ids = ids("The item ids to change, each such as '1008292230'. There may be duplicates.");
const new_item_ids = ids(
  "The item ids to change to, each of the same product as the item id in the same position.",
);
const payment_method_id = id(
  "The payment method id to pay or be refunded by, such as 'gift_card_0000000' or 'credit_card_0000000'.",
);
const address = {
  address1: id("The first line of the address, such as '123 Main St'."),
  address2: id("The second line of the address, such as 'Apt 1' or ''."),
  city: id("The city, such as 'San Francisco'."),
  state: id("The state, such as 'CA'."),
  country: id("The country, such as 'USA'."),
  zip: id("The zip code, such as '12345'."),
};
const CONFIRM = "Explain the details and obtain explicit confirmation (yes/no) first.";

type Run = Tool<RetailDatabase>["run"];

function read(answer: (db: RetailDatabase, args: Arguments) => unknown): Run {
  return (database, args) => ({ database, content: answer(database, args) as Json });
}

const TOOLS: readonly Tool<RetailDatabase>[] = [
  {
    name: "calculate",
    kind: "generic",
    description: "Calculate the result of a mathematical expression.",
    parameters: parameters({ expression: id("The expression, such as '2 + 2'.") }),
    run: read((_, args) => String(calculate(textArgument(args, "expression")))),
  },
  {
    name: "cancel_pending_order",
    kind: "write",
    description: `Cancel a pending order; the payment is refunded. ${CONFIRM}`,
    parameters: parameters({
      order_id,
      reason: id("Either 'no longer needed' or 'ordered by mistake'."),
    }),
    run: cancelOrder,
  },
  {
    name: "exchange_delivered_order_items",
    kind: "write",
    description: `Exchange items of a delivered order for others of the same product; once per order. ${CONFIRM}`,
    parameters: parameters({ order_id, item_ids, new_item_ids, payment_method_id }),
    run: exchangeItems,
  },
  {
    name: "find_user_id_by_name_zip",
    kind: "read",
    description:
      "Find a user id by first name, last name and zip code, where the email is not known.",
    parameters: parameters({
      first_name: id("The first name, such as 'John'."),
      last_name: id("The last name, such as 'Doe'."),
      zip: id("The zip code, such as '12345'."),
    }),
    run: read((db, args) => {
      const first = textArgument(args, "first_name").toLowerCase();
      const last = textArgument(args, "last_name").toLowerCase();
      return userBy(
        db,
        ({ name, address: { zip } }) =>
          name.first_name.toLowerCase() === first &&
          name.last_name.toLowerCase() === last &&
          zip === args["zip"],
      );
    }),
  },
  {
    name: "find_user_id_by_email",
    kind: "read",
    description: "Find a user id by email.",
    parameters: parameters({ email: id("The email, such as 'something@example.com'.") }),
    run: read((db, args) => {
      const email = textArgument(args, "email").toLowerCase();
      return userBy(db, (user) => user.email.toLowerCase() === email);
    }),
  },
  {
    name: "get_order_details",
    kind: "read",
    description: "Get the status and details of an order.",
    parameters: parameters({ order_id }),
    run: read(orderOf),
  },
  {
    name: "get_product_details",
    kind: "read",
    description: "Get the inventory details of a product.",
    parameters: parameters({ product_id: id("The product id, which is not an item id.") }),
    run: read((db, args) => productOf(db, textArgument(args, "product_id"))),
  },
  {
    name: "get_item_details",
    kind: "read",
    description: "Get the inventory details of an item.",
    parameters: parameters({ item_id: id("The item id, which is not a product id.") }),
    run: read((db, args) => {
      const item = textArgument(args, "item_id");
      for (const [, { variants }] of db.rows("products"))
        if (Object.hasOwn(variants, item)) return variants[item];
      throw new ToolError("Item not found");
    }),
  },
  {
    name: "get_user_details",
    kind: "read",
    description: "Get the details of a user, including their orders.",
    parameters: parameters({ user_id }),
    run: read((db, args) => userOf(db, textArgument(args, "user_id"))),
  },
  {
    name: "list_all_product_types",
    kind: "read",
    description: "List the name and product id of all product types.",
    parameters: parameters({}),
    run: read((db) => {
      const names = [...db.rows("products")].map(
        ([, { name, product_id }]) => [name, product_id] as const,
      );
      return Object.fromEntries(names.sort(([a], [b]) => (a < b ? -1 : 1)));
    }),
  },
  {
    name: "modify_pending_order_address",
    kind: "write",
    description: `Change the shipping address of a pending order. ${CONFIRM}`,
    parameters: parameters({ order_id, ...address }),
    run(db, args) {
      const order = pendingOrder(db, args);
      return saveOrder(db, { ...order, address: addressFrom(args) });
    },
  },
  {
    name: "modify_pending_order_items",
    kind: "write",
    description: `Change items of a pending order to others of the same product; once per order. ${CONFIRM}`,
    parameters: parameters({ order_id, item_ids, new_item_ids, payment_method_id }),
    run: modifyItems,
  },
  {
    name: "modify_pending_order_payment",
    kind: "write",
    description: `Change the payment method of a pending order. ${CONFIRM}`,
    parameters: parameters({ order_id, payment_method_id }),
    run: modifyPayment,
  },
  {
    name: "modify_user_address",
    kind: "write",
    description: `Change the default address of a user. ${CONFIRM}`,
    parameters: parameters({ user_id, ...address }),
    run(db, args) {
      const user = { ...userOf(db, textArgument(args, "user_id")), address: addressFrom(args) };
      return { database: db.with("users", user.user_id, user), content: user };
    },
  },
  {
    name: "return_delivered_order_items",
    kind: "write",
    description: `Return items of a delivered order. ${CONFIRM}`,
    parameters: parameters({ order_id, item_ids, payment_method_id }),
    run: returnItems,
  },
  {
    name: "transfer_to_human_agents",
    kind: "generic",
    description:
      "Transfer the user to a human agent, if they ask for one or the tools cannot serve them.",
    parameters: parameters({ summary: id("A summary of the user's issue.") }),
    run: read(() => "Transfer successful"),
  },
];

/** The retail tools by name. */
export const retailTools: ReadonlyMap<string, Tool<RetailDatabase>> = toolMap(TOOLS);

type Result = ToolResult<RetailDatabase>;

function cancelOrder(db: RetailDatabase, args: Arguments): Result {
  const order = orderOf(db, args);
  if (order.status !== "pending") throw new ToolError("Non-pending order cannot be cancelled");
  const reason = textArgument(args, "reason");
  if (reason !== "no longer needed" && reason !== "ordered by mistake") {
    throw new ToolError("Invalid reason");
  }
  let after = db;
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

function exchangeItems(db: RetailDatabase, args: Arguments): Result {
  const order = orderOf(db, args);
  if (order.status !== "delivered") throw new ToolError("Non-delivered order cannot be exchanged");
  const { items, replacements, difference } = replaced(db, order, args, { sameAllowed: true });
  const amount = cents(difference);
  const method = methodFor(db, order, args, amount);
  return saveOrder(db, {
    ...order,
    status: "exchange requested",
    exchange_items: [...items].sort(),
    exchange_new_items: replacements.map((each) => each.item_id).sort(),
    exchange_payment_method_id: method.id,
    exchange_price_difference: amount,
  } as Order);
}

function modifyItems(db: RetailDatabase, args: Arguments): Result {
  const order = orderOf(db, args);
  if (order.status !== "pending") throw new ToolError("Non-pending order cannot be modified");
  const { items, replacements, difference } = replaced(db, order, args, { sameAllowed: false });
  const method = methodFor(db, order, args, difference);
  const payment: Payment = {
    transaction_type: difference > 0 ? "payment" : "refund",
    amount: Math.abs(difference),
    payment_method_id: method.id,
  };
  const after = addBalance(db, order.user_id, method.id, -difference);
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

function modifyPayment(db: RetailDatabase, args: Arguments): Result {
  const order = pendingOrder(db, args);
  const method = methodOf(db, order.user_id, textArgument(args, "payment_method_id"));
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
  const paid = addBalance(db, order.user_id, method.id, -amount);
  return saveOrder(addBalance(paid, order.user_id, old, amount), {
    ...order,
    payment_history: [
      payment,
      { transaction_type: "payment", amount, payment_method_id: method.id },
      { transaction_type: "refund", amount, payment_method_id: old },
    ],
  });
}

function returnItems(db: RetailDatabase, args: Arguments): Result {
  const order = orderOf(db, args);
  if (order.status !== "delivered") throw new ToolError("Non-delivered order cannot be returned");
  const method = methodOf(db, order.user_id, textArgument(args, "payment_method_id"));
  if (!isGiftCard(method) && method.id !== order.payment_history[0]?.payment_method_id) {
    throw new ToolError("Payment method should be the original payment method");
  }
  const items = listArgument<string>(args, "item_ids");
  mustHold(order, items);
  return saveOrder(db, {
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
  db: RetailDatabase,
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
    const { variants } = productOf(db, old.product_id);
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

function userBy(db: RetailDatabase, test: (user: User) => boolean): string {
  for (const [key, user] of db.rows("users")) if (test(user)) return key;
  throw new ToolError("User not found");
}

function userOf(db: RetailDatabase, key: string): User {
  const user = db.get("users", key);
  if (user === undefined) throw new ToolError("User not found");
  return user;
}

function orderOf(db: RetailDatabase, args: Arguments): Order {
  const order = db.get("orders", textArgument(args, "order_id"));
  if (order === undefined) throw new ToolError("Order not found");
  return order;
}

/** An order whose status contains `pending`: its items may have been changed already. */
function pendingOrder(db: RetailDatabase, args: Arguments): Order {
  const order = orderOf(db, args);
  if (!order.status.includes("pending"))
    throw new ToolError("Non-pending order cannot be modified");
  return order;
}

function productOf(db: RetailDatabase, key: string): Product {
  const product = db.get("products", key);
  if (product === undefined) throw new ToolError("Product not found");
  return product;
}

function methodOf(db: RetailDatabase, userId: string, method: string): PaymentMethod {
  const { payment_methods: methods } = userOf(db, userId);
  if (!Object.hasOwn(methods, method)) throw new ToolError("Payment method not found");
  return methods[method]!;
}

/** The payment method of a call, which must cover `amount` if it is a gift card. */
function methodFor(
  db: RetailDatabase,
  order: Order,
  args: Arguments,
  amount: number,
): PaymentMethod {
  const method = methodOf(db, order.user_id, textArgument(args, "payment_method_id"));
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
  db: RetailDatabase,
  userId: string,
  method: string,
  amount: number,
): RetailDatabase {
  const user = userOf(db, userId);
  const card = methodOf(db, userId, method);
  if (!isGiftCard(card)) return db;
  const payment_methods = {
    ...user.payment_methods,
    [method]: { ...card, balance: cents(card.balance! + amount) },
  };
  return db.with("users", userId, { ...user, payment_methods });
}

function addressFrom(args: Arguments): Address {
  return Object.fromEntries(Object.keys(address).map((key) => [key, args[key]!]));
}

function saveOrder(db: RetailDatabase, order: Order): Result {
  return { database: db.with("orders", order.order_id, order), content: order };
}

function cents(amount: number): number {
  return Number(amount.toFixed(2));
}
