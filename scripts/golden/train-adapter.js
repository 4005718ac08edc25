// Trains an adapter for ten steps and saves it for PEFT, with log-probabilities to compare
// (scripts/golden/check-adapter.py):
//   npm run build && node scripts/golden/train-adapter.js <folder>
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { initialAdapter } from "../../dist/engine/adapter.js";
import { newOptimizer } from "../../dist/engine/local-policies.js";
import { LocalEngine } from "../../dist/engine/local.js";
import { savePeftAdapter } from "../../dist/engine/files/peft.js";
import { loadPretrained } from "../../dist/engine/files/pretrained.js";
import { Random } from "../../dist/random.js";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: node scripts/golden/train-adapter.js <folder>");
const base = join(import.meta.dirname, "../../src/engine/golden/families/llama");
const engine = new LocalEngine();
const loaded = await loadPretrained(base);
const shape = { rank: 4, alpha: 16, targets: ["q_proj", "k_proj", "o_proj", "up_proj"] };
let policy = { ...loaded, adapter: initialAdapter(loaded.shape, shape, Random.from(1, "adapter")) };
let optimizer = newOptimizer(policy);
const tokens = [9, 40, 77, 130, 200, 13, 55];
const sequence = {
  tokens,
  targets: tokens.slice(1).map((token, position) => ({
    position,
    token,
    component: "crossEntropy",
    coefficient: 0.2,
    logprob: 0,
  })),
};
for (let step = 0; step < 10; step++)
  ({ policy, optimizer } = await engine.trainStep(policy, optimizer, [sequence], {
    learningRate: 0.01,
  }));
await savePeftAdapter(folder, policy, { base });
const logprobs = await engine.logprobs(policy, [sequence]);
const before = await engine.logprobs(loaded, [sequence]);
writeFileSync(
  join(folder, "expected.json"),
  JSON.stringify({ tokens, logprobs: [...logprobs], before: [...before] }),
);
