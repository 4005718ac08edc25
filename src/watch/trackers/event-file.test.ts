import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { crc32c, maskedCrc32c } from "./crc32c.js";
import { EventFile } from "./event-file.js";

const folder = mkdtempSync(join(tmpdir(), "errata-events-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the checksum", () => {
  it("is CRC-32C: the check value of RFC 3720, and 32 zeros", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  });

  it("is masked as TensorFlow does: of the eight bytes of the length 24", () => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(24n);
    expect(maskedCrc32c(length)).toBe(575373219);
  });
});

describe("an event file", () => {
  it("keeps zeros: a value of 0 is a point of a curve", () => {
    const own = mkdtempSync(join(tmpdir(), "errata-events-"));
    const file = new EventFile(own, () => 0);
    file.scalars(0, { z: 0 });
    file.close();
    const bytes = readFileSync(join(own, readdirSync(own)[0]!));
    // Summary.Value: field 1 "z", then field 2 of wire type 5 (a float), four bytes of 0.
    expect(bytes.includes(Buffer.from([0x0a, 1, 0x7a, 0x15, 0, 0, 0, 0]))).toBe(true);
    rmSync(own, { recursive: true });
  });

  it("is framed records that begin with the version, of which what is not finite is left out", () => {
    const file = new EventFile(folder, () => 1_796_075_150.5);
    file.scalars(3, { "eval/accuracy": 0.5, broken: Number.NaN, far: Infinity });
    file.text(3, "rollouts", "**right**");
    file.close();
    const [name] = readdirSync(folder);
    expect(name).toBe(`events.out.tfevents.1796075150.500.errata.${process.pid}`);
    const bytes = readFileSync(join(folder, name!));
    const records: string[] = [];
    for (let at = 0; at < bytes.length;) {
      const length = Number(bytes.readBigUInt64LE(at));
      expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
      const data = bytes.subarray(at + 12, at + 12 + length);
      expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(data));
      records.push(data.toString("latin1"));
      at += length + 16;
    }
    expect(records).toHaveLength(3);
    expect(records[0]).toContain("brain.Event:2");
    expect(records[1]).toContain("eval/accuracy");
    expect(records[1]).not.toMatch(/broken|far/);
    expect(records[2]).toContain("**right**");
  });
});
