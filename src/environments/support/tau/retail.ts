/**
 * The tools of tau2-bench's retail domain, on its database unchanged: its fifteen and the calculator,
 * behaviour for behaviour, including which variant's price a change of several items leaves behind.
 */
import type { Json } from "../../environment.js";
import {
  type Arguments,
  type JsonSchema,
  parameters,
  textArgument,
  type Tool,
  ToolError,
  toolMap,
} from "../tool.js";
import { calculate } from "./arithmetic.js";
import {
  addressFrom,
  cancelOrder,
  exchangeItems,
  modifyItems,
  modifyPayment,
  orderOf,
  pendingOrder,
  productOf,
  type RetailDatabase,
  returnItems,
  saveOrder,
  userBy,
  userOf,
} from "./retail-operations.js";

export type { RetailDatabase, RetailTables } from "./retail-operations.js";

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

function read(answer: (database: RetailDatabase, args: Arguments) => unknown): Run {
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
    run: read((database, args) => {
      const first = textArgument(args, "first_name").toLowerCase();
      const last = textArgument(args, "last_name").toLowerCase();
      return userBy(
        database,
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
    run: read((database, args) => {
      const email = textArgument(args, "email").toLowerCase();
      return userBy(database, (user) => user.email.toLowerCase() === email);
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
    run: read((database, args) => productOf(database, textArgument(args, "product_id"))),
  },
  {
    name: "get_item_details",
    kind: "read",
    description: "Get the inventory details of an item.",
    parameters: parameters({ item_id: id("The item id, which is not a product id.") }),
    run: read((database, args) => {
      const item = textArgument(args, "item_id");
      for (const [, { variants }] of database.rows("products"))
        if (Object.hasOwn(variants, item)) return variants[item];
      throw new ToolError("Item not found");
    }),
  },
  {
    name: "get_user_details",
    kind: "read",
    description: "Get the details of a user, including their orders.",
    parameters: parameters({ user_id }),
    run: read((database, args) => userOf(database, textArgument(args, "user_id"))),
  },
  {
    name: "list_all_product_types",
    kind: "read",
    description: "List the name and product id of all product types.",
    parameters: parameters({}),
    run: read((database) => {
      const names = [...database.rows("products")].map(
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
    run(database, args) {
      const order = pendingOrder(database, args);
      return saveOrder(database, { ...order, address: addressFrom(args) });
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
    run(database, args) {
      const user = {
        ...userOf(database, textArgument(args, "user_id")),
        address: addressFrom(args),
      };
      return { database: database.with("users", user.user_id, user), content: user };
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
