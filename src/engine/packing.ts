/** Which tokens of a batch a pass computes: no padding, and a prefix that sequences share only once. */

/**
 * The N rows that a pass computes for B right-padded sequences of up to T tokens. What a model computes
 * for a token depends on the tokens before it alone, so equal prefixes need one row a token; attention
 * still sees every place of [B, T].
 */
export interface Packing {
  /** The row of token t of sequence b at b * T + t [B * T]; any row at padding. */
  readonly rows: Int32Array;
  /** Where in [B * T] each row comes first [N]. */
  readonly places: Int32Array;
}

/** Rows for all tokens: a sequence shares those of the prefix it has in common with the one before it. */
export function packed(sequences: readonly (readonly number[])[], T: number): Packing {
  const rows = new Int32Array(sequences.length * T);
  const places = new Int32Array(packedRows(sequences));
  let count = 0;
  sequences.forEach((sequence, b) => {
    const shared = commonPrefix(sequences[b - 1], sequence);
    rows.copyWithin(b * T, (b - 1) * T, (b - 1) * T + shared);
    for (let t = shared; t < sequence.length; t++) {
      places[count] = b * T + t;
      rows[b * T + t] = count++;
    }
  });
  return { rows, places };
}

/** How many rows {@link packed} has: tokens without padding, those of shared prefixes once. */
export function packedRows(sequences: readonly (readonly number[])[]): number {
  return sequences.reduce((n, s, b) => n + s.length - commonPrefix(sequences[b - 1], s), 0);
}

function commonPrefix(a: readonly number[] = [], b: readonly number[]): number {
  const most = Math.min(a.length, b.length);
  let n = 0;
  while (n < most && a[n] === b[n]) n++;
  return n;
}
