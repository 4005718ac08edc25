import { describe, expect, test } from "vitest";
import { Database, type Tables } from "../database.js";
import { callTool, type Tool } from "../tool.js";
import { parseAgentAction } from "./action.js";
import { type AirlineTables, airlineTools } from "./airline.js";
import { calculate } from "./arithmetic.js";
import { type RetailTables, retailTools } from "./retail.js";
import { parseTasks } from "./task.js";

const RETAIL: Tables = {
  users: {
    ann: {
      user_id: "ann",
      name: { first_name: "Ann", last_name: "Lee" },
      address: { zip: "10001" },
      email: "Ann@x.org",
      payment_methods: {
        gift: { source: "gift_card", id: "gift", balance: 10.5 },
        card: { source: "credit_card", id: "card" },
      },
    },
  },
  products: {
    p: {
      product_id: "p",
      name: "Lamp",
      variants: {
        a: { item_id: "a", available: true, price: 10, options: { colour: "red" } },
        b: { item_id: "b", available: true, price: 12.1, options: { colour: "blue" } },
        c: { item_id: "c", available: true, price: 99, options: { colour: "gold" } },
        d: { item_id: "d", available: false, price: 1, options: { colour: "grey" } },
      },
    },
  },
  orders: {
    "#1": {
      order_id: "#1",
      user_id: "ann",
      address: {},
      status: "pending",
      items: [
        { name: "Lamp", product_id: "p", item_id: "a", price: 10, options: {} },
        { name: "Lamp", product_id: "p", item_id: "d", price: 10, options: {} },
      ],
      payment_history: [{ transaction_type: "payment", amount: 20, payment_method_id: "gift" }],
    },
    "#2": {
      order_id: "#2",
      user_id: "ann",
      address: {},
      status: "delivered",
      items: [{ name: "Lamp", product_id: "p", item_id: "a", price: 10, options: {} }],
      payment_history: [{ transaction_type: "payment", amount: 10, payment_method_id: "card" }],
    },
  },
};

describe("retail tools", () => {
  const base = Database.of<RetailTables>(RETAIL);
  const run = (name: string, args: object) =>
    callTool(retailTools, base, { name, arguments: args as Record<string, string> });
  const balance = (db: typeof base): number =>
    db.get("users", "ann")!.payment_methods["gift"]!.balance!;

  test("there are sixteen: tau2-bench's fifteen and its calculator", () => {
    expect(retailTools.size).toBe(16);
    const writes = [...retailTools.values()].filter(({ kind }) => kind === "write");
    expect(writes.map(({ name }) => name)).toHaveLength(7);
  });

  test("a cancelled order is refunded, a gift card at once", () => {
    const { database } = run("cancel_pending_order", {
      order_id: "#1",
      reason: "no longer needed",
    });
    expect(database.get("orders", "#1")).toMatchObject({
      status: "cancelled",
      cancel_reason: "no longer needed",
      payment_history: [{}, { transaction_type: "refund", amount: 20, payment_method_id: "gift" }],
    });
    expect(balance(database)).toBe(30.5);
    expect(balance(base)).toBe(10.5);
  });

  test("changed items all take the price and options of the last, as in the reference", () => {
    const { database } = run("modify_pending_order_items", {
      order_id: "#1",
      item_ids: ["a", "d"],
      new_item_ids: ["b", "a"],
      payment_method_id: "gift",
    });
    expect(database.get("orders", "#1")).toMatchObject({
      status: "pending (item modified)",
      items: [
        { item_id: "b", price: 10, options: { colour: "red" } },
        { item_id: "a", price: 10, options: { colour: "red" } },
      ],
    });
    expect(balance(database)).toBe(8.4);
  });

  test.each([
    ["an order that is none", "get_order_details", { order_id: "#9" }],
    ["an argument of another type", "get_order_details", { order_id: 9 }],
    ["a reason of one's own", "cancel_pending_order", { order_id: "#1", reason: "bored" }],
    [
      "a delivered order to cancel",
      "cancel_pending_order",
      { order_id: "#2", reason: "no longer needed" },
    ],
    [
      "an item named twice",
      "return_delivered_order_items",
      { order_id: "#2", item_ids: ["a", "a"], payment_method_id: "card" },
    ],
    [
      "another card than the original",
      "return_delivered_order_items",
      { order_id: "#2", item_ids: ["a"], payment_method_id: "paypal" },
    ],
    [
      "what is out of stock",
      "exchange_delivered_order_items",
      { order_id: "#2", item_ids: ["a"], new_item_ids: ["d"], payment_method_id: "card" },
    ],
    [
      "a gift card that does not cover it",
      "exchange_delivered_order_items",
      { order_id: "#2", item_ids: ["a"], new_item_ids: ["c"], payment_method_id: "gift" },
    ],
    [
      "the payment method it has",
      "modify_pending_order_payment",
      { order_id: "#1", payment_method_id: "gift" },
    ],
    ["an argument it has no name for", "get_user_details", { user_id: "ann", verbose: true }],
  ])("refuses %s and changes nothing", (_, name, args) => {
    const outcome = run(name, args);
    expect(outcome).toMatchObject({
      error: true,
      content: expect.stringMatching(/^Error: /) as string,
    });
    expect(outcome.database).toBe(base);
  });

  test("finds users by email and by name and zip, whatever the case", () => {
    expect(run("find_user_id_by_email", { email: "ann@X.org" }).content).toBe("ann");
    expect(
      run("find_user_id_by_name_zip", { first_name: "ANN", last_name: "lee", zip: "10001" })
        .content,
    ).toBe("ann");
    expect(
      run("find_user_id_by_name_zip", { first_name: "Ann", last_name: "Lee", zip: "1" }).error,
    ).toBe(true);
  });
});

