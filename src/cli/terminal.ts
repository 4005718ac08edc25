/** What a command prints: results on stdout, progress as one updating line or as plain lines. */
import pc from "picocolors";

/** How a command was asked to speak. */
export interface OutputOptions {
  /** One JSON value on stdout and nothing else; progress goes to stderr. */
  readonly json?: boolean;
  /** Stack traces of errors. */
  readonly debug?: boolean;
}

/** One command's output. */
export class Terminal {
  readonly json: boolean;
  /** Whether progress is one updating line; else there are plain lines. */
  readonly live: boolean;
  readonly #stream: NodeJS.WriteStream;
  #status = "";

  constructor({ json = false }: OutputOptions = {}) {
    this.json = json;
    this.#stream = json ? process.stderr : process.stdout;
    this.live = this.#stream.isTTY && process.env["TERM"] !== "dumb" && !process.env["CI"];
  }

  /** Columns that a status line may take; without end where there is no such line. */
  get width(): number {
    return this.live ? (this.#stream.columns || 80) - 1 : Infinity;
  }

  /** A line for people: on stdout, or on stderr with `--json`. */
  print(text: string = ""): void {
    this.#clear();
    this.#stream.write(`${text}\n`);
    this.#draw();
  }

  /** A line beside the results: always on stderr. */
  note(text: string): void {
    this.#clear();
    process.stderr.write(`${text}\n`);
    this.#draw();
  }

  /** Replaces the updating line, or lines; does nothing where there are none. */
  status(text: string): void {
    this.#clear();
    this.#status = text;
    this.#draw();
  }

  /** The result as one line of JSON on stdout; does nothing without `--json`. */
  result(value: unknown): void {
    this.status("");
    if (this.json) process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  #clear(): void {
    if (!this.live || this.#status === "") return;
    const above = this.#status.split("\n").length - 1;
    this.#stream.write(`\r\u001B[2K${"\u001B[1A\u001B[2K".repeat(above)}`);
  }

  /** Lines are cut where the terminal ends: a wrapped one could not be cleared. */
  #draw(): void {
    if (!this.live || this.#status === "") return;
    const lines = this.#status.split("\n").map((line) => line.slice(0, this.width));
    this.#stream.write(lines.join("\n"));
  }
}

/** Seconds as `42 s`, `3:07` or `1:02:09`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number): string => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const start = hours === 0 ? `${minutes}` : `${hours}:${two(minutes)}`;
  return `${start}:${two(whole % 60)}`;
}

/** A count with a unit prefix: `1.23 T`. */
export function magnitude(value: number): string {
  const prefixes = ["", "k", "M", "G", "T", "P", "E"];
  const power = value < 1 ? 0 : Math.min(6, Math.floor(Math.log10(value) / 3));
  const scaled = value / 1000 ** power;
  return `${power === 0 ? scaled : Number(scaled.toPrecision(3))} ${prefixes[power]!}`.trim();
}

/** Money with its currency, where that is known; small sums with three digits. */
export function moneyText(
  value: number,
  { currency }: { readonly currency?: string | undefined },
): string {
  const text = value >= 1 || value === 0 ? value.toFixed(2) : String(Number(value.toPrecision(3)));
  return currency === undefined ? text : `${text} ${currency}`;
}

const separated = new Intl.NumberFormat("en-US");

/** A whole number with separators. */
export function count(value: number): string {
  return separated.format(value);
}

/** A share as `0.123`, or `-` where there is none. */
export function share(value: number | null | undefined): string {
  return value === null || value === undefined ? "-" : value.toFixed(3);
}

/** Rows as lines with aligned columns: those in `left` to the left, the others to the right. */
export function table(
  rows: readonly (readonly string[])[],
  left: readonly number[] = [0],
): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, i) => (left.includes(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}

/** Colours that NO_COLOR turns off. */
export const paint: Pick<typeof pc, "bold" | "dim" | "green" | "red" | "yellow"> = pc;
