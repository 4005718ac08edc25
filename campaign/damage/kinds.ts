/** What can happen to a file, by name. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { Random } from "../../src/util/random.js";

/** Where a damage is done. */
export interface Place {
  readonly path: string;
  /** A whole file of the same kind from elsewhere; absent where there is none. */
  readonly other?: string;
  readonly random: Random;
}

export interface Kind {
  /** Returns false where the file has nothing that could be damaged so. */
  readonly spoil: (place: Place) => boolean;
  /** What comes of it can be another file as good as the first: where nobody has its checksum, it counts. */
  readonly plausible?: true;
}

const bytesOf =
  (change: (bytes: Buffer, random: Random) => Buffer | undefined) =>
  ({ path, random }: Place): boolean => {
    const changed = change(readFileSync(path), random);
    if (changed === undefined) return false;
    writeFileSync(path, changed);
    return true;
  };

/** Changes the lines of a text; a text has no byte 0. */
const linesOf = (change: (lines: string[], random: Random) => string[] | undefined) =>
  bytesOf((bytes, random) => {
    if (bytes.includes(0)) return undefined;
    const lines = bytes.toString("utf8").split("\n");
    const last = lines.at(-1) === "" ? [lines.pop()!] : [];
    if (lines.length < 2) return undefined;
    const changed = change(lines, random);
    return changed === undefined ? undefined : Buffer.from([...changed, ...last].join("\n"));
  });

const numbers = /(?<=[[:,]\s*)-?\d+(\.\d+)?(e-?\d+)?(?=\s*[,\]}])/gi;

/** Puts a text in the place of one of the numbers of a JSON text. */
const numberAs = (text: string) =>
  bytesOf((bytes, random) => {
    if (bytes.includes(0)) return undefined;
    const all = [...bytes.toString("utf8").matchAll(numbers)];
    if (all.length === 0) return undefined;
    const { index, 0: found } = all[random.below(all.length)]!;
    const whole = bytes.toString("utf8");
    return Buffer.from(whole.slice(0, index) + text + whole.slice(index + found.length));
  });

const flipAt = (bytes: Buffer, at: number, bit: number): Buffer => {
  bytes[at] = bytes[at]! ^ (1 << bit);
  return bytes;
};

export const KINDS: Readonly<Record<string, Kind>> = {
  missing: { spoil: ({ path }) => (rmSync(path), true), plausible: true },
  "zero bytes": { spoil: bytesOf((bytes) => (bytes.length === 0 ? undefined : Buffer.alloc(0))) },
  "cut in half": {
    spoil: bytesOf((bytes) =>
      bytes.length < 2 ? undefined : bytes.subarray(0, bytes.length >> 1),
    ),
  },
  "cut before its last byte": {
    spoil: bytesOf((bytes) =>
      bytes.length < 3 ? undefined : bytes.subarray(0, bytes.at(-1) === 10 ? -2 : -1),
    ),
  },
  "filled with zeros": {
    spoil: bytesOf((bytes) => (bytes.length === 0 ? undefined : Buffer.alloc(bytes.length))),
  },
  "a bit flipped": {
    spoil: bytesOf((bytes, random) =>
      bytes.length === 0 ? undefined : flipAt(bytes, random.below(bytes.length), random.below(8)),
    ),
    plausible: true,
  },
  "a bit flipped at its start": {
    spoil: bytesOf((bytes, random) =>
      bytes.length === 0
        ? undefined
        : flipAt(bytes, random.below(Math.min(64, bytes.length)), random.below(7)),
    ),
    plausible: true,
  },
  "lines swapped": {
    spoil: linesOf((lines) => {
      const at = lines.findIndex((line, i) => i > 0 && line !== lines[i - 1]);
      return at < 1 ? undefined : lines.with(at, lines[at - 1]!).with(at - 1, lines[at]!);
    }),
    plausible: true,
  },
  "a line doubled": {
    spoil: linesOf((lines, random) =>
      lines.toSpliced(random.below(lines.length), 0, lines[random.below(lines.length)]!),
    ),
    plausible: true,
  },
  "a line lost": {
    spoil: linesOf((lines, random) => lines.toSpliced(random.below(lines.length), 1)),
    plausible: true,
  },
  "not UTF-8": {
    spoil: bytesOf((bytes, random) => {
      if (bytes.length === 0 || bytes.includes(0)) return undefined;
      const at = random.below(bytes.length);
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.of(0xff, 0xfe, 0xc3),
        bytes.subarray(at),
      ]);
    }),
  },
  "empty JSON": {
    spoil: bytesOf((bytes) => (bytes.includes(0) ? undefined : Buffer.from("{}\n"))),
    plausible: true, // whoever configures nothing writes so
  },
  "JSON null": {
    spoil: bytesOf((bytes) => (bytes.includes(0) ? undefined : Buffer.from("null\n"))),
  },
  "a huge number": { spoil: numberAs("1e308"), plausible: true },
  "a negative number": { spoil: numberAs("-7"), plausible: true },
  NaN: { spoil: numberAs("NaN") },
  "a text for a number": { spoil: numberAs('"x"'), plausible: true },
  "a folder in its place": {
    spoil: ({ path }) => (rmSync(path), mkdirSync(path), true),
  },
  "a link to nothing": {
    spoil: ({ path }) => (rmSync(path), symlinkSync("nowhere", path), true),
  },
  "a link to itself": {
    spoil: ({ path }) => (rmSync(path), symlinkSync(path, path), true),
    plausible: true,
  },
  "a link to where it was moved": {
    spoil: ({ path }) => (
      renameSync(path, `${path}.moved`),
      symlinkSync(`${path}.moved`, path),
      true
    ),
  },
  forbidden: { spoil: ({ path }) => (chmodSync(path, 0), true) },
  "another's file": {
    spoil: ({ path, other }) => {
      if (other === undefined || !existsSync(other)) return false;
      const bytes = readFileSync(other);
      if (bytes.equals(readFileSync(path))) return false;
      writeFileSync(path, bytes);
      return true;
    },
    plausible: true,
  },
};