describe("airline tools", () => {
  const day = { status: "available", available_seats: { economy: 1 }, prices: { economy: 100 } };
  const base = Database.of<AirlineTables>({
    flights: {
      F1: {
        flight_number: "F1",
        origin: "JFK",
        destination: "SEA",
        scheduled_departure_time_est: "06:00:00",
        scheduled_arrival_time_est: "09:00:00",
        dates: { "2024-05-20": day },
      },
    },
    reservations: {},
    users: {
      ann: {
        payment_methods: {
          card: { source: "credit_card", id: "card" },
          voucher: { source: "certificate", id: "voucher", amount: 50 },
        },
        reservations: [],
      },
    },
  });
  const booking = {
    user_id: "ann",
    origin: "JFK",
    destination: "SEA",
    flight_type: "one_way",
    cabin: "economy",
    flights: [{ flight_number: "F1", date: "2024-05-20" }],
    passengers: [{ first_name: "Ann", last_name: "Lee", dob: "1990-01-01" }],
    payment_methods: [
      { payment_id: "voucher", amount: 50 },
      { payment_id: "card", amount: 130 },
    ],
    total_baggages: 1,
    nonfree_baggages: 1,
    insurance: "yes",
  };
  const run = (name: string, args: object, db = base) =>
    callTool(airlineTools, db, { name, arguments: args as Record<string, string> });

  test("a booking is paid for to the cent, uses up certificates and can be cancelled", () => {
    const booked = run("book_reservation", booking);
    expect(booked.error).toBe(false);
    expect(booked.database.get("users", "ann")).toEqual({
      payment_methods: { card: { source: "credit_card", id: "card" } },
      reservations: ["HATHAT"],
    });
    const cancelled = run("cancel_reservation", { reservation_id: "HATHAT" }, booked.database);
    expect(cancelled.database.get("reservations", "HATHAT")).toMatchObject({
      status: "cancelled",
      payment_history: [{ amount: 50 }, { amount: 130 }, { amount: -50 }, { amount: -130 }],
    });
    const again = run("book_reservation", { ...booking, insurance: "no" });
    expect(again.text).toMatch(/total price is 150, but paid 180/);
    expect(again.database).toBe(base);
  });

  test("a certificate cannot pay for a change", () => {
    const booked = run("book_reservation", {
      ...booking,
      payment_methods: [{ payment_id: "card", amount: 180 }],
    });
    const bags = { reservation_id: "HATHAT", total_baggages: 2, nonfree_baggages: 2 };
    const refused = run(
      "update_reservation_baggages",
      { ...bags, payment_id: "voucher" },
      booked.database,
    );
    expect(refused.text).toMatch(/certificate cannot be used/);
    const paid = run(
      "update_reservation_baggages",
      { ...bags, payment_id: "card" },
      booked.database,
    );
    expect(paid.database.get("reservations", "HATHAT")).toMatchObject({
      nonfree_baggages: 2,
      payment_history: [{ amount: 180 }, { payment_id: "card", amount: 50 }],
    });
  });

  test("finds direct flights of the day", () => {
    const found = run("search_direct_flight", {
      origin: "JFK",
      destination: "SEA",
      date: "2024-05-20",
    }).content;
    expect(found).toMatchObject([{ flight_number: "F1", prices: { economy: 100 } }]);
    expect(
      run("search_direct_flight", { origin: "JFK", destination: "SEA", date: "2024-05-21" })
        .content,
    ).toEqual([]);
  });
});

