/**
 * Exports against what transformers and PEFT compute from them: scripts/golden/check-export.py wrote the
 * files under golden/.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gguf } from "@huggingface/gguf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localOf } from "../engine/local-policy.js";
import type { Policy } from "../engine/engine.js";
import { loadPeftAdapter } from "../engine/files/peft.js";
import { LocalEngine } from "../engine/local.js";
import { loadCheckpoint } from "../models/load-checkpoint.js";
import { exportAdapter, exportGguf, exportPretrained, type ExportPrecision } from "./export.js";
import { goldenFolder, goldenModel, goldenNames, type GoldenName } from "./testing.js";

interface Golden {
  readonly files: Readonly<Record<ExportPrecision, Readonly<Record<string, string>>>>;
  readonly texts: readonly string[];
  readonly tokens: readonly (readonly number[])[];
  readonly logprobs: Readonly<Record<ExportPrecision | "adapter", readonly (readonly number[])[]>>;
}

const engine = new LocalEngine();
const version = "0.0.0";
let scratch = "";
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), "errata-export-"))));
afterAll(() => rmSync(scratch, { recursive: true }));

const golden = (name: GoldenName): Golden =>
  JSON.parse(readFileSync(join(goldenFolder, `${name}.json`), "utf8")) as Golden;
const folder = (...parts: string[]): string => join(scratch, parts.join("-"));

async function expectLogprobs(
  policy: Policy,
  tokens: Golden["tokens"],
  expected: readonly (readonly number[])[],
): Promise<void> {
  const sequences = tokens.map((text) => ({
    tokens: text,
    targets: text.slice(1).map((token, position) => ({ position, token })),
  }));
  const actual = await engine.logprobs(policy, sequences);
  const flat = expected.flat();
  expect(actual.length).toBe(flat.length);
  expect(Math.max(...flat.map((l, i) => Math.abs(l - actual[i]!)))).toBeLessThan(1e-4);
}

describe.each(goldenNames)("an export of %s", (name) => {
  test.each(["fp32", "bf16", "f16"] as const)(
    "in %s is what transformers loaded, and computes the same",
    async (precision) => {
      const { taken } = await goldenModel(name);
      const at = folder(name, precision);
      await exportPretrained(taken, at, { version, precision });
      const { files, texts, tokens, logprobs } = golden(name);
      for (const [file, sha256] of Object.entries(files[precision]))
        expect(
          createHash("sha256")
            .update(readFileSync(join(at, file)))
            .digest("hex"),
          file,
        ).toBe(sha256);
      const loaded = await loadCheckpoint(at);
      expect(texts.map((text) => loaded.tokenizer.encode(text))).toEqual(tokens);
      await expectLogprobs(loaded.policy, tokens, logprobs[precision]);
    },
  );
});

test("an adapter alone computes what PEFT computes from it", async () => {
  const { taken } = await goldenModel("llama-adapter");
  const at = folder("adapter");
  await exportAdapter(taken, at, { version });
  const { tokens, logprobs } = golden("llama-adapter");
  const base = (await goldenModel("llama")).taken.policy;
  await expectLogprobs(await loadPeftAdapter(at, base), tokens, logprobs.adapter);
  expect(readFileSync(join(at, "README.md"), "utf8")).toContain("AutoPeftModelForCausalLM");
});

test("a model that trained all its weights has no adapter to export", async () => {
  const { taken } = await goldenModel("arithmetic");
  await expect(exportAdapter(taken, folder("none"), { version })).rejects.toMatchObject({
    code: "EXPORT_ADAPTER",
  });
  expect(existsSync(folder("none"))).toBe(false);
});

test("an adapter that was trained over an adapter is refused alone: PEFT would leave the first one out", async () => {
  const { taken } = await goldenModel("llama-adapter");
  if (taken.words.kind !== "text") throw new Error("llama-adapter reads text");
  const words = { ...taken.words, folders: ["adapter", ...taken.words.folders] };
  const trained = { ...taken, words, run: {} as never };
  await expect(exportAdapter(trained, folder("over"), { version })).rejects.toMatchObject({
    code: "EXPORT_ADAPTER",
  });
  expect(existsSync(folder("over"))).toBe(false);
});

test("a large model is cut into shards that load as one; a smaller export replaces them", async () => {
  const { taken } = await goldenModel("llama");
  const at = folder("shards");
  const files = await exportPretrained(taken, at, { version, shardBytes: 8000 });
  expect(
    files.filter((file) => /^model-\d{5}-of-\d{5}\.safetensors$/.test(file)).length,
  ).toBeGreaterThan(2);
  const { policy } = await loadCheckpoint(at);
  expect(localOf(policy).weights).toEqual(localOf(taken.policy).weights);
  await exportPretrained(taken, at, { version });
  expect(existsSync(join(at, "model.safetensors.index.json"))).toBe(false);
  expect(localOf((await loadCheckpoint(at)).policy).weights).toEqual(localOf(taken.policy).weights);
});

test("a folder with other files is left alone, unless forced", async () => {
  const { taken } = await goldenModel("arithmetic");
  const at = mkdtempSync(join(scratch, "full-"));
  writeFileSync(join(at, "thesis.txt"), "mine");
  await expect(exportPretrained(taken, at, { version })).rejects.toMatchObject({
    code: "EXPORT_EXISTS",
  });
  await exportPretrained(taken, at, { version, force: true });
  expect(readFileSync(join(at, "thesis.txt"), "utf8")).toBe("mine");
});

test("weights beyond float16 are refused in float16, by name", async () => {
  const { taken } = await goldenModel("arithmetic");
  const weights = localOf(taken.policy).weights.slice();
  weights[3] = 70_000;
  const large = { ...taken, policy: { ...localOf(taken.policy), weights } };
  const write = exportPretrained(large, folder("large"), { version, precision: "f16" });
  await expect(write).rejects.toMatchObject({
    code: "EXPORT_RANGE",
    message: expect.stringContaining("embed_tokens") as string,
  });
});

describe("GGUF", () => {
  test.each([
    ["llama", "llama", "gpt2", "llama-bpe"],
    ["smollm2", "llama", "gpt2", "smollm"],
    ["qwen2", "qwen2", "gpt2", "qwen2"],
    ["qwen3", "qwen3", "gpt2", "qwen2"],
    ["proof", "llama", "t5", "default"],
  ] as const)(
    "of %s names its architecture and tokenizer",
    async (name, architecture, model, cut) => {
      const { taken } = await goldenModel(name);
      const at = folder("gguf", name);
      const [file] = await exportGguf(taken, at, { version });
      const { metadata, tensorInfos } = await gguf(join(at, file!), { allowLocalFile: true });
      expect(metadata).toMatchObject({
        "general.architecture": architecture,
        "tokenizer.ggml.model": model,
        "tokenizer.ggml.pre": cut,
      });
      const { shape } = taken.policy;
      expect(
        (metadata as { "tokenizer.ggml.tokens"?: string[] })["tokenizer.ggml.tokens"],
      ).toHaveLength(shape.vocabulary);
      const embedding = tensorInfos.find((tensor) => tensor.name === "token_embd.weight")!;
      expect(embedding.shape.map(Number)).toEqual([shape.width, shape.vocabulary]);
      expect(tensorInfos.some((tensor) => tensor.name === "output.weight")).toBe(!shape.tied);
      expect(readFileSync(join(at, "Modelfile"), "utf8")).toContain(`FROM ./${file}`);
    },
  );

  test("in fp32 holds the weights themselves", async () => {
    const { taken } = await goldenModel("arithmetic");
    const at = folder("gguf-fp32");
    const [file] = await exportGguf(taken, at, { version, precision: "fp32" });
    const { tensorInfos, tensorDataOffset } = await gguf(join(at, file!), { allowLocalFile: true });
    expect(new Set(tensorInfos.map((tensor) => Number(tensor.dtype)))).toEqual(new Set([0]));
    const embedding = tensorInfos.find((tensor) => tensor.name === "token_embd.weight")!;
    const start = Number(tensorDataOffset) + Number(embedding.offset);
    const bytes = readFileSync(join(at, file!));
    const row = localOf(taken.policy).weights.subarray(0, 32);
    row.forEach((weight, i) => expect(bytes.readFloatLE(start + 4 * i)).toBe(weight));
  });

  test("in q8_0 holds blocks near the weights, and float16 where rows have no whole blocks", async () => {
    const { taken } = await goldenModel("arithmetic");
    const at = folder("q8");
    const [file] = await exportGguf(taken, at, { version, precision: "q8_0" });
    const { tensorInfos, tensorDataOffset } = await gguf(join(at, file!), { allowLocalFile: true });
    const embedding = tensorInfos.find((tensor) => tensor.name === "token_embd.weight")!;
    expect(embedding.dtype).toBe(8);
    const bytes = readFileSync(join(at, file!));
    const start = Number(tensorDataOffset) + Number(embedding.offset);
    const { width } = taken.policy.shape;
    const row = localOf(taken.policy).weights.subarray(0, width);
    const largest = row.subarray(0, 32).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    for (let i = 0; i < 32; i++) {
      const value = (bytes.readInt8(start + 2 + i) * largest) / 127;
      expect(Math.abs(value - row[i]!)).toBeLessThanOrEqual((largest / 127) * 0.51);
    }
    const narrow = (await goldenModel("llama")).taken;
    const [other] = await exportGguf(narrow, folder("q8-narrow"), { version, precision: "q8_0" });
    const infos = (await gguf(join(folder("q8-narrow"), other!), { allowLocalFile: true }))
      .tensorInfos;
    expect(new Set(infos.map((tensor) => Number(tensor.dtype)))).toEqual(new Set([0, 1, 8]));
  });
});
