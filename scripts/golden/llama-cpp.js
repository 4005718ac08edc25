/**
 * Runs the GGUF files of scripts/golden/export.js in llama.cpp and compares with our engine:
 *
 *     npm install --prefix <modules> --ignore-scripts node-llama-cpp@3.22.1
 *     node scripts/golden/llama-cpp.js <folder> <modules>
 *
 * Tokens must be equal. Log-probabilities of every token but the first may differ by 1e-2 from those of our
 * engine with the weights rounded to float16; how far those of Q8_0 are from float32 is printed. The random
 * models of the Llama and Qwen families have large logits: there, the activations that llama.cpp rounds to
 * float16 make up to 2.5e-2.
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

let faults = 0;
for (const name of readdirSync(folder)) {
  if (!existsSync(join(folder, name, "ours.json"))) continue;
  const texts = JSON.parse(readFileSync(join(folder, name, "ours.json"), "utf8"));
  const report = [];
  for (const precision of ["f16", "q8_0"]) {
    const at = join(folder, name, `gguf-${precision}`);
    const file = readdirSync(at).find((entry) => entry.endsWith(".gguf"));
    const model = await llama.loadModel({ modelPath: join(at, file), gpuLayers: 0 });
    const context = await model.createContext({ contextSize: 256, sequences: 1 });
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
    if (precision === "f16" && !(largest <= (/llama|qwen/.test(name) ? 2.5e-2 : 1e-2))) faults++;
    report.push(`${precision} ${largest.toExponential(1)}`);
    await context.dispose();
    await model.dispose();
  }
  process.stdout.write(`${name}: largest difference: ${report.join(", ")}\n`);
}
await llama.dispose();
process.exitCode = faults > 0 ? 1 : 0;
