/** Draws customers with errands, and the tables that make each errand what it is. */
import { createHash } from "node:crypto";
import { type Random, hashText } from "../../util/random.js";
import type { Json, Split, Task } from "../environment.js";
import { Database, type Row } from "./database.js";
import { canonicalJson } from "./digest.js";
import { openTask, type Customer, type DeskTask, type Errand, type Request } from "./errand.js";
import type { CustomerWays, ErrandKind, Level } from "./level.js";
import { isGranted, windowOf } from "./policy.js";
import * as world from "./world.js";

/** Most items in an order. */
export const MOST_LINES = 3;

/** Most colours of a product. */
export const MOST_VARIANTS = 3;

interface Options {
  readonly split: Split;
  readonly level: Level;
  readonly ways: CustomerWays;
  readonly random: Random;
}

/** One conversation of a split and level. */
export function drawTask({ split, level, ways, random }: Options): Task {
  for (;;) {
    const data = drawConversation(level, ways, random);
    if (level.crossed && !isCrossed(data)) continue;
    const own = placeOf(data);
    if (own.split === split)
      return { ...own, domain: "support", level: level.name, data: data as Json };
  }
}

/** The id and the split of a conversation, whoever its users, orders and items are named after. */
function placeOf(data: DeskTask): Pick<Task, "id" | "split"> {
  const key = canonicalKey(data);
  const id = createHash("sha256").update(key).digest("hex").slice(0, 16);
  return { id: `support-${id}`, split: splitOf(key) };
}

/**
 * The id and the split of a task's data; those of a conversation that was taken over are its own.
 * @throws ErrataError `SUPPORT_TASK`.
 */
export function identify(data: Json): Pick<Task, "id" | "split"> {
  const { history } = openTask(data);
  const { id, split } = placeOf(data as DeskTask);
  return { id: history.length === 0 ? id : takeoverId(id, history), split };
}

/** The id of taking over a conversation after `actions`. */
export function takeoverId(id: string, actions: readonly string[]): string {
  return `${id}+${hashText(JSON.stringify(actions)).toString(16)}`;
}

/** A tenth of all conversations is for testing, a tenth for validation. */
export function splitOf(key: string): Split {
  const tenth = hashText(key) % 10;
  return tenth === 0 ? "test" : tenth === 1 ? "validation" : "train";
}

/** Text of a task that renaming of users, orders and items leaves as it is. */
export function canonicalKey(data: DeskTask): string {
  const names = new Map<string, string>();
  const renamed = new Set<string>([
    ...world.NAMES,
    ...world.ZIPS,
    ...world.EMAILS,
    ...world.USERS,
    ...world.ORDERS,
    ...world.ITEMS,
  ]);
  const rename = (value: Json): Json => {
    if (typeof value === "string") {
      if (!renamed.has(value)) return value;
      if (!names.has(value)) names.set(value, `n${names.size}`);
      return names.get(value)!;
    }
    if (Array.isArray(value)) return value.map(rename);
    if (typeof value !== "object" || value === null) return value;
    return Object.entries(value).map(([key, each]) => [rename(key), rename(each as Json)]);
  };
  const { customer, tables } = data;
  // The customer first: names are numbered in the order in which they come up in the conversation.
  return canonicalJson(rename([customer as Json, tables as unknown as Json]));
}

/** What is still to be used of each kind of id, so that none means two things. */
interface Supply {
  readonly orders: string[];
  readonly items: string[];
}

function drawConversation(level: Level, ways: CustomerWays, random: Random): DeskTask {
  const names = random.shuffle(world.NAMES);
  const zips = random.shuffle(world.ZIPS);
  const emails = random.shuffle(world.EMAILS);
  const ids = random.shuffle(world.USERS);
  const users: Record<string, Row> = {};
  for (let i = 0; i < 2; i++) {
    const tier = random.pick(["basic", "gold"] as const);
    users[ids[i]!] = { name: names[i]!, zip: zips[i]!, email: emails[i]!, tier };
  }
  const customer = { id: ids[0]!, other: ids[1]!, tier: users[ids[0]!]!["tier"] as world.Tier };
  const supply = { orders: random.shuffle(world.ORDERS), items: random.shuffle(world.ITEMS) };
  const tables = { users, orders: {} as Record<string, Row>, products: {} as Record<string, Row> };
  const scene = { ways, random, customer, supply, tables };
  const errands = drawKinds(level, random).map((kind) => drawErrand(kind, scene));
  for (const product of world.PRODUCTS)
    tables.products[product] ??= {
      variants: drawVariants(random.pick(world.COLOURS), true, scene),
    };
  return {
    tables,
    customer: {
      user: customer.id,
      opening: random.pick(["nothing", "name-and-zip", "email", "user-id"] as const),
      forgetsZip: random.uniform() < 0.5,
      careless: random.uniform() < ways.careless,
      errands,
    } satisfies Customer,
  };
}

