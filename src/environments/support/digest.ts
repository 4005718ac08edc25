/** A digest of a set of rows that can be kept up to date row by row. */
import { createHash } from "node:crypto";
import type { Json } from "../environment.js";

/** Lanes of a {@link SetDigest}, 16 bits each: LtHash16 of https://eprint.iacr.org/2019/227. */
const LANES = 1024;

/**
 * LtHash16: the sum over rows of SHAKE256(row) as 1024 numbers modulo 2^16.
 *
 * The order of rows does not matter, and adding or removing one costs the same however many there
 * are. Unlike an XOR of row hashes, whose terms anyone can cancel by linear algebra over GF(2), a
 * collision takes a short vector in a lattice (about 200 bits of security).
 */
export class SetDigest {
  readonly #lanes: Uint16Array;

  private constructor(lanes: Uint16Array) {
    this.#lanes = lanes;
  }

  /** The digest of no rows. */
  static readonly empty: SetDigest = new SetDigest(new Uint16Array(LANES));

  /** The digest after rows were added and others removed. The old one stays as it is. */
  update(added: Iterable<string>, removed: Iterable<string> = []): SetDigest {
    const lanes = this.#lanes.slice();
    for (const row of added) combine(lanes, row, 1);
    for (const row of removed) combine(lanes, row, -1);
    return new SetDigest(lanes);
  }

  /** SHA-256 of the lanes, 64 hexadecimal digits. */
  toString(): string {
    return createHash("sha256").update(new Uint8Array(this.#lanes.buffer)).digest("hex");
  }
}

function combine(lanes: Uint16Array, row: string, sign: 1 | -1): void {
  const bytes = createHash("shake256", { outputLength: 2 * LANES })
    .update(row)
    .digest();
  for (let lane = 0; lane < LANES; lane++) {
    lanes[lane] = lanes[lane]! + sign * bytes.readUInt16LE(2 * lane);
  }
}

/** JSON with the keys of every object sorted: equal values have equal texts. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value as { readonly [key: string]: Json })
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, each]) => `${JSON.stringify(key)}:${canonicalJson(each)}`);
  return `{${entries.join(",")}}`;
}
