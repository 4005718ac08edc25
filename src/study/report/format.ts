/** How a report writes numbers, intervals and tables. */
import type { Interval } from "../../util/statistics/intervals.js";

/** Heads and rows. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A number with about three digits. */
export function figure(x: number): string {
  if (Number.isNaN(x)) return "-";
  const size = Math.abs(x);
  return x.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** An estimate with its interval: `14.2 [12.8, 15.6]`. */
export function withInterval({ mean, low, high }: Interval): string {
  return Number.isNaN(mean) ? "-" : `${figure(mean)} [${figure(low)}, ${figure(high)}]`;
}

/** A Markdown table. */
export function markdownTable({ head, rows }: Table): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