/** Whether some request past its time is about an order delivered no earlier than one still in time. */
function isCrossed({ tables, customer: { user, errands } }: DeskTask): boolean {
  const desk = Database.of<world.DeskTables>(tables);
  const weeks = (granted: boolean): number[] =>
    errands.flatMap(({ request }) =>
      request.product !== undefined && isGranted(desk, request, user) === granted
        ? [desk.get("orders", request.order)!.weeks]
        : [],
    );
  return Math.min(...weeks(false)) <= Math.max(...weeks(true));
}

/** The kinds of the errands in the order they come up; a repair, which ends in a transfer, last. */
function drawKinds({ errands, required, others }: Level, random: Random): ErrandKind[] {
  const kinds = [...required];
  const rest = Object.keys(others) as ErrandKind[];
  const weights = Object.values(others);
  while (kinds.length < errands) {
    const kind = rest[random.weighted(weights)]!;
    if (kind !== "repair" || !kinds.includes("repair")) kinds.push(kind);
  }
  const shuffled = random.shuffle(kinds);
  return [...shuffled.filter((k) => k !== "repair"), ...shuffled.filter((k) => k === "repair")];
}

interface Scene {
  readonly ways: CustomerWays;
  readonly random: Random;
  readonly customer: { readonly id: string; readonly other: string; readonly tier: world.Tier };
  readonly supply: Supply;
  readonly tables: { readonly orders: Record<string, Row>; readonly products: Record<string, Row> };
}

function drawErrand(kind: ErrandKind, scene: Scene): Errand {
  const { random, customer, supply, tables, ways } = scene;
  const verb = verbFor(kind, random);
  const id = supply.orders.pop()!;
  const free = random.shuffle(world.PRODUCTS.filter((each) => tables.products[each] === undefined));
  const product = (verb === "exchange" ? free : random.shuffle(world.PRODUCTS))[0]!;
  const others = random.shuffle(world.PRODUCTS.filter((each) => each !== product));
  const count = 1 + random.below(MOST_LINES);
  const lines = random
    .shuffle([product, ...others.slice(0, count - 1)])
    .map((each) => ({ item: supply.items.pop()!, product: each }));

  const status = statusFor(kind, verb, random);
  const window = windowOf(product, customer.tier);
  const weeks =
    kind === "past-window"
      ? window + 1 + random.below(world.MAX_WEEKS - window)
      : 1 + random.below(window);
  tables.orders[id] = {
    user: kind === "not-theirs" ? customer.other : customer.id,
    status,
    weeks: status === "delivered" ? weeks : 0,
    lines,
  };

  const colour = random.pick(world.COLOURS);
  if (verb === "exchange") {
    tables.products[product] = { variants: drawVariants(colour, kind !== "out-of-stock", scene) };
  }
  const request: Request = {
    verb,
    order: id,
    ...(verb === "return" || verb === "exchange" ? { product } : {}),
    ...(verb === "exchange" ? { colour } : {}),
  };
  const chance = (probability: number): boolean => random.uniform() < probability;
  const omits = chance(ways.vague) ? random.pick(["order", "product"] as const) : undefined;
  const granted = kind === "granted" || kind === "in-time";
  const changes = granted && chance(ways.contradictory);
  const alternative = verb === "return" ? others.slice(0, count - 1) : [];
  const change =
    alternative.length > 0 && chance(0.7)
      ? { product: random.pick(alternative) }
      : ("withdraws" as const);
  const omitted = omits === "product" && request.product === undefined ? "order" : omits;
  return {
    request,
    ...(omitted === undefined ? {} : { omits: omitted }),
    ...(changes ? { change } : {}),
    ...(chance(ways.pushing) ? { pushes: true } : {}),
  };
}

function verbFor(kind: ErrandKind, random: Random): Request["verb"] {
  switch (kind) {
    case "granted":
    case "wrong-status":
    case "not-theirs":
      return random.pick(["return", "exchange", "return", "exchange", "cancel"] as const);
    case "past-window":
    case "in-time":
      return random.pick(["return", "exchange"] as const);
    case "out-of-stock":
      return "exchange";
    default:
      return kind;
  }
}

function statusFor(kind: ErrandKind, verb: Request["verb"], random: Random): world.Status {
  if (kind === "status") return random.pick(world.STATUSES);
  if (kind === "repair") return "delivered";
  if (kind === "wrong-status") {
    const right = verb === "cancel" ? "pending" : "delivered";
    return random.pick(world.STATUSES.filter((each) => each !== right));
  }
  return verb === "cancel" ? "pending" : "delivered";
}

/** Two or three colours, the one wanted among them, in stock or not; any of the others may be. */
function drawVariants(wanted: string, available: boolean, { random, supply }: Scene): Row[] {
  const others = random.shuffle(world.COLOURS.filter((each) => each !== wanted));
  const colours = [wanted, ...others.slice(0, 1 + random.below(MOST_VARIANTS - 1))];
  return random.shuffle(colours).map((colour) => ({
    item: supply.items.pop()!,
    colour,
    available: colour === wanted ? available : random.uniform() < 0.7,
  }));
}
