/**
 * Runs the GGUF files of scripts/golden/export.js in llama.cpp and compares with our engine:
 *
 *     npm install --prefix <modules> --ignore-scripts node-llama-cpp@3.22.1
 *     node scripts/golden/llama-cpp.js <folder> <modules>
 *
 * Tokens must be equal. Log-probabilities of every token but the first may differ from our engine's: with
 * fp32 weights and a float32 cache by 1e-4; with f16 weights and that cache by 1.2e-2, and as llama.cpp runs
 * by default, with a float16 cache and flash attention, by 2.5e-2, both from our engine with the weights
 * rounded to float16: llama.cpp rounds what it multiplies with float16 weights to float16, too. How far
 * those of Q8_0 are from float32 is printed.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, modules] = process.argv.slice(2);
if (modules === undefined) throw new Error("usage: node llama-cpp.js <folder> <modules>");
const require = createRequire(join(resolve(modules), "package.json"));
const { getLlama, LlamaLogLevel } = await import(
  pathToFileURL(require.resolve("node-llama-cpp")).href
);
const llama = await getLlama({
  gpu: false,
  build: "never",
  skipDownload: true,
  logLevel: LlamaLogLevel.error,
});

/** Log-probabilities of tokens[1..] under the model. */
async function logprobsOf(sequence, tokens) {
  await sequence.clearHistory();
  const next = { probabilities: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } };
  const outputs = await sequence.controlledEvaluate(
    tokens.slice(0, -1).map((token) => [token, { generateNext: next }]),
  );
  return outputs.map((output, i) => Math.log(output.next.probabilities.get(tokens[i + 1])));
}

/** Precision, whether the cache is float32, and the largest difference allowed. */
const cases = [
  ["fp32", true, 1e-4],
  ["f16", true, 1.2e-2],
  ["f16", false, 2.5e-2],
  ["q8_0", false, Infinity],
];
const exactCache = {
  flashAttention: false,
  experimentalKvCacheKeyType: "F32",
  experimentalKvCacheValueType: "F32",
};

let faults = 0;
for (const name of readdirSync(folder)) {
  if (!existsSync(join(folder, name, "ours.json"))) continue;
  const texts = JSON.parse(readFileSync(join(folder, name, "ours.json"), "utf8"));
  const report = [];
  for (const [precision, exact, bound] of cases) {
    const at = join(folder, name, `gguf-${precision}`);
    const file = readdirSync(at).find((entry) => entry.endsWith(".gguf"));
    const model = await llama.loadModel({ modelPath: join(at, file), gpuLayers: 0 });
    const context = await model.createContext({
      contextSize: 256,
      sequences: 1,
      threads: 1, // small models: threads would wait for each other
      ...(exact ? exactCache : { flashAttention: true }),
    });
    const sequence = context.getSequence();
    let largest = 0;
    for (const { text, tokens, logprobs, rounded } of texts) {
      const theirs = model.tokenize(text);
      if (theirs.join() !== tokens.join()) {
        faults++;
        process.stdout.write(`${name}: ${JSON.stringify(text)}: ${theirs}, not ${tokens}\n`);
      }
      const expected = precision === "f16" ? rounded : logprobs;
      const computed = await logprobsOf(sequence, tokens);
      computed.forEach((l, i) => (largest = Math.max(largest, Math.abs(l - expected[i]))));
    }
    if (!(largest <= bound)) faults++;
    report.push(`${precision}${exact ? " with a float32 cache" : ""} ${largest.toExponential(1)}`);
    await context.dispose();
    await model.dispose();
  }
  process.stdout.write(`${name}: largest difference: ${report.join(", ")}\n`);
}
await llama.dispose();
process.exitCode = faults > 0 ? 1 : 0;