test("every tool states its arguments, all of them required", () => {
  for (const tool of [...retailTools.values(), ...airlineTools.values()] as Tool<never>[]) {
    const { type, properties, required } = tool.parameters;
    expect(type).toBe("object");
    expect(required).toEqual(Object.keys(properties!));
    expect(tool.description).not.toBe("");
  }
});

test.each([
  ["2 + 2 * 3", 8],
  ["(1 - 4) / -2", 1.5],
  ["10 / 3", 3.33],
  [".5 - +.25", 0.25],
])("%s is %d", (expression, value) => {
  expect(calculate(expression)).toBe(value);
});

test("parentheses deeper than a recursion goes cannot be calculated", () => {
  expect(() => calculate(`${"(".repeat(50_000)}1${")".repeat(50_000)}`)).toThrow(/longer than/);
});

test.each(["2 +", "(2", "1 / 0", "x", "2 2", ""])("%j cannot be calculated", (expression) => {
  expect(() => calculate(expression)).toThrow(/calculate|invalid characters/);
});

describe("an agent's turn", () => {
  test("is malformed where its call is nested deeper than a recursion goes", () => {
    const deep = `{"name":"f","arguments":{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`;
    expect(parseAgentAction(deep)).toMatchObject({ kind: "malformed" });
  });

  const call = { name: "f", arguments: { a: [1] } };
  const text = JSON.stringify(call);
  test.each([
    [text],
    [`\`\`\`json\n${text}\n\`\`\``],
    [`I will look.\n<tool_call>\n${text}\n</tool_call>`],
    [`<tool_call>${text}`],
  ])("%j is a call", (written) => {
    expect(parseAgentAction(written)).toEqual({ kind: "call", call });
  });

  test.each(["Hello {name}!", "The call is f.", ""])("%j is said", (written) => {
    expect(parseAgentAction(written)).toEqual({ kind: "say", text: written });
  });

  test.each([
    "{",
    '{"name": "f"}',
    '{"name": "f", "arguments": []}',
    "<tool_call></tool_call>",
    `<tool_call>${text}</tool_call><tool_call>${text}</tool_call>`,
  ])("%j is malformed", (written) => {
    expect(parseAgentAction(written).kind).toBe("malformed");
  });
});

test.each([
  ["no list", {}],
  [
    "an action without a name",
    [{ id: "1", user_scenario: { instructions: "x" }, evaluation_criteria: { actions: [{}] } }],
  ],
  [
    "a state of its own",
    [{ id: "1", user_scenario: { instructions: "x" }, initial_state: { message_history: [] } }],
  ],
])("tasks that are %s are refused, and the file is named", (_, json) => {
  expect(() => parseTasks(json, "tasks.json")).toThrow(
    expect.objectContaining({
      code: "TAU_TASK",
      message: expect.stringContaining("tasks.json") as string,
    }),
  );
});
