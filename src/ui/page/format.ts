/** Numbers as people read them. */

/** A share in percent. */
export function percent(value: number | null | undefined, digits = 0): string {
  return value === null || value === undefined ? "–" : `${(100 * value).toFixed(digits)}%`;
}

const prefixes: readonly [number, string][] = [
  [1e18, "E"],
  [1e15, "P"],
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** A large number with three digits and a prefix. */
export function magnitude(value: number): string {
  for (const [size, prefix] of prefixes)
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))} ${prefix}`;
  return String(Number(value.toPrecision(3)));
}

/** Seconds as hours, minutes, seconds. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h > 0) return `${h} h ${m} min`;
  return m > 0 ? `${m} min ${s} s` : `${s} s`;
}

/** A whole number with its thousands apart. */
export function count(value: number): string {
  return value.toLocaleString("en-GB");
}

/** A number of a curve. */
export function plain(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(1);
  return Math.abs(value) >= 1e4 ? magnitude(value) : String(Number(value.toPrecision(3)));
}

/** How long ago something was. */
export function ago(milliseconds: number): string {
  const seconds = Math.max(0, (Date.now() - milliseconds) / 1000);
  if (seconds < 90) return "just now";
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}

/** `1 attempt`, `2 attempts`. */
export function many(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
}
