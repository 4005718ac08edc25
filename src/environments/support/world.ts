/** The retail desk's tables, and the symbols that name what is in them. */
import type { Database } from "./database.js";

/** Standing of a customer: gold members have longer to send things back. */
export type Tier = "basic" | "gold";

/** Status of an order. */
export type Status =
  | "pending"
  | "processed"
  | "delivered"
  | "cancelled"
  | "return-requested"
  | "exchange-requested";

/** A customer's record. Types, not interfaces, so that rows are JSON. */
export type UserRow = {
  readonly name: string;
  readonly zip: string;
  readonly email: string;
  readonly tier: Tier;
};

/** One thing ordered. */
export type OrderLine = { readonly item: string; readonly product: string };

/** An order. `weeks` since delivery; 0 where it has not been delivered. */
export type OrderRow = {
  readonly user: string;
  readonly status: Status;
  readonly weeks: number;
  readonly lines: readonly OrderLine[];
  /** The line sent back, and what for. */
  readonly returned?: string;
  readonly replacement?: string;
};

/** One colour of a product. */
export type Variant = {
  readonly item: string;
  readonly colour: string;
  readonly available: boolean;
};

/** A product and its colours. */
export type ProductRow = { readonly variants: readonly Variant[] };

/** The row type of each table. */
export type DeskTables = {
  readonly users: UserRow;
  readonly orders: OrderRow;
  readonly products: ProductRow;
};

/** The database of the desk. */
export type Desk = Database<DeskTables>;

/** First names. */
export const NAMES = ["ann", "ben", "cleo", "dan", "eve", "finn", "gus", "hana"] as const;
/** Zip codes. */
export const ZIPS = [
  "10001",
  "19122",
  "30303",
  "46201",
  "60601",
  "75201",
  "85001",
  "98101",
] as const;
/** Mail addresses. */
export const EMAILS = [
  "sun@x",
  "oak@x",
  "sky@x",
  "sea@x",
  "elm@x",
  "fox@x",
  "owl@x",
  "bee@x",
] as const;
/** User ids. */
export const USERS = ["u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"] as const;
/** Order ids. */
export const ORDERS = ["#W1", "#W2", "#W3", "#W4", "#W5", "#W6", "#W7", "#W8"] as const;
/** Item ids. */
export const ITEMS: readonly string[] = Array.from({ length: 28 }, (_, i) => `#${i + 1}`);
/** Colours of every product. */
export const COLOURS = ["red", "blue", "green", "black"] as const;
/** Products that may be sent back for {@link WINDOWS}.electronics weeks. */
export const ELECTRONICS = ["lamp", "phone", "radio"] as const;
/** Products that may be sent back for {@link WINDOWS}.clothes weeks. */
export const CLOTHES = ["hat", "coat", "shoes"] as const;
/** All products. */
export const PRODUCTS: readonly string[] = [...ELECTRONICS, ...CLOTHES];
/** Statuses an order can be found in at the start. */
export const STATUSES = ["pending", "processed", "delivered", "cancelled"] as const;
/** Most weeks since a delivery. */
export const MAX_WEEKS = 8;

/** Weeks after delivery in which a product may be returned or exchanged, by kind of product. */
export const WINDOWS = { electronics: 2, clothes: 4 } as const;
/** Weeks that gold members have on top. */
export const GOLD_WEEKS = 2;

/** The symbol of a number of weeks. */
export function weeksSymbol(weeks: number): string {
  return `${weeks}w`;
}
