// Memory and time of several adapters over one base, through the local engine:
//   npm run build && node --expose-gc scripts/adapter-memory.js <folder of a checkpoint>
import { initialAdapter } from "../dist/engine/adapter.js";
import { newOptimizer } from "../dist/engine/local-policies.js";
import { LocalEngine } from "../dist/engine/local.js";
import { loadCheckpoint } from "../dist/models/load-checkpoint.js";
import { Random } from "../dist/random.js";

const print = (line) => process.stdout.write(`${line}\n`);

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: node scripts/adapter-memory.js <folder>");
const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(0).padStart(6);
let started = performance.now();
const report = (what) => {
  globalThis.gc?.();
  const { rss } = process.memoryUsage();
  const peak = process.resourceUsage().maxRSS * 1024;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  print(`${mebibytes(rss)} MiB now ${mebibytes(peak)} MiB peak ${seconds.padStart(6)} s  ${what}`);
  started = performance.now();
};

report("at the start");
const { policy: base, tokenizer } = await loadCheckpoint(folder, { context: 1024 });
report(`${(base.weights.byteLength / 2 ** 20).toFixed(0)} MiB of weights loaded`);
const engine = new LocalEngine({ threads: 2 });
const lora = { rank: 16, alpha: 32, targets: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] };
const policies = [1, 2, 3].map((seed) => ({
  ...base,
  adapter: initialAdapter(base.shape, lora, Random.from(seed, "adapter")),
}));
report(`three adapters of ${policies[0].adapter.weights.length} weights`);
const prompt = tokenizer.encodePrompt({ observation: "What is 2 + 2?" });
const sample = (policy) =>
  engine.sample(policy, {
    prompts: Array.from({ length: 4 }, () => prompt),
    maxTokens: 16,
    random: Random.from(1, "sample"),
  });
await sample(base);
report("4 x 16 tokens by the base");
await sample(policies[0]);
report("4 x 16 tokens by the first adapter");
await sample(policies[1]);
await sample(policies[2]);
report("4 x 16 tokens by each of the others");
const tokens = prompt.concat(prompt).slice(0, 64);
const sequences = Array.from({ length: 4 }, (_, i) => ({
  tokens: tokens.map((token) => token + (i % 2)),
  targets: tokens.slice(32).map((token, t) => ({
    position: 31 + t,
    token,
    component: "policy",
    coefficient: 0.01,
    logprob: -2,
  })),
}));
let state = { policy: policies[0], optimizer: newOptimizer(policies[0]) };
for (let step = 0; step < 2; step++) {
  state = await engine.trainStep(state.policy, state.optimizer, sequences, { learningRate: 1e-4 });
  report(`optimizer step ${step + 1}: 4 x ${tokens.length} tokens, ${4 * 32} targets`);
}
