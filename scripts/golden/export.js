/**
 * Exports the models of src/take/testing.ts in every format, for others to load:
 *
 *     node scripts/golden/export.js <folder>
 *     venv/bin/python -P scripts/golden/check-export.py <folder> src/take/golden
 *     node scripts/golden/llama-cpp.js <folder>
 *
 * <folder>/<model>/<format>/ holds an export; <folder>/<model>/ours.json the texts, their tokens and
 * the log-probability of every token but the first, by our engine in float32: of the weights as they
 * are, and rounded to float16.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createJiti } from "jiti";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: node scripts/golden/export.js <folder>");
const source = join(import.meta.dirname, "..", "..", "src");
const jiti = createJiti(import.meta.url);
const { goldenModel, goldenNames } = await jiti.import(join(source, "take", "testing.ts"));
const { exportAdapter, exportGguf, exportPretrained } = await jiti.import(
  join(source, "take", "export.ts"),
);
const { LocalEngine } = await jiti.import(join(source, "engine", "local.ts"));

const { loadPretrained } = await jiti.import(join(source, "engine", "files", "pretrained.ts"));

const engine = new LocalEngine();
for (const name of goldenNames) {
  const { taken, prompts } = await goldenModel(name);
  const at = (format) => join(folder, name, format);
  const options = { version: "golden", force: true };
  for (const precision of ["fp32", "bf16", "f16"])
    await exportPretrained(taken, at(precision), { ...options, precision });
  if (name === "llama")
    await exportPretrained(taken, at("sharded"), { ...options, shardBytes: 8000 });
  if (taken.policy.adapter !== undefined) await exportAdapter(taken, at("adapter"), options);
  for (const precision of ["fp32", "f16", "q8_0"])
    await exportGguf(taken, at(`gguf-${precision}`), { ...options, precision });
  const sequences = prompts.map((text) => {
    const tokens = taken.words.tokenizer.encode(text);
    const targets = tokens.slice(1).map((token, position) => ({ position, token }));
    return { tokens, targets };
  });
  const cut = (all) => {
    let from = 0;
    return sequences.map(({ targets }) => [...all.subarray(from, (from += targets.length))]);
  };
  const logprobs = cut(await engine.logprobs(taken.policy, sequences));
  const halves = await loadPretrained(at("f16"));
  const rounded = cut(await engine.logprobs(halves, sequences));
  const texts = sequences.map(({ tokens }, i) => ({
    text: prompts[i],
    tokens,
    logprobs: logprobs[i],
    rounded: rounded[i],
  }));
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, "ours.json"), JSON.stringify(texts));
  process.stdout.write(`${name}\n`);
}
