/** What a run will take, and what it took, for people. */
import type { Truth } from "../launch/forecasting.js";
import type { Forecast, Quantity } from "../watch/forecast.js";
import type { Budget } from "../watch/ledger.js";
import type { Prices } from "../watch/prices.js";

/** A forecast as a line of text. */
export function forecastLine(made: Forecast, prices: Prices): string {
  const parts = shown(made).map((quantity) => rangeText(quantity, made, prices));
  return `estimated from ${made.after} of ${made.steps} steps: ${parts.join(", ")} in all`;
}

/** A forecast beside what the run took: one line, a part for each quantity. */
export function comparisonLine(made: Forecast, taken: Truth, prices: Prices): string {
  const parts = shown(made).map(
    (quantity) =>
      `${rangeText(quantity, made, prices)}, took ${valueText(quantity, taken[quantity], made, prices)}`,
  );
  return `estimated ${parts.join("; ")}`;
}

/** Limits of a budget that a run will reach before its end, or may. */
export function budgetLines(made: Forecast, budget: Budget): string[] {
  return (["flops", "tokens", "money", "seconds"] as const).flatMap((limit) => {
    const most = budget[limit];
    if (most === undefined || made[limit].high < most) return [];
    const verb = made[limit].low >= most ? "will" : "may";
    return [`budget.${limit} ${verb} end the run before its last step`];
  });
}

/** Whether each quantity lies in its range. */
export function withinForecast(made: Forecast, taken: Truth): Readonly<Record<Quantity, boolean>> {
  const within = (quantity: Quantity): boolean =>
    taken[quantity] >= made[quantity].low && taken[quantity] <= made[quantity].high;
  return {
    seconds: within("seconds"),
    memory: within("memory"),
    tokens: within("tokens"),
    flops: within("flops"),
    money: within("money"),
  };
}

/** Money only where something has a price. */
function shown(made: Forecast): readonly Quantity[] {
  const all = ["seconds", "memory", "tokens", "flops"] as const;
  return made.money.high > 0 ? [...all, "money"] : all;
}

/** A range in the unit of its upper end: `2.1 to 3.4 min`. */
function rangeText(quantity: Quantity, made: Forecast, prices: Prices): string {
  const { low, high } = made[quantity];
  const { size, name } = unitOf(quantity, high, prices);
  return `${figure(low / size)} to ${figure(high / size)} ${name}`.trim();
}

function valueText(quantity: Quantity, value: number, made: Forecast, prices: Prices): string {
  return figure(value / unitOf(quantity, made[quantity].high, prices).size);
}

function unitOf(
  quantity: Quantity,
  value: number,
  { currency = "of money" }: Prices,
): { readonly size: number; readonly name: string } {
  if (quantity === "seconds") return { size: 60, name: "min" };
  if (quantity === "money") return { size: 1, name: currency };
  const power = value < 1 ? 0 : Math.min(6, Math.floor(Math.log10(value) / 3));
  const noun = { memory: "B", tokens: " tokens", flops: "FLOPs" }[quantity];
  return { size: 1000 ** power, name: `${["", "k", "M", "G", "T", "P", "E"][power]!}${noun}` };
}

/** Two digits, or all those before the point. */
function figure(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)));
}
