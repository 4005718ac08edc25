import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localOf } from "../engine/local-policy.js";
import { LocalEngine } from "../engine/local.js";
import { Random } from "../util/random.js";
import { loadCheckpoint } from "./load-checkpoint.js";
import { PolicyModel } from "./model.js";

const families = join(import.meta.dirname, "..", "engine", "golden", "families");

let scratch = "";
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), "errata-load-"))));
afterAll(() => rmSync(scratch, { recursive: true }));

function changed(name: string, file: string, change: Record<string, unknown>): string {
  const folder = join(scratch, `${Math.random()}`);
  cpSync(join(families, name), folder, { recursive: true });
  const path = join(folder, file);
  const value = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...value, ...change }));
  return folder;
}

describe("a checkpoint", () => {
  test.each(["llama", "smollm2", "qwen2", "qwen3"])("of %s acts on a prompt", async (name) => {
    const { policy, tokenizer, template, config } = await loadCheckpoint(join(families, name));
    expect(template).toBeDefined();
    expect(config).toHaveProperty("architectures");
    const model = new PolicyModel({
      engine: new LocalEngine(),
      policy,
      tokenizer,
      maxActionSymbols: 12,
    });
    const [action] = await model.act([{ observation: "What is 2 + 2?" }], Random.from(1, "act"));
    expect(action!.prompt).toEqual(tokenizer.encodePrompt({ observation: "What is 2 + 2?" }));
    expect(action!.text).toBe(tokenizer.decode(action!.completion));
    expect(action!.completion.length).toBeGreaterThan(0);
  });

  test("takes no longer sequences than asked for, nor than the model was made for", async () => {
    const folder = join(families, "qwen2");
    expect((await loadCheckpoint(folder, { context: 100 })).policy.shape.context).toBe(100);
    expect((await loadCheckpoint(folder, { context: 9999 })).policy.shape.context).toBe(256);
  });

  test("that is an adapter brings its base", async () => {
    const base = join(families, "llama");
    const folder = join(scratch, "adapter");
    cpSync(join(base, "adapter"), folder, { recursive: true });
    const path = join(folder, "adapter_config.json");
    const config = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...config, base_model_name_or_path: base }));
    const checkpoint = await loadCheckpoint(folder);
    expect(checkpoint.folder).toBe(folder);
    expect(localOf(checkpoint.policy).adapter).toMatchObject({ rank: 3, alpha: 8 });
    expect(localOf(checkpoint.policy).weights).toEqual(
      localOf((await loadCheckpoint(base)).policy).weights,
    );
    writeFileSync(path, JSON.stringify({ ...config, base_model_name_or_path: null }));
    await expect(loadCheckpoint(folder)).rejects.toMatchObject({ code: "ADAPTER_CONFIG" });
  });

  const adapterFolder = (base: string, name: string): string => {
    const folder = join(scratch, name);
    cpSync(join(families, "llama", "adapter"), folder, { recursive: true });
    const path = join(folder, "adapter_config.json");
    const config = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...config, base_model_name_or_path: base }));
    return folder;
  };

  test("that is an adapter with a tokenizer of its own acts by that, with its base's stops", async () => {
    const base = join(families, "llama");
    const folder = adapterFolder(base, "adapter-with-tokenizer");
    for (const file of ["tokenizer.json", "tokenizer_config.json"])
      cpSync(join(base, file), join(folder, file));
    writeFileSync(join(folder, "chat_template.jinja"), "own: {{ messages[0].content }}");
    const { template, tokenizer } = await loadCheckpoint(folder);
    expect(template!.render([{ role: "user", content: "x" }])).toBe("own: x");
    expect(tokenizer.stops).toEqual((await loadCheckpoint(base)).tokenizer.stops);
  });

  test("that is an adapter over an adapter, or over itself, is refused", async () => {
    const first = adapterFolder(join(families, "llama"), "adapter-first");
    const second = adapterFolder(first, "adapter-second");
    await expect(loadCheckpoint(second)).rejects.toMatchObject({ code: "ADAPTER_CONFIG" });
    const own = adapterFolder(join(scratch, "adapter-own"), "adapter-own");
    await expect(loadCheckpoint(own)).rejects.toMatchObject({ code: "ADAPTER_CONFIG" });
  });

  test("that is a model and an adapter in one folder is refused: neither may be dropped", async () => {
    const folder = join(scratch, "both");
    cpSync(join(families, "llama"), folder, { recursive: true });
    cpSync(join(families, "llama", "adapter"), folder, { recursive: true });
    await expect(loadCheckpoint(folder)).rejects.toMatchObject({ code: "CHECKPOINT_AMBIGUOUS" });
  });

  test("that is an adapter without its settings is refused, naming them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "errata-adapter-"));
    writeFileSync(join(folder, "adapter_model.safetensors"), "");
    await expect(loadCheckpoint(folder)).rejects.toMatchObject({
      code: "ADAPTER_CONFIG",
      message: expect.stringContaining("adapter_config.json") as string,
    });
    rmSync(folder, { recursive: true });
  });

  test("that is neither a folder nor a hub id is refused", async () => {
    await expect(loadCheckpoint("./not/here")).rejects.toMatchObject({
      code: "CHECKPOINT_MISSING",
    });
  });

  test("of an architecture that is not supported is refused by name", async () => {
    const folder = changed("llama", "config.json", { architectures: ["GPT2LMHeadModel"] });
    await expect(loadCheckpoint(folder)).rejects.toMatchObject({
      code: "CHECKPOINT_ARCHITECTURE",
      message: expect.stringContaining("GPT2LMHeadModel"),
    });
  });

  test("with another model's tokenizer is refused", async () => {
    const folder = join(scratch, "mixed");
    cpSync(join(families, "smollm2"), folder, { recursive: true });
    for (const file of ["tokenizer.json", "tokenizer_config.json"])
      cpSync(join(families, "qwen3", file), join(folder, file));
    await expect(loadCheckpoint(folder)).rejects.toMatchObject({ code: "CHECKPOINT_TENSORS" });
  });
});
