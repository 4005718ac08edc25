/** Does the corpus tell systematic errors from noise? Measured where the truth is known. */
import type { Database } from "./database.js";
import { annotations } from "./verdicts.js";
import type { Interval } from "../../util/statistics/intervals.js";

/** How well scores put systematic errors above noise. */
export interface Discrimination {
  /** Mistakes that a known mal-rule explains, and those that no rule does. */
  readonly systematic: number;
  readonly noise: number;
  /** Area under the ROC curve of `Q`, of recurrence alone, and of support alone; absent without both kinds. */
  readonly quality: Interval | undefined;
  readonly recurrence: Interval | undefined;
  readonly support: Interval | undefined;
}

/**
 * Probability that a score is higher for one of `positive` than for one of `negative`, ties counting
 * half (Mann & Whitney 1947), with a 95% interval by Hanley & McNeil 1982, normal on the logit scale.
 * @throws RangeError when either list is empty.
 */
export function areaUnderCurve(positive: readonly number[], negative: readonly number[]): Interval {
  const [m, n] = [positive.length, negative.length];
  if (m === 0 || n === 0) throw new RangeError(`areaUnderCurve: ${m} and ${n} scores`);
  const all = [
    ...positive.map((s) => [s, 1] as const),
    ...negative.map((s) => [s, 0] as const),
  ].sort((a, b) => a[0] - b[0]);
  let ranks = 0;
  for (let i = 0; i < all.length;) {
    let end = i;
    while (end < all.length && all[end]![0] === all[i]![0]) end++;
    const rank = (i + 1 + end) / 2;
    for (; i < end; i++) if (all[i]![1] === 1) ranks += rank;
  }
  const area = (ranks - (m * (m + 1)) / 2) / (m * n);
  const one = area / (2 - area);
  const two = (2 * area ** 2) / (1 + area);
  const variance =
    (area * (1 - area) + (m - 1) * (one - area ** 2) + (n - 1) * (two - area ** 2)) / (m * n);
  const inside = Math.min(1 - 0.5 / (m * n), Math.max(0.5 / (m * n), area));
  const logit = Math.log(inside / (1 - inside));
  const spread = (1.959964 * Math.sqrt(Math.max(0, variance))) / (inside * (1 - inside));
  const back = (x: number): number => 1 / (1 + Math.exp(-x));
  return { mean: area, low: back(logit - spread), high: back(logit + spread) };
}

/**
 * Area under the curve of quality and of its parts for telling mistakes of a known mal-rule from all
 * others. The truth is the domain's rule-matcher: `rules` are the names of its mal-rules.
 */
export function discrimination(
  database: Database,
  domain: string,
  rules: readonly string[],
): Discrimination {
  const rows = database.all<{
    signature: string;
    quality: number;
    recurrence: number;
    support: number;
  }>(
    `SELECT signature, quality, recurrence, support FROM mistake
     WHERE domain = ? AND status <> 'human-invalid' ORDER BY id`,
    domain,
  );
  const known = new Set(rules);
  const systematic = rows.filter((row) => known.has(row.signature));
  const noise = rows.filter((row) => !known.has(row.signature));
  const area = (key: "quality" | "recurrence" | "support"): Interval | undefined =>
    systematic.length === 0 || noise.length === 0
      ? undefined
      : areaUnderCurve(
          systematic.map((row) => row[key]),
          noise.map((row) => row[key]),
        );
  return {
    systematic: systematic.length,
    noise: noise.length,
    quality: area("quality"),
    recurrence: area("recurrence"),
    support: area("support"),
  };
}

/** How one band of qualities was judged. */
export interface CalibrationBand {
  readonly from: number;
  readonly to: number;
  readonly judged: number;
  /** Share judged `valid`. */
  readonly valid: number;
}

/** Quality against people's word: the share of `valid` verdicts by band of quality. Bands without any are left out. */
export function calibration(database: Database, bands: number = 5): CalibrationBand[] {
  const quality = new Map(
    database
      .all<{ id: number; quality: number }>("SELECT id, quality FROM mistake")
      .map((row) => [row.id, row.quality]),
  );
  const judged = annotations(database).flatMap(({ item, label }) => {
    const q = quality.get(item);
    return q === undefined ? [] : [{ q, valid: label === "valid" }];
  });
  return Array.from({ length: bands }, (_, i): CalibrationBand => {
    const [from, to] = [i / bands, (i + 1) / bands];
    const inside = judged.filter(({ q }) => q >= from && (q < to || (i === bands - 1 && q <= 1)));
    const valid = inside.filter((j) => j.valid).length / Math.max(1, inside.length);
    return { from, to, judged: inside.length, valid };
  }).filter((band) => band.judged > 0);
}

/** The measure as lines of text. */
export function discriminationLines(measured: Discrimination): string[] {
  const { systematic, noise, quality, recurrence, support } = measured;
  const area = (of: Interval | undefined): string =>
    of === undefined ? "-" : `${of.mean.toFixed(2)} [${of.low.toFixed(2)}, ${of.high.toFixed(2)}]`;
  return [
    `systematic against noise: ${systematic} mistakes that a known rule explains, ${noise} others`,
    `  AUC of quality ${area(quality)}, of recurrence ${area(recurrence)}, of support ${area(support)}`,
  ];
}
