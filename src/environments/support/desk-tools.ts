/** The desk's tools, named as in tau2-bench's retail domain; their compact forms are in action.ts. */
import type { Json } from "../environment.js";
import {
  type Arguments,
  type JsonSchema,
  parameters,
  type Tool,
  ToolError,
  toolMap,
} from "./tool.js";
import type { Desk, OrderRow } from "./world.js";

const id = (description: string): JsonSchema => ({ type: "string", description });

const order_id = id("The order id, such as '#W1'.");
const item_id = id("The id of an item in the order, such as '#1'.");

const TOOLS: readonly Tool<Desk>[] = [
  {
    name: "find_user_id_by_name_zip",
    kind: "read",
    description: "Find a user id by first name and zip code.",
    parameters: parameters({ first_name: id("The first name."), zip: id("The zip code.") }),
    run: (desk, { first_name, zip }) =>
      found(desk, (user) => user.name === first_name && user.zip === zip),
  },
  {
    name: "find_user_id_by_email",
    kind: "read",
    description: "Find a user id by email.",
    parameters: parameters({ email: id("The email of the user.") }),
    run: (desk, { email }) => found(desk, (user) => user.email === email),
  },
  {
    name: "get_order_details",
    kind: "read",
    description: "Get the owner, status, weeks since delivery and items of an order.",
    parameters: parameters({ order_id }),
    run: (desk, args) => ({ database: desk, content: orderOf(desk, args) as Json }),
  },
  {
    name: "get_product_details",
    kind: "read",
    description: "Get the colours of a product and which of them are in stock.",
    parameters: parameters({ product: id("The product, such as 'lamp'.") }),
    run(desk, { product }) {
      const row = desk.get("products", product as string);
      if (row === undefined) throw new ToolError("Product not found");
      return { database: desk, content: row as Json };
    },
  },
  {
    name: "cancel_pending_order",
    kind: "write",
    description: "Cancel a pending order. The customer must have confirmed it explicitly.",
    parameters: parameters({ order_id }),
    run(desk, args) {
      const order = orderOf(desk, args);
      if (order.status !== "pending") throw new ToolError("Non-pending order cannot be cancelled");
      return written(desk, args, { ...order, status: "cancelled" });
    },
  },
  {
    name: "return_delivered_order_item",
    kind: "write",
    description:
      "Return an item of a delivered order. The customer must have confirmed it explicitly.",
    parameters: parameters({ order_id, item_id }),
    run(desk, args) {
      const order = deliveredWith(desk, args, "returned");
      return written(desk, args, {
        ...order,
        status: "return-requested",
        returned: args["item_id"] as string,
      });
    },
  },
  {
    name: "exchange_delivered_order_item",
    kind: "write",
    description:
      "Exchange an item of a delivered order for another colour. The customer must have confirmed it explicitly.",
    parameters: parameters({
      order_id,
      item_id,
      new_item_id: id("The id of the available item to send instead."),
    }),
    run(desk, args) {
      const order = deliveredWith(desk, args, "exchanged");
      const { product } = order.lines.find(({ item }) => item === args["item_id"])!;
      const variants = desk.get("products", product)?.variants ?? [];
      const replacement = variants.find(({ item }) => item === args["new_item_id"]);
      if (replacement?.available !== true) throw new ToolError("New item not found or available");
      return written(desk, args, {
        ...order,
        status: "exchange-requested",
        returned: args["item_id"] as string,
        replacement: replacement.item,
      });
    },
  },
  {
    name: "transfer_to_human_agents",
    kind: "generic",
    description: "Transfer the customer to a human agent.",
    parameters: parameters({ summary: id("A summary of the customer's issue.") }),
    run: (desk) => ({ database: desk, content: "Transfer successful" }),
  },
];

/** The desk's tools by name. */
export const deskTools: ReadonlyMap<string, Tool<Desk>> = toolMap(TOOLS);

type Outcome = ReturnType<Tool<Desk>["run"]>;

function found(
  desk: Desk,
  test: (user: { name: string; zip: string; email: string }) => boolean,
): Outcome {
  for (const [user, row] of desk.rows("users")) {
    if (test(row)) return { database: desk, content: { user_id: user, tier: row.tier } };
  }
  throw new ToolError("User not found");
}

function orderOf(desk: Desk, args: Arguments): OrderRow {
  const order = desk.get("orders", args["order_id"] as string);
  if (order === undefined) throw new ToolError("Order not found");
  return order;
}

function deliveredWith(desk: Desk, args: Arguments, done: string): OrderRow {
  const order = orderOf(desk, args);
  if (order.status !== "delivered") throw new ToolError(`Non-delivered order cannot be ${done}`);
  if (!order.lines.some(({ item }) => item === args["item_id"]))
    throw new ToolError("Item not found");
  return order;
}

function written(desk: Desk, args: Arguments, order: OrderRow): Outcome {
  return {
    database: desk.with("orders", args["order_id"] as string, order),
    content: order as Json,
  };
}
