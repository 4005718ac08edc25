/** A GGUF file as a student: what an export wrote is read back, and what cannot be read is named. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { float16, float16Bits } from "../engine/files/halves.js";
import { LocalEngine } from "../engine/local.js";
import { localOf } from "../engine/local-policy.js";
import { parameterLayout } from "../engine/shape.js";
import { loadCheckpoint, type Checkpoint } from "../models/load-checkpoint.js";
import type { PretrainedTokenizer } from "../models/pretrained-tokenizer.js";
import { exportGguf } from "./export.js";
import { goldenModel, type GoldenName } from "./testing.js";

let scratch = "";
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), "errata-gguf-"))));
afterAll(() => rmSync(scratch, { recursive: true }));

const names = ["smollm2", "qwen2", "qwen3"] as const;

async function written(name: GoldenName, precision: "f16" | "q8_0"): Promise<string> {
  const folder = join(scratch, `${name}-${precision}`);
  const { taken } = await goldenModel(name);
  await exportGguf(taken, folder, { version: "0.0.0", precision });
  return join(folder, `${name}-${precision}.gguf`);
}

const load = (path: string): Promise<Checkpoint> =>
  loadCheckpoint(path, { cache: join(scratch, "cache") });

describe.each(names)("%s", (name) => {
  test("has the weights, the words and the template that were written", async () => {
    const { taken, prompts } = await goldenModel(name);
    const read = await load(await written(name, "f16"));
    const [before, after] = [localOf(taken.policy), localOf(read.policy)];
    expect(after.shape).toEqual(before.shape);
    for (const { offset, size, shape } of parameterLayout(before.shape)) {
      const were = before.weights.subarray(offset, offset + size);
      const are = after.weights.subarray(offset, offset + size);
      // Matrices are stored as float16, vectors as they are.
      const stored = shape.length === 1 ? were : Float32Array.from(float16Bits(were), float16);
      expect(Buffer.from(are.slice().buffer).equals(Buffer.from(stored.slice().buffer))).toBe(true);
    }
    const own = taken.words.tokenizer as PretrainedTokenizer;
    const tokenizer = read.tokenizer as PretrainedTokenizer;
    for (const text of [...prompts, "  a  b\n\n\tc 12345 don't I'LL <|im_end|> é", "🙂 \u3000x"])
      expect(tokenizer.encode(text)).toEqual(own.encode(text));
    expect(tokenizer.stops).toEqual(own.stops);
    expect(tokenizer.template === undefined).toBe(own.template === undefined);
    if (own.template !== undefined) {
      const prompt = { observation: "What is 2 + 2?" };
      expect(tokenizer.encodePrompt(prompt)).toEqual(own.encodePrompt(prompt));
    }
  });

  test("in blocks of 8 bits computes nearly the same", async () => {
    const { taken, prompts } = await goldenModel(name);
    const { policy } = await load(await written(name, "q8_0"));
    const engine = new LocalEngine();
    const sequences = prompts.slice(0, 4).map((text) => {
      const tokens = taken.words.tokenizer.encode(text);
      return { tokens, targets: tokens.slice(1).map((token, position) => ({ position, token })) };
    });
    const [a, b] = [
      await engine.logprobs(taken.policy, sequences),
      await engine.logprobs(policy, sequences),
    ];
    expect(Math.max(...a.map((l, i) => Math.abs(l - b[i]!)))).toBeLessThan(0.1);
    expect(a).not.toEqual(b);
  });
});

test("rotary positions of Llama 3.2 are told by their factors; others have no name", async () => {
  const { taken } = await goldenModel("smollm2");
  const { shape, ...rest } = localOf(taken.policy);
  const stretched = async (original: number) => {
    const ropeScaling = {
      type: "llama3",
      factor: 32,
      lowFrequency: 1,
      highFrequency: 4,
      original,
    } as const;
    const policy = { ...rest, shape: { ...shape, ropeScaling } };
    const folder = join(scratch, `rope-${original}`);
    await exportGguf({ ...taken, policy }, folder, { version: "0.0.0", precision: "f16" });
    return { policy, read: load(join(folder, "smollm2-f16.gguf")) };
  };
  const { policy, read } = await stretched(8192);
  expect((await read).policy.shape).toEqual(policy.shape);
  await expect((await stretched(16)).read).rejects.toMatchObject({ code: "GGUF_CONFIG" });
});

describe("a file that cannot be a student", () => {
  /** The file of `smollm2` with bytes changed; a text gives way to one of the same length. */
  async function changed(how: (bytes: Buffer) => Buffer): Promise<string> {
    const bytes = readFileSync(await written("smollm2", "f16"));
    const path = join(scratch, "changed.gguf");
    writeFileSync(path, how(bytes));
    return path;
  }
  const instead =
    (text: string, other: string, after = "") =>
    (bytes: Buffer): Buffer => {
      const at = bytes.indexOf(text, bytes.indexOf(after));
      expect(at).toBeGreaterThan(0);
      bytes.write(other, at);
      return bytes;
    };

  test.each([
    ["cut off in its weights", (b: Buffer) => b.subarray(0, b.length - 5000), "GGUF_FILE"],
    ["cut off in its header", (b: Buffer) => b.subarray(0, 300), "GGUF_FILE"],
    ["empty", () => Buffer.alloc(0), "GGUF_FILE"],
    ["no GGUF", () => Buffer.from("a text that is none of this, at all"), "GGUF_FILE"],
    ["of another architecture", instead("llama", "mamba"), "GGUF_ARCHITECTURE"],
    [
      "with an unknown setting",
      instead("llama.rope.freq_base", "llama.rope.freq_bass"),
      "GGUF_CONFIG",
    ],
    ["with another vocabulary", instead("gpt2", "bert"), "GGUF_TOKENIZER"],
    [
      "with text cut otherwise",
      instead("smollm", "falcon", "tokenizer.ggml.pre"),
      "GGUF_TOKENIZER",
    ],
    [
      "with a tensor of another name",
      instead("blk.0.attn_k.weight", "blk.0.attn_z.weight"),
      "CHECKPOINT_TENSORS",
    ],
  ] as const)("%s is refused", async (_, how, code) => {
    const path = await changed(how);
    await expect(load(path)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(path) as string,
    });
  });

  test("whose tensors are stored in a way that is not read is refused with the ways that are", async () => {
    const name = "blk.0.attn_k.weight";
    const path = await changed((bytes) => {
      const at = bytes.indexOf(name) + name.length; // then the number of dimensions, they, and the type
      bytes.writeUInt32LE(10, at + 4 + 16);
      return bytes;
    });
    await expect(load(path)).rejects.toMatchObject({
      code: "GGUF_TYPE",
      message: expect.stringContaining(name) as string,
      hint: expect.stringContaining("Q4_K") as string,
    });
  });

  test("that is a folder, or not there, is said", async () => {
    const folder = join(scratch, "folder.gguf");
    mkdirSync(folder);
    await expect(load(folder)).rejects.toMatchObject({ code: "GGUF_FILE" });
    await expect(load(join(scratch, "none.gguf"))).rejects.toMatchObject({
      code: "CHECKPOINT_MISSING",
    });
  });
});
