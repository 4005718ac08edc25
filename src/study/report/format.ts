/** How a report writes numbers, intervals and tables. */
import type { Censored } from "../../util/statistics/survival.js";
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

/** A mean that may be censored: `> 12` where no run arrived, `12.4 [9.8, 15.0], 3/5 arrive` where some did. */
export function withCensoring(value: Censored, unit: number = 1): string {
  const { mean, low, high, reached, of, cap } = value;
  if (reached === 0) return `> ${Number.isInteger(cap / unit) ? cap / unit : figure(cap / unit)}`;
  const shown = withInterval({ mean: mean / unit, low: low / unit, high: high / unit });
  return reached === of ? shown : `${shown}, ${reached}/${of} arrive`;
}

/** A Markdown table. */
export function markdownTable({ head, rows }: Table): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
